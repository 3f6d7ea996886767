"""The ledger: decides what a batch of commands does to its wallets, without I/O and without a clock.

It contains the table of kinds (kinds, refusals), the input (commands, book), the steps of the fold (plan, check, post), the fold
itself (fold.apply), money and sharding. All packages may import it. It imports nothing of Teller but itself, and no driver,
framework or clock: import-linter checks that (pyproject.toml).

How a verb is added: a row in kinds.py, and a branch in `plan` that returns the signed lines of the command. A verb with several
legs needs no more. The first verb that reserves money adds a field `held` to `Plan` and `Wallet`. The first one that names an
earlier transfer adds the change of that parent to `Plan`. `check` and `post` then read each for all verbs alike: no verb has code
of its own in `check`, `post` or `apply`. docs/contributing/add-a-verb.md lists the steps outside the ledger.
"""
