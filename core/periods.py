"""Periods of a wallet: its entries between two times, and the balances before and after them.

A period is cut by version and not by time: core/sql/periods/find.sql says how. So its balances and its entries agree, also where
the database's clock was set back. Two periods of which one ends where the other begins share no entry and leave none out.

The workers keep running totals for each 64 entries of a wallet (worker/ledger/totals.py). They make a period of a long history
cheap. Where they are missing, entries are read instead.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.postgres.pool import Database
from core.wallets import WalletEntry

SUM_AT_ONCE = 100_000  # entries that one statement sums: some 50 ms


@dataclass(frozen=True, slots=True)
class Period:
    """The entries of a wallet with versions above `begins` and up to `ends`, and the balance before and after them.

    `credits` is the sum of the credits among them; None where the wallet has no running totals for a long stretch (sum_credits).
    `is_settled`: the period has ended more than 15 seconds ago, and no entry will be added to it.
    """

    wallet_id: UUID
    currency: str
    minor_unit: int
    begins: int
    ends: int
    opening: int
    closing: int
    credits: int | None
    is_settled: bool

    @classmethod
    def from_row(cls, *, credits: str | None, **columns: Any) -> "Period":
        """Return the period of a row. A sum is a text there: that of many amounts may pass the range of BIGINT."""
        return cls(**columns, credits=None if credits is None else int(credits))

    @property
    def entry_count(self) -> int:
        return self.ends - self.begins


class Sum(NamedTuple):
    credits: str


async def find(
    database: Database, wallet_id: UUID, *, since: datetime | None, until: datetime | None, through: int | None = None
) -> Period | None:
    """Return the wallet's entries with since ≤ created_at < until; None where there is no such wallet.

    None as a time is no bound. `through` is the last version that counts: it keeps later pages at what the first one showed.
    """
    params = {"wallet_id": wallet_id, "since": since, "until": until, "through": through}
    return await database.fetch_one("periods/find", params, Period.from_row)


async def sum_credits(database: Database, period: Period) -> int:
    """Return the sum of the period's credits, in minor units. Reads its entries only where running totals are missing."""
    if period.credits is not None:
        return period.credits
    total = 0
    for begins in range(period.begins, period.ends, SUM_AT_ONCE):
        params = {"wallet_id": period.wallet_id, "begins": begins, "ends": min(begins + SUM_AT_ONCE, period.ends)}
        found = await database.fetch_one("periods/sum_credits", params, Sum)
        total += int(found.credits) if found else 0
    return total


async def list_entries(database: Database, period: Period, *, after: int, limit: int) -> list[WalletEntry]:
    """Return up to `limit` entries of the period with a version above `after`, oldest first."""
    params = {"wallet_id": period.wallet_id, "after": max(after, period.begins), "ends": period.ends, "limit": limit}
    return await database.fetch("periods/list_entries", params, WalletEntry)
