"""The ledger: decides what a batch of commands does to its wallets, without I/O and without a clock.

It contains the table of kinds (kinds, refusals), the rules of wallets (rules), the input (commands, lines, book), the steps of the
fold (plan, check, post), the fold itself (fold.apply), money and sharding. All packages may import it. It imports nothing of Teller
but itself, and no driver, framework or clock: import-linter checks that (pyproject.toml).

A command becomes signed lines, a change of what one wallet has reserved, a change of its parent, and which rules of its wallets it
heeds. A plain transfer is the case of two lines and no other change.

How a verb is added: a row in kinds.py, and in plan.py a function that returns its plan. `check` and `post` treat all plans alike:
no verb has code of its own in `check`, `post` or `apply`. docs/contributing/add-a-verb.md lists the steps outside the ledger.
"""
