"""Amounts as people write them and as the API counts them: 10.50 USD is 1050 minor units, 10 JPY is 10, 1.250 KWD is 1250."""

import re
from decimal import Decimal

from cli.exits import Cannot
from core.currencies import CURRENCIES

AMOUNT_MAX = 2**53 - 1
WRITTEN = re.compile(r"(\d{1,16})(?:\.(\d{1,16}))?", re.ASCII)


def minor_units(text: str, minor_unit: int, currency: str, *, cents: bool = False) -> int:
    """Return the minor units of an amount that a person has written. With `cents` the text is an integer of minor units.

    Raises Cannot for what is no positive amount, for more decimals than the currency has, and for more than 2^53 - 1 minor units.
    """
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise Cannot(f"{text!r} is no amount: write digits and a point, such as {example(minor_unit)}")
    whole, decimals = found[1], found[2] or ""
    if cents and decimals:
        raise Cannot(f"{text!r} is no integer of minor units, and --cents asks for one")
    if not cents and len(decimals) > minor_unit:
        raise Cannot(f"{currency} has {decimals_in_words(minor_unit)}, and {text!r} has {len(decimals)}")
    amount = int(whole) if cents else int(whole + decimals.ljust(minor_unit, "0"))
    if not 1 <= amount <= AMOUNT_MAX:
        raise Cannot(
            f"an amount is at least {money(1, minor_unit, currency)} and at most {money(AMOUNT_MAX, minor_unit, currency)}"
        )
    return amount


def example(minor_unit: int) -> str:
    return money(1050, minor_unit).replace(",", "")


def decimals_in_words(minor_unit: int) -> str:
    return {0: "no decimals", 1: "1 decimal"}.get(minor_unit, f"{minor_unit} decimals")


def money(amount: int, minor_unit: int, currency: str | None = None) -> str:
    """Return the amount for people: 1050 is "10.50", with a currency "10.50 USD"."""
    text = f"{Decimal(amount).scaleb(-minor_unit):,.{minor_unit}f}"
    return f"{text} {currency}" if currency else text


def money_in(amount: int | None, currency: str) -> str | None:
    """Return the amount for people, by the decimals that ISO 4217 gives the currency; of one that is not listed, minor units."""
    if amount is None:
        return None
    minor_unit = minor_unit_of(currency)
    return f"{amount} minor units of {currency}" if minor_unit is None else money(amount, minor_unit, currency)


def minor_unit_of(currency: str) -> int | None:
    """Return how many decimals ISO 4217 gives the currency; None for one that is not listed."""
    listed = CURRENCIES.get(currency)
    return listed.minor_unit if listed else None
