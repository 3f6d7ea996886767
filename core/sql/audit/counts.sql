-- Returns how many transfers, entries and wallets an audit has read, and how many of the wallets are external.
SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM entries), count(*), count(*) FILTER (WHERE kind = 'external')
  FROM wallets
