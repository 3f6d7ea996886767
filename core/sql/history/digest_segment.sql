-- Returns, by currency and shard, the counts, the sums and the digest of the events in [start, before), of their transfers and of the
-- entries of these. `outside` is what external wallets have received.
-- The digest of a transfer is the SHA-256 of a text: its place in the feed, its row, and its entries' rows in the order of their
-- wallets, each on a line. A row is its JSON without its columns that are NULL, so a column that a later version adds changes no old
-- digest until it has a value. `captured`, `returned` and `unreversed` are left out: they go on changing, and follow from the
-- transfer's children.
-- `metadata` is written whole on a line of its own, because stripping NULLs would reach into it. The digest of a group is the SHA-256
-- of its transfers' digests in the order of the feed.
-- An event without its transfer has neither currency nor shard.
-- Locks nothing. Index: events_pkey; per event transfers_pkey and entries_transfer: OFFSET 0 leaves the planner no other plan.
SELECT coalesce(t.currency, '') AS currency,
       coalesce(t.shard, -1) AS shard,
       count(*) AS transfers,
       count(*) FILTER (WHERE t.status = 'applied') AS applied,
       count(*) FILTER (WHERE t.status = 'rejected') AS rejected,
       count(*) FILTER (WHERE t.status = 'canceled') AS canceled,
       sum(e.entries)::bigint AS entries,
       coalesce(sum(e.amount), 0) AS sum,
       coalesce(sum(e.credits), 0) AS credits,
       coalesce(sum(e.outside), 0) AS outside,
       max(ARRAY[v.moment, v.ordinal]) AS last_place,
       sha256(
           string_agg(
               sha256(
                   convert_to(
                       concat_ws(E'\n', v.moment || '/' || v.ordinal || ' ' || v.transfer_id, t.record, t.metadata, e.records), 'UTF8'
                   )
               ), '' ORDER BY v.moment, v.ordinal
           )
       ) AS digest
  FROM (
        SELECT one_row.moment, one.ordinal, one.transfer_id
          FROM (
                SELECT moment, transfer_ids FROM events WHERE moment >= %(start)s AND moment < %(before)s ORDER BY moment OFFSET 0
               ) one_row
         CROSS JOIN LATERAL unnest(one_row.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
       ) v
  LEFT JOIN LATERAL (
        SELECT currency, shard, status, metadata::text AS metadata,
               jsonb_strip_nulls(to_jsonb(transfers) - '{metadata,captured,returned,unreversed}'::text[])::text AS record
          FROM transfers
         WHERE id = v.transfer_id
        OFFSET 0
       ) t ON true
 CROSS JOIN LATERAL (
        SELECT count(*) AS entries,
               sum(amount) AS amount,
               sum(amount) FILTER (WHERE amount > 0) AS credits,
               sum(amount) FILTER (WHERE wallet_id BETWEEN '00000000-0000-7000-8000-000000000000'
                                                       AND '00000000-0000-7000-8000-ffffffffffff') AS outside,
               string_agg(jsonb_strip_nulls(to_jsonb(stored))::text, E'\n' ORDER BY wallet_id) AS records
          FROM (SELECT * FROM entries WHERE transfer_id = v.transfer_id OFFSET 0) stored
       ) e
 GROUP BY 1, 2
 ORDER BY 1, 2
