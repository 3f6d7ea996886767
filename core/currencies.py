"""The currencies of ISO 4217 that have a minor unit, as the package iso4217 lists them.

Money is moved in minor units, so a code without one, such as gold's XAU, is no currency here. `migrate` stores these rows in the
table `currencies`, which then says how many digits an amount has.
"""

from collections.abc import Mapping
from typing import NamedTuple

import iso4217

USD = "USD"  # what a request without a currency means; never "the wallet's": a caller that counts cents moves no yen by accident


class Currency(NamedTuple):
    """`minor_unit` is the number of digits after the point: an amount of 1 is 10 ** -minor_unit.

    `number` is ISO's, and part of the ids of the currency's external wallets. Those of USD were the first: its number is 0.
    """

    code: str
    number: int
    minor_unit: int


CURRENCIES: Mapping[str, Currency] = {
    listed.code: Currency(listed.code, 0 if listed.code == USD else listed.number, listed.exponent)
    for listed in iso4217.Currency
    if listed.exponent is not None
}
