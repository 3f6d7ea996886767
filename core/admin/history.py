"""The history of the ledger in digests: what a checkpoint consists of, and how each part is computed again.

The history is the feed up to an event, with the transfers and the entries of its events. Below the feed's horizon it never changes:
a transaction that is still open can only add events behind it. It is cut into segments at the moments of transactions. A checkpoint
that continues another one leaves that one's segments as they are, and reads only what is new.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from core import ids
from core.admin.audit import limit_next_statement
from core.admin.checkpoint_file import Chain, Checkpoint, Heads, LastEvent, Segment, Totals
from core.errors import CannotDo
from core.events import FEED_START
from core.ids import Prefix
from core.postgres.statements import statement
from core.times import rfc3339

# Small enough that the server sorts a segment in memory and that one of a hundred is a small sample; large enough that the file of
# a billion transfers is some 2 MB.
SEGMENT_TRANSFERS = 100_000

RANGE_WALLETS = 10_000  # the same for wallets: damage of a head is narrowed down to one in so many

NO_CHAIN = "0" * 64  # before a chain's first segment

Group = tuple[str, int]  # a currency and a shard


@dataclass(frozen=True, slots=True)
class Place:
    """The last event below the horizon. `finished_at` is None if its transfer is missing."""

    moment: int
    ordinal: int
    transfer_id: UUID
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class SegmentGroup:
    """What a segment has of one currency in one shard. The fields are the columns of history/digest_segment."""

    currency: str
    shard: int
    transfers: int
    applied: int
    rejected: int
    canceled: int
    entries: int
    sum: Decimal
    credits: Decimal
    outside: Decimal
    last_place: Sequence[int]
    digest: bytes


@dataclass(frozen=True, slots=True)
class WalletRange:
    """The heads of a range of wallets. The fields are the columns of history/digest_heads."""

    number: int
    currency: str
    wallets: int
    entries: int
    balance: Decimal
    clients: Decimal
    digest: bytes


def prefer_keys(connection: psycopg.Connection) -> None:
    """Keep the planner from reading whole tables for what has a path by key, in this transaction, whatever its statistics say."""
    connection.execute("SELECT set_config('enable_seqscan', 'off', true)")


def find_last_event(connection: psycopg.Connection) -> Place | None:
    with connection.cursor(row_factory=class_row(Place)) as cursor:
        return cursor.execute(statement("history/find_last_event")).fetchone()


def cut(connection: psycopg.Connection, start: int, last_moment: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last moments of segments from `start` to `last_moment`, the last of which may be short."""
    while start <= last_moment:
        params = {"start": start, "before": last_moment + 1, "size": SEGMENT_TRANSFERS}
        row = connection.execute(statement("history/find_cut"), params).fetchone()
        end = row[0] if row else last_moment
        yield start, end
        start = end + 1


def read_segment(connection: psycopg.Connection, start: int, last_moment: int) -> list[SegmentGroup]:
    """Read all events from `start` to `last_moment`, with their transfers and entries, and return their digests."""
    params = {"start": start, "before": last_moment + 1}
    with connection.cursor(row_factory=class_row(SegmentGroup)) as cursor:
        return cursor.execute(statement("history/digest_segment"), params).fetchall()


def segment_of(last_moment: int, parts: Sequence[SegmentGroup]) -> Segment:
    lines = "".join(f"{part.currency} {part.shard} {part.transfers} {part.entries} {part.digest.hex()}\n" for part in parts)
    return Segment(
        last_moment=last_moment,
        transfers=sum(part.transfers for part in parts),
        entries=sum(part.entries for part in parts),
        digest=hashlib.sha256(lines.encode()).hexdigest(),
    )


def starts_of(segments: Sequence[Segment]) -> list[int]:
    """Return the first moment of each segment: the one after the last of the segment before."""
    return [FEED_START.moment, *(segment.last_moment + 1 for segment in segments[:-1])]


def chained(chains: Iterable[Chain], parts: Iterable[SegmentGroup]) -> list[Chain]:
    """Return the chains, each continued by its part of a segment."""
    by_group: dict[Group, Chain] = {(chain.currency, chain.shard): chain for chain in chains}
    for part in parts:
        group = (part.currency, part.shard)
        before = by_group.get(group) or Chain(currency=group[0], shard=group[1], transfers=0, entries=0, digest=NO_CHAIN)
        by_group[group] = Chain(
            currency=part.currency,
            shard=part.shard,
            transfers=before.transfers + part.transfers,
            entries=before.entries + part.entries,
            digest=hashlib.sha256(bytes.fromhex(before.digest) + part.digest).hexdigest(),
        )
    return [chain for _, chain in sorted(by_group.items())]


