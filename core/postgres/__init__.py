"""The edge to PostgreSQL: statements, sessions, the pool, deadlines, and which errors mean "unavailable".

The nouns of core, core.admin, the API's intake and the workers may import it. It knows no table by itself, except through core/sql.
"""
