-- Lists the names of the settings that a role has by default, in this database and in all. Locks nothing.
SELECT DISTINCT split_part(setting, '=', 1) AS name
  FROM pg_db_role_setting s
  JOIN pg_roles r ON r.oid = s.setrole
 CROSS JOIN LATERAL unnest(s.setconfig) AS one (setting)
 WHERE r.rolname = %(role)s::text
   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
 ORDER BY name
