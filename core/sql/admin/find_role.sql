-- Whether the role can do all that we can: as ourselves, as a superuser, or as a member of our role. No row when there is no such role.
SELECT pg_has_role(oid, current_user, 'MEMBER') AS acts_as_us
  FROM pg_roles
 WHERE rolname = %(role)s
