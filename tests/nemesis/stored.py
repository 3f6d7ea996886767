"""What the database has of transfers at the end of a trial, read by SQL of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from core import ids
from core.currencies import USD
from core.ids import Prefix

TRANSFERS = """
    SELECT idempotency_key AS key, id, type, status, failure_code, source, destination, amount, parent, fit,
           coalesce(closes, false) AS closes, coalesce(captured, 0) AS captured, coalesce(returned, 0) AS returned, moved,
           created_at, finished_at, scheduled_for, apply_by, expires_at, currency, counted_on, wallet_ids, amounts
      FROM transfers
     ORDER BY id
"""
EXPIRY = "expiry "  # what the keys of releases begin with that the sweeper makes


@dataclass(frozen=True)
class Stored:
    """A row of `transfers`. Ids are as callers see them; a wallet outside is None."""

    key: str
    id: str
    type: str
    status: str
    failure_code: str | None
    source: str | None
    destination: str | None
    amount: int
    parent: str | None
    fit: str | None
    closes: bool
    captured: int
    returned: int
    moved: int | None
    created_at: datetime
    finished_at: datetime | None
    scheduled_for: datetime | None
    apply_by: datetime | None
    expires_at: datetime | None
    currency: str = USD
    counted_on: date | None = None
    lines: tuple[tuple[str, int], ...] | None = None

    @property
    def is_applied(self) -> bool:
        return self.status == "applied"

    @property
    def total(self) -> int:
        """Its amount as callers see it: what it came to, or else the most that it may come to."""
        return self.amount if self.moved is None or not self.is_applied else self.moved

    @property
    def came_to(self) -> int:
        """How much it moved, reserved or released."""
        return self.total if self.is_applied else 0

    @property
    def is_expiry(self) -> bool:
        return self.key.startswith(EXPIRY)

    @property
    def moves_money(self) -> bool:
        return self.is_applied and self.type not in {"hold", "release"} and self.came_to > 0

    @property
    def entries(self) -> Sequence[tuple[str | None, int]]:
        """Wallet and amount of each entry that it must have."""
        if not self.moves_money:
            return []
        return self.lines or [(self.source, -self.came_to), (self.destination, self.came_to)]

    @property
    def empties(self) -> bool:
        """Whether it leaves nothing of its hold, if it is applied."""
        return self.closes or (self.fit == "rest" and self.type in {"capture", "release"})


@dataclass(frozen=True)
class Funds:
    """A client's wallet."""

    balance: int
    held: int
    version: int


class Rows:
    """The transfers by key, by id, and by parent. The random keys are unique over all owners."""

    def __init__(self, transfers: Sequence[Stored]) -> None:
        self.by_key = {row.key: row for row in transfers}
        self.by_id = {row.id: row for row in transfers}
        assert len(self.by_key) == len(transfers), "two transfers of one key"
        self._children: defaultdict[str, list[Stored]] = defaultdict(list)
        for row in transfers:
            if row.parent is not None:
                self._children[row.parent].append(row)

    def __iter__(self) -> Any:
        return iter(self.by_id.values())

    def applied_children(self, parent: Stored, *types: str) -> list[Stored]:
        return [row for row in self._children[parent.id] if row.is_applied and row.type in types]

    def left_of(self, parent: Stored) -> int:
        """What the children of an applied transfer have left in the end, by their outcomes alone."""
        children = self.applied_children(parent, "capture", "release", "reversal")
        if any(row.closes for row in children):
            return 0
        return parent.came_to - sum(row.came_to for row in children)


def read_transfers(connection: psycopg.Connection[Any]) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return Rows([stored_of(row) for row in cursor.execute(TRANSFERS)])


def stored_of(row: Mapping[str, Any]) -> Stored:
    parent = row["parent"] and ids.text(Prefix.TRANSFER, row["parent"])
    named = {"id": ids.text(Prefix.TRANSFER, row["id"]), "parent": parent}
    shown = {"source": shown_wallet(row["source"]), "destination": shown_wallet(row["destination"])}
    wallets, amounts = ([*row[name]] if row[name] else None for name in ("wallet_ids", "amounts"))
    lines = wallets and tuple(zip(map(shown_wallet, wallets), amounts or (), strict=True))
    kept = {name: value for name, value in row.items() if name not in {"wallet_ids", "amounts"}}
    return Stored(**{**kept, **named, **shown, "lines": lines})


def read_funds(connection: psycopg.Connection[Any]) -> dict[str, Funds]:
    rows = connection.execute("SELECT id, balance, held, version FROM wallets WHERE kind = 'client'").fetchall()
    return {ids.text(Prefix.WALLET, id): Funds(*funds) for id, *funds in rows}


def read_entries(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[str | None, int]]]:
    """Return wallet and amount of each entry, by transfer."""
    found: defaultdict[str, list[tuple[str | None, int]]] = defaultdict(list)
    for transfer, wallet, amount in connection.execute("SELECT transfer_id, wallet_id, amount FROM entries"):
        found[ids.text(Prefix.TRANSFER, transfer)].append((shown_wallet(wallet), amount))
    return found


def shown_wallet(id: UUID) -> str | None:
    return None if ids.is_external_wallet(id) else ids.text(Prefix.WALLET, id)