def added(totals: Mapping[str, Totals], parts: Iterable[SegmentGroup], connection: psycopg.Connection) -> dict[str, Totals]:
    """Return the totals by currency with those of a segment added."""
    sums: dict[str, dict[str, Any]] = {currency: of.model_dump() | {"last_place": None} for currency, of in totals.items()}
    for part in parts:
        of = sums.setdefault(part.currency, dict.fromkeys(COUNTED, 0) | {"paid_out": 0, "last_place": None})
        for name in COUNTED:
            of[name] += int(getattr(part, name))
        of["paid_out"] += int(part.outside)
        of["last_place"] = max(of["last_place"] or [], list(part.last_place))
    return {currency: total_of(of, connection) for currency, of in sorted(sums.items())}


COUNTED = ("transfers", "applied", "rejected", "canceled", "entries", "sum", "credits")


def total_of(of: dict[str, Any], connection: psycopg.Connection) -> Totals:
    place = of.pop("last_place")
    if place:
        row = connection.execute("SELECT transfer_ids[%s] FROM events WHERE moment = %s", [place[1], place[0]]).fetchone()
        assert row is not None
        of["last_event"] = {"moment": place[0], "ordinal": place[1], "id": ids.text(Prefix.EVENT, row[0])}
    return Totals.model_validate(of)


def choose_bounds(connection: psycopg.Connection) -> list[UUID]:
    return [id for (id,) in connection.execute(statement("history/choose_bounds"), {"size": RANGE_WALLETS})]


def read_heads(connection: psycopg.Connection, before: int, bounds: Sequence[UUID]) -> list[WalletRange]:
    """Return the heads that wallets had before a moment, by range: `bounds` are the first ids of the ranges from number 1 on."""
    with connection.cursor(row_factory=class_row(WalletRange)) as cursor:
        return cursor.execute(statement("history/digest_heads"), {"before": before, "bounds": list(bounds)}).fetchall()


def heads_of(part: WalletRange) -> Heads:
    return Heads(
        number=part.number,
        currency=part.currency,
        wallets=part.wallets,
        entries=part.entries,
        balance=int(part.balance),
        digest=part.digest.hex(),
    )


def continued(
    connection: psycopg.Connection,
    earlier: Checkpoint | None,
    made_at: datetime,
    report_progress: Callable[[str], None],
    give_up: float,
) -> Checkpoint:
    """Return the checkpoint of the snapshot's history, the segments up to an earlier checkpoint taken from that one.

    Raises CannotDo if the history contradicts itself.
    """
    limit_next_statement(connection, give_up)
    last = find_last_event(connection)
    segments = list(earlier.segments) if earlier else []
    chains = list(earlier.chains) if earlier else []
    totals = dict(earlier.currencies) if earlier else {}
    start = earlier.before if earlier else FEED_START.moment
    for first, end in cut(connection, start, last.moment) if last else ():
        limit_next_statement(connection, give_up)
        parts = read_segment(connection, first, end)
        segments.append(segment_of(end, parts))
        report_progress(f"segment {len(segments)}: {segments[-1].transfers} transfers, {segments[-1].entries} entries")
        chains = chained(chains, parts)
        totals = added(totals, parts, connection)
    limit_next_statement(connection, give_up)
    bounds = choose_bounds(connection)
    ranges = read_heads(connection, segments[-1].last_moment + 1 if segments else FEED_START.moment, bounds)
    refuse_contradictions(totals, ranges)
    return Checkpoint(
        format=1,
        made_at=rfc3339(made_at),
        previous=earlier.digest if earlier else None,
        last_event=last_event_of(last) if last else None,
        currencies=totals,
        chains=chains,
        segments=segments,
        bounds=[ids.text(Prefix.WALLET, id) for id in bounds],
        heads=[heads_of(part) for part in ranges],
    )


def last_event_of(place: Place) -> LastEvent:
    if place.finished_at is None:
        raise CannotDo("the last event has no final transfer: run python -m core audit")
    return LastEvent(
        moment=place.moment,
        ordinal=place.ordinal,
        id=ids.text(Prefix.EVENT, place.transfer_id),
        finished_at=rfc3339(place.finished_at),
    )


def refuse_contradictions(totals: Mapping[str, Totals], ranges: Sequence[WalletRange]) -> None:
    """Compare the entries of the feed with the wallets, by currency. Raises CannotDo: a checkpoint of damage would confirm it."""
    for currency in sorted({*totals, *(part.currency for part in ranges)}):
        of = totals.get(currency)
        mine = [part for part in ranges if part.currency == currency]
        by_feed = (of.entries, of.sum, -of.paid_out) if of else (0, 0, 0)
        by_wallets = (sum(part.entries for part in mine), sum(part.balance for part in mine), sum(part.clients for part in mine))
        if currency == "" or by_feed != by_wallets or by_feed[1] != 0:
            raise CannotDo(
                f"the history contradicts itself in {currency or 'no currency'}: by the feed {by_feed[0]} entries that sum to"
                f" {by_feed[1]}, {by_feed[2]} of them clients'; by the wallets {by_wallets[0]}, {by_wallets[1]} and"
                f" {by_wallets[2]}. No checkpoint is written: run python -m core audit"
            )
