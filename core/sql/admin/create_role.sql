-- Creates the role of a process. {password} is a verifier or NULL. Roles belong to the whole server, not to a database.
CREATE ROLE {role} LOGIN PASSWORD {password}
