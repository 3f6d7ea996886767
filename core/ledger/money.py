"""Money is an integer of minor units (cents, yen); never a float, never a string. The ledger knows no currency.

The wallets of a transfer have its currency: the INSERT of a transfer sees to that (core/sql/transfers/insert.sql).
"""

AMOUNT_MIN = 1
AMOUNT_MAX = 2**53 - 1  # the largest integer that every JSON client reads exactly (RFC 8259, section 6)

BALANCE_MAX = AMOUNT_MAX
COUNTED_MAX = AMOUNT_MAX  # of what counts in a month, also where no limit is set: answers show it

EXTERNAL_BALANCE_MIN = -BALANCE_MAX  # so that JSON clients read balances of external wallets exactly too
