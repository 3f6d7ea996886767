"""Seeded faults on a whole Teller: real processes, clients that log every answer, and a verdict on the promises."""
