-- Which of these wallets exist, and of which kind. Leans on wallets_pkey.
SELECT id, kind
  FROM wallets
 WHERE id = ANY(%(ids)b)
