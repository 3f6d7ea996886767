-- Makes the role of a process; {password} is a verifier or NULL. Belongs to the whole server, not to a database.
CREATE ROLE {role} LOGIN PASSWORD {password}
