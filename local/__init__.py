"""The whole system on one machine: embedded PostgreSQL and Redis, the API and the workers, watched over by one process."""
