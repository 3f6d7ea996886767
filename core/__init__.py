"""What the API and the workers share: the ledger's rules, the rows of each noun, Postgres, Redis, settings.

api, worker and local import it. It imports none of them. Inside, imports go one way: admin, nouns, postgres and redis, leaves.
"""
