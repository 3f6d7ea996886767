"""The ledger: what a batch of commands does to the wallets it touches, decided without I/O and without a clock.

What lives here: the table of kinds (kinds, refusals), what goes in (commands, book), the steps of the fold (plan, check, post), the
fold itself (fold.apply), money and sharding. All packages may import it; it imports nothing of Teller but itself, and no driver,
framework or clock (a contract of import-linter in pyproject.toml).

How a verb is added: a row in kinds.py, and a branch in `plan` that says which signed lines the command has. A verb with several
legs needs no more. The first verb that reserves money adds a field `held` to `Plan` and `Wallet`, and the first one that names an
earlier transfer adds the change of that parent to `Plan`; `check` and `post` then read each for all verbs alike. No verb has code
of its own in `check`, `post` or `apply`. docs/contributing/add-a-verb.md lists the steps outside the ledger.
"""
