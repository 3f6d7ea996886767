"""The rules of a wallet beyond its funds: whether it is closed or frozen, and its limits with what counts against them."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

Frozen = Literal["debits", "credits", "all"]  # what a freeze stops


class Limits(NamedTuple):
    """The limits of a wallet and what counts against them, in minor units. A limit of None is no limit.

    `debits_today` and `debits_this_month` are of the windows that began on the days `today` and `month_began`, in days since 1970:
    UTC days and months by the database's clock.
    """

    balance_max: int | None
    debit_max: int | None
    debits_per_day_max: int | None
    debits_per_month_max: int | None
    today: int
    month_began: int
    debits_today: int = 0
    debits_this_month: int = 0

    def counting(self, amount: int, on: int) -> "Limits":
        """Return the limits after so much was counted in the windows that have the day `on`; a negative amount is given back.

        What was counted before a window began is not given back in it.
        """
        return self._replace(
            debits_today=self.debits_today + (amount if on >= self.today else 0),
            debits_this_month=self.debits_this_month + (amount if on >= self.month_began else 0),
        )

    def on(self, today: int, month_began: int) -> "Limits":
        """Return the limits in the windows of this day, which is no earlier one: nothing counts yet in a window that has begun."""
        return self._replace(
            today=today,
            month_began=month_began,
            debits_today=self.debits_today if today == self.today else 0,
            debits_this_month=self.debits_this_month if month_began == self.month_began else 0,
        )


class Rules(NamedTuple):
    """What a wallet allows. `limits` is None until a limit is first set: nothing is counted before."""

    is_closed: bool = False
    frozen: Frozen | None = None
    limits: Limits | None = None

    def stops(self, amount: int) -> bool:
        """Return whether the freeze is of a debit, if the amount is negative, or of a credit, if it is positive."""
        return bool(amount) and self.frozen in {"all", "debits" if amount < 0 else "credits"}


def rules_of(stored: Mapping[str, Any]) -> Rules:
    """Return the rules that the database's function `rules_of` describes."""
    counters = stored["counters"]
    limits = None if counters is None else Limits(**stored["limits"], **counters)
    return Rules(stored["status"] == "closed", stored["frozen"], limits)


def of_one_day(rules: Iterable[Rules]) -> list[Rules]:
    """Return the rules of a batch's wallets, all in the windows of the latest of their days.

    A wallet's windows never go back. So a transaction that began before midnight, and got a wallet after one that began later, is
    of that later day; its other wallets then are of it too, because a transfer counts in one day.
    """
    given = list(rules)
    limits = [one.limits for one in given if one.limits is not None]
    if not limits:
        return given
    today, month_began = max(one.today for one in limits), max(one.month_began for one in limits)
    return [one if one.limits is None else one._replace(limits=one.limits.on(today, month_began)) for one in given]
