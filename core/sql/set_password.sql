-- Lets the application's role in with this password, of which {password} is the verifier.
ALTER ROLE {role} LOGIN PASSWORD {password}
