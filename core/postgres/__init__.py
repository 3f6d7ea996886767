"""The edge to PostgreSQL: statements, connections and their sessions, the pool, deadlines, and which errors are faults.

The nouns of core, core.admin, the API and the workers may import it. It names no table of Teller's: statements are in core/sql.
"""
