-- A closed wallet has exactly one applied closure, is empty, and has no entry since; one with an applied closure is closed.
-- The history has the version that the wallet had when it was closed: a later entry made it greater.
-- Reads all wallets and all transfers, by hash join.
SELECT 'wallet' AS kind, w.id,
       'is ' || w.status || ', with ' || coalesce(c.closures, 0) || ' applied closures, a balance of ' || w.balance || ', ' || w.held
       || ' reserved, and the version ' || w.version || '; it was closed at ' || coalesce(h.version::text, 'none') AS detail
  FROM wallets w
  LEFT JOIN (SELECT source, count(*) AS closures FROM transfers WHERE type = 'closure' AND status = 'applied' GROUP BY source) c
    ON c.source = w.id
  LEFT JOIN (SELECT wallet_id, max((after ->> 'version')::bigint) AS version FROM wallet_changes GROUP BY wallet_id) h
    ON h.wallet_id = w.id
 WHERE coalesce(c.closures, 0) <> CASE w.status WHEN 'closed' THEN 1 ELSE 0 END
    OR (w.status = 'closed' AND (w.balance, w.held, w.version) IS DISTINCT FROM (0, 0, h.version))
