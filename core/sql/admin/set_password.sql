-- Sets the password of a process's role. {password} is its verifier.
ALTER ROLE {role} LOGIN PASSWORD {password}
