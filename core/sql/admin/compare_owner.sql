-- Returns whether a role owns the tables, and whether it can act as the owner of the tables, their schema or the database.
-- It can as that owner, as its member, or as a superuser. No right can be withheld from such a role: it could grant it to itself
-- again.
-- Reads the catalogue. Locks nothing.
SELECT tables.relowner = r.oid AS owns_tables,
       pg_has_role(r.oid, tables.relowner, 'MEMBER')
       OR pg_has_role(r.oid, s.nspowner, 'MEMBER')
       OR pg_has_role(r.oid, d.datdba, 'MEMBER') AS acts_as_owner
  FROM pg_class tables
  JOIN pg_namespace s ON s.oid = tables.relnamespace
  JOIN pg_database d ON d.datname = current_database()
  JOIN pg_roles r ON r.rolname = %(role)s
 WHERE tables.oid = 'entries'::regclass
