"""`teller`, the command: Teller from a terminal, over its HTTP API, and what is done beside its database.

Nothing imports it. A command's module is imported when the command is called, so that
`teller version` answers in a fifth of a second.
"""
