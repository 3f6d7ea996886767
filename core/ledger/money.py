"""Money is an integer of minor units (cents) beside a currency; never a float, never a string."""

CURRENCY = "USD"  # the only one; docs/decisions says what several would need
MINOR_UNIT = 2  # decimal digits of its minor unit (ISO 4217)

AMOUNT_MIN = 1
AMOUNT_MAX = 2**53 - 1  # the largest integer that every JSON client reads exactly (RFC 8259, section 6)

BALANCE_MAX = AMOUNT_MAX
EXTERNAL_BALANCE_MIN = -BALANCE_MAX  # so that JSON clients read balances of external wallets exactly too
