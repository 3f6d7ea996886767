-- Returns the roles, except PUBLIC, the owner and those given, that may change a table of the ledger or a column of one.
-- Reads the catalogue. Locks nothing.
SELECT DISTINCT r.rolname
  FROM pg_class c
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
 CROSS JOIN LATERAL (
        SELECT * FROM aclexplode(c.relacl)
        UNION ALL
        SELECT * FROM aclexplode(a.attacl)
       ) given
  JOIN pg_roles r ON r.oid = given.grantee
 WHERE c.oid = ANY (ARRAY['transfers', 'queue', 'wallets', 'entries', 'events', 'keys']::regclass[])
   AND given.privilege_type <> 'SELECT'
   AND r.oid <> c.relowner
   AND r.rolname <> ALL (%(roles)s::text[])
 ORDER BY r.rolname
