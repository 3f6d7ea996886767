-- Whether a role owns the tables, and whether it can act as whoever owns them, their schema or the database: being it, as its member,
-- or as a superuser. From such a role nothing can be withheld: it would give itself back what was taken.
SELECT tables.relowner = r.oid AS owns_tables,
       pg_has_role(r.oid, tables.relowner, 'MEMBER')
       OR pg_has_role(r.oid, s.nspowner, 'MEMBER')
       OR pg_has_role(r.oid, d.datdba, 'MEMBER') AS acts_as_owner
  FROM pg_class tables
  JOIN pg_namespace s ON s.oid = tables.relnamespace
  JOIN pg_database d ON d.datname = current_database()
  JOIN pg_roles r ON r.rolname = %(role)s
 WHERE tables.oid = 'entries'::regclass
