-- How much an audit has looked at.
SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM entries), (SELECT count(*) FROM wallets)
