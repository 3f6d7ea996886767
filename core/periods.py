"""Periods of a wallet: its entries between two times, and the balances before and after them.

A period is cut by version and not by time: core/sql/periods/find.sql says how. So its balances and its entries agree, also where
the database's clock was set back. Two periods of which one ends where the other begins share no entry and leave none out.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.postgres.pool import Database
from core.wallets import WalletEntry


@dataclass(frozen=True, slots=True)
class Period:
    """The entries of a wallet with versions above `begins` and up to `ends`, and the balance before and after them.

    `is_settled`: the period has ended more than 15 seconds ago, and no entry will ever be added to it.
    """

    wallet_id: UUID
    currency: str
    begins: int
    ends: int
    opening: int
    closing: int
    is_settled: bool

    @property
    def entry_count(self) -> int:
        return self.ends - self.begins


@dataclass(frozen=True, slots=True)
class Sum:
    credits: int

    @classmethod
    def from_row(cls, *, credits: str) -> "Sum":
        """Return the sum of a row. It is a text: the sum of many amounts may pass the range of BIGINT."""
        return cls(int(credits))


async def find(
    database: Database, wallet_id: UUID, *, since: datetime | None, until: datetime | None, through: int | None = None
) -> Period | None:
    """Return the wallet's entries with since ≤ created_at < until; None where there is no such wallet.

    None as a time is no bound. `through` is the last version that counts: it keeps later pages at what the first one showed.
    """
    params = {"wallet_id": wallet_id, "since": since, "until": until, "through": through}
    return await database.fetch_one("periods/find", params, Period)


async def sum_credits(database: Database, period: Period) -> int:
    """Return the sum of the period's credits, in minor units."""
    params = {"wallet_id": period.wallet_id, "begins": period.begins, "ends": period.ends}
    found = await database.fetch_one("periods/sum_credits", params, Sum.from_row)
    return found.credits if found else 0


async def list_entries(database: Database, period: Period, *, after: int, limit: int) -> list[WalletEntry]:
    """Return up to `limit` entries of the period with a version above `after`, oldest first."""
    params = {"wallet_id": period.wallet_id, "after": max(after, period.begins), "ends": period.ends, "limit": limit}
    return await database.fetch("periods/list_entries", params, WalletEntry)
