-- Gives the role of a process this password; {password} is its verifier.
ALTER ROLE {role} LOGIN PASSWORD {password}
