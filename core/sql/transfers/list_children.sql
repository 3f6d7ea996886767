-- Returns the captures, releases and reversals of a transfer, newest first, below a given id. With a `wallet_id`, only
-- those of this wallet; with a `client_id`, that of a caller who may see no others, only those of its wallets. NULL stands for any.
-- With one of them, a `status` or a `type`, it searches a window as transfers/list does.
-- Index: wallets_client_currency; transfers_parent, read as a range, for the reason given in transfers/list_of_wallet.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, row_number() OVER (ORDER BY id DESC) AS window_row,
               {{matches}} AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s = ANY({{parties}}))
               AND (%(client_id)s::uuid IS NULL
                    OR {{parties}} && ARRAY(SELECT id FROM wallets WHERE client_id = %(client_id)s)) AS matches
          FROM (
                SELECT *
                  FROM transfers
                 WHERE (parent, id) < (%(parent)s, %(before)s) AND parent >= %(parent)s
                 ORDER BY parent DESC, id DESC
                 LIMIT %(window)s
               ) t
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
