"""The owner's commands: migrate, rights, heal, audit.

They connect as the owner of the tables (the audit as a worker). core.__main__ calls them; local and bench may. No request does.
"""
