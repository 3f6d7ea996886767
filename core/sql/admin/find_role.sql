-- Returns whether the role has all rights of this session's role: as the same role, as a superuser, or as a member.
-- Returns no row if there is no such role. Reads the catalogue.
SELECT pg_has_role(oid, current_user, 'MEMBER') AS acts_as_us
  FROM pg_roles
 WHERE rolname = %(role)s
