-- Makes the parties what the lines say: the third and further wallets of each transfer with lines. Inserts those that are missing and
-- deletes those that are of no line. Reads all transfers and all parties.
WITH truth AS MATERIALIZED (
    SELECT line.wallet_id, t.id AS transfer_id
      FROM transfers t
     CROSS JOIN LATERAL unnest(t.wallet_ids) AS line (wallet_id)
     WHERE t.wallet_ids IS NOT NULL AND line.wallet_id NOT IN (t.source, t.destination)
), deleted AS (
    DELETE FROM parties p
     WHERE NOT EXISTS (SELECT FROM truth WHERE truth.transfer_id = p.transfer_id AND truth.wallet_id = p.wallet_id)
    RETURNING p.transfer_id
), inserted AS (
    INSERT INTO parties (wallet_id, transfer_id)
    SELECT wallet_id, transfer_id FROM truth
        ON CONFLICT DO NOTHING
    RETURNING transfer_id
)
SELECT transfer_id FROM deleted UNION ALL SELECT transfer_id FROM inserted
