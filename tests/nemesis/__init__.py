"""A hostile world for a whole Teller: seeded faults on real processes, clients that log every answer, and what must hold of it."""
