"""The whole system on one machine: embedded PostgreSQL and Redis, the API and the workers, run by a supervisor."""
