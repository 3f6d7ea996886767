-- The rules of the wallet `w` with its counters, as core.ledger.rules.rules_of reads them; NULL, and no function is called, if it has none.
CASE WHEN w.guard IS NOT NULL
            THEN rules_of(w.status, w.frozen, w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max,
                          w.counted_day, w.debits_today, w.debits_this_month) END AS rules
