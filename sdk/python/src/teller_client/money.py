"""Amounts are integers of minor units: 1050 is 10.50 USD. A float would be inexact, and is refused."""

AMOUNT_MAX = 2**53 - 1


def cents(amount: int) -> int:
    """Return the amount. Raises TypeError for anything but an int, and ValueError outside 1 to 2^53 - 1."""
    if type(amount) is not int:
        raise TypeError(f"an amount is an int of minor units (cents), not {type(amount).__name__}")
    if not 1 <= amount <= AMOUNT_MAX:
        raise ValueError(f"an amount is 1 to {AMOUNT_MAX} minor units")
    return amount


def format_money(amount: int, currency: str | None = None, minor_unit: int = 2) -> str:
    """Return the amount for people: 1050 is "10.50", with a currency "10.50 USD".

    `minor_unit` is the number of digits of the currency, as a wallet has it: 1050 is "1,050 JPY" with 0, and "1.050 KWD" with 3.
    """
    units, rest = divmod(abs(amount), 10**minor_unit)
    text = f"{'-' if amount < 0 else ''}{units:,}{f'.{rest:0{minor_unit}}' if minor_unit else ''}"
    return f"{text} {currency}" if currency else text
