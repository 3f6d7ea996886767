-- Returns how many transfers, entries and wallets an audit has read.
SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM entries), (SELECT count(*) FROM wallets)
