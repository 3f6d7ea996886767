"""What `python -m core` does: migrations, roles and rights, repair, the audit, keys.

It connects as the owner of the tables (the audit as a worker). core.__main__, local and bench may call it. The API and the workers
ask it which migrations this version has; no request calls anything else of it.
"""
