"""GET /v1/ops/…: what consoles and the command line show of the queue, the processes and the database.

An answer is shared for a second by all requests that a process of the API gets (api/intake/shared_reads.py). Redis is not asked, so
the answers are the same while it is away. No process registers itself: PostgreSQL shows which have a session.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.callers import ReaderDep
from api.http.fields import Time
from api.http.openapi import COMMON_PROBLEMS, problem_responses
from api.intake.gauges import OpenTransactions
from api.operations.metrics import ShardQueue
from api.services import Services, services
from core.postgres.connections import AsyncConnection
from core.postgres.queries import fetch
from core.times import rfc3339

STATEMENT_MS = 700  # of one statement: two of them end within the request's 1.8 s. A guess
SCHEDULED_MAX = 10_000  # that are counted. A guess: about 2 ms
SESSIONS_MAX = 2_000  # that are read; a server with more has other problems. A guess
BLOCKED_MAX = 20  # that are shown: PostgreSQL stops all lock traffic for a moment to find what each waits for

# core.postgres.startup.application_name, and what a pooler appends to it.
SESSION_NAME = re.compile(r"teller (api|worker|sweeper|deliverer) ((\S+):\d+)(?: .*)?")

Kind = Literal["api", "worker", "sweeper", "deliverer"]
Rendered = dict[str, object]


class ShardView(BaseModel):
    """A shard with queued transfers."""

    shard: int
    queued: int
    oldest_seconds: float = Field(description="for how long its first transfer has waited")
    drained_by: str | None = Field(description="the process that applies transfers of it at this moment")


class QueueView(BaseModel):
    """The transfers that wait. A wallet's shard decides which of them wait behind each other."""

    queued: int
    limit: int = Field(description="how many may be queued before requests are refused: TELLER_BACKLOG_MAX")
    oldest_seconds: float | None = Field(description="for how long the first transfer of any shard has waited; null: none waits")
    scheduled: int = Field(description=f"transfers that wait for their time; {SCHEDULED_MAX} stands for that many or more")
    due_oldest_seconds: float | None = Field(
        description="for how long a scheduled transfer or the end of a hold has waited past its time for a sweeper; null: none does"
    )
    shards: list[ShardView] = Field(description="those with queued transfers")


class ProcessView(BaseModel):
    """A process that has a session of the database. One that lost its session, or never had one, is missing here."""

    kind: Kind
    name: str = Field(description="host and process id", examples=["one.example:4711"])
    host: str | None
    since: Time | None = Field(description="when the oldest of its sessions began")
    state: str | None = Field(description="`active` while a statement of it runs, else as PostgreSQL says, such as `idle`")
    last_seen_at: Time | None = Field(description="when a statement of it last began or ended")


class ProcessesView(BaseModel):
    """`since`, `state` and `last_seen_at` are null where the owner of the tables may not see the sessions of the role."""

    processes: list[ProcessView]


class ConnectionsView(BaseModel):
    """Of the server, to all of its databases."""

    used: int
    allowed: int


class BlockedView(BaseModel):
    """A session of this database that waits for a lock."""

    pid: int
    application: str
    waiting_seconds: float
    blocked_by: list[int] = Field(
        description="the sessions that hold the lock or wait for it before this one; 0: a prepared transaction"
    )
    state: str | None = Field(description="null for a session that is not Teller's")


class HolderView(BaseModel):
    """The session of the oldest open transaction. `since` and `state` are null for a session that is not Teller's."""

    pid: int
    application: str
    since: Time | None = Field(description="when its transaction began")
    state: str | None


class FeedView(BaseModel):
    """Events that became known after the oldest open transaction began are shown when it has ended."""

    horizon_seconds: float = Field(description="for how long, at least, one transaction has kept later events back")
    holder: HolderView | None = Field(description="null where nothing is kept back, or a prepared transaction does so")


class AuditView(BaseModel):
    """The last audit of the whole ledger whose result could be stored."""

    began_at: Time
    finished_at: Time
    ok: bool
    failures: int = Field(description="violations in all")
    broken: dict[str, int] = Field(description="violations by the check that found them, without those that found none")
    transfers: int
    entries: int
    wallets: int


class DatabaseView(BaseModel):
    """The database as it is now."""

    version: str = Field(description="PostgreSQL's", examples=["17.2"])
    schema_: str | None = Field(alias="schema", description="the newest migration")
    size_bytes: int
    connections: ConnectionsView
    blocked: list[BlockedView] = Field(description=f"the longest waits first, at most {BLOCKED_MAX}")
    feed: FeedView
    last_audit: AuditView | None


class Scheduled(NamedTuple):
    scheduled: int


class Drain(NamedTuple):
    shard: int
    application: str


class Session(NamedTuple):
    """A session of one of Teller's processes. What the tables' owner may not see is None."""

    application: str
    since: datetime | None
    state: str | None
    changed_at: datetime | None


class Measured(NamedTuple):
    version: str
    schema: str | None
    size_bytes: int
    used: int
    allowed: int


class Blocked(NamedTuple):
    pid: int
    application: str
    waiting_seconds: float
    blocked_by: Sequence[int]
    state: str | None


class Holder(NamedTuple):
    pid: int
    application: str
    since: datetime | None
    state: str | None


class StoredAudit(NamedTuple):
    began_at: datetime
    finished_at: datetime
    broken: Mapping[str, int]
    transfers: int
    entries: int
    wallets: int


router = APIRouter(tags=["ops"])


@router.get(
    "/v1/ops/queue",
    summary="See what waits in the queue",
    response_model=QueueView,
    responses=problem_responses(*COMMON_PROBLEMS, "forbidden"),
)
async def get_ops_queue(request: Request, _: ReaderDep) -> Any:
    """The queue, at most a second old, with the shards in which transfers wait. For operators and viewers."""
    return await shared_read(request, "queue", read_queue)


@router.get(
    "/v1/ops/processes",
    summary="See which processes run",
    response_model=ProcessesView,
    responses=problem_responses(*COMMON_PROBLEMS, "forbidden"),
)
async def get_ops_processes(request: Request, _: ReaderDep) -> Any:
    """The processes that have a session of the database, at most a second old. For operators and viewers."""
    return await shared_read(request, "processes", read_processes)


@router.get(
    "/v1/ops/database",
    summary="See how the database is",
    response_model=DatabaseView,
    responses=problem_responses(*COMMON_PROBLEMS, "forbidden"),
)
async def get_ops_database(request: Request, _: ReaderDep) -> Any:
    """What waits for locks, what keeps events back, the last audit; at most a second old. For operators and viewers."""
    return await shared_read(request, "database", read_database)


async def shared_read(request: Request, name: str, read: Callable[[Services, AsyncConnection], Awaitable[Rendered]]) -> Rendered:
    """Return what `read` returns, or what it returned within the last second. Raises Unavailable."""
    shared = services(request)
    return await shared.shared_reads.get(name, lambda: shared.database.run(partial(read_within_limits, shared, read)))


async def read_within_limits(
    shared: Services, read: Callable[[Services, AsyncConnection], Awaitable[Rendered]], connection: AsyncConnection
) -> Rendered:
    async with connection.transaction():
        await fetch(connection, "ops/limit_statements", {"limit_ms": str(STATEMENT_MS)}, dict)
        return await read(shared, connection)


async def read_queue(shared: Services, connection: AsyncConnection) -> Rendered:
    shards = await fetch(connection, "queue/measure", {}, ShardQueue)
    drains = await fetch(connection, "ops/list_drains", {}, Drain)
    [waiting] = await fetch(connection, "ops/count_scheduled", {"most": SCHEDULED_MAX}, Scheduled)
    return render_queue(shards, drains, waiting.scheduled, shared.settings.backlog_max)


async def read_processes(_: Services, connection: AsyncConnection) -> Rendered:
    return {"processes": render_processes(await fetch(connection, "ops/list_sessions", {"most": SESSIONS_MAX}, Session))}


async def read_database(shared: Services, connection: AsyncConnection) -> Rendered:
    [measured] = await fetch(connection, "ops/measure_database", {}, Measured)
    blocked = await fetch(connection, "ops/list_blocked", {"most": BLOCKED_MAX}, Blocked)
    [seen] = await fetch(connection, "events/measure_horizon", {}, OpenTransactions)
    is_held = seen.oldest != seen.next
    holders = await fetch(connection, "ops/find_holder", {"oldest": seen.oldest}, Holder) if is_held else []
    audits = await fetch(connection, "ops/find_last_audit", {}, StoredAudit)
    return {
        "version": measured.version,
        "schema": measured.schema,
        "size_bytes": measured.size_bytes,
        "connections": {"used": measured.used, "allowed": measured.allowed},
        "blocked": [one._asdict() for one in blocked],
        "feed": {
            "horizon_seconds": shared.gauges.horizon.age_s(seen),
            "holder": render_holder(holders[0]) if holders else None,
        },
        "last_audit": render_audit(audits[0]) if audits else None,
    }


def render_queue(shards: Sequence[ShardQueue], drains: Sequence[Drain], scheduled: int, limit: int) -> Rendered:
    waiting = [one for one in shards if one.transfers]
    drained_by = {drain.shard: name_of(drain.application) for drain in drains}
    return {
        "queued": sum(one.transfers for one in waiting),
        "limit": limit,
        "oldest_seconds": max((one.oldest_s for one in waiting), default=None),
        "scheduled": scheduled,
        "due_oldest_seconds": max((one.due_s for one in shards if one.due_s > 0), default=None),
        "shards": [
            {
                "shard": one.shard,
                "queued": one.transfers,
                "oldest_seconds": one.oldest_s,
                "drained_by": drained_by.get(one.shard),
            }
            for one in waiting
        ],
    }


def name_of(application: str) -> str:
    """Return the name of the process as GET /v1/ops/processes has it, or the session's own name."""
    found = SESSION_NAME.fullmatch(application)
    return found[2] if found else application


def render_processes(sessions: Sequence[Session]) -> list[Rendered]:
    """Return the processes of the sessions, in the order of the sessions' names. Sessions of other programs are left out."""
    by_process: dict[tuple[str, str, str], list[Session]] = {}
    for session in sessions:
        if found := SESSION_NAME.fullmatch(session.application):
            by_process.setdefault((found[1], found[2], found[3]), []).append(session)
    return [
        {
            "kind": kind,
            "name": name,
            "host": host,
            "since": time_or_none(min((one.since for one in of_it if one.since), default=None)),
            "state": state_of(of_it),
            "last_seen_at": time_or_none(max((one.changed_at for one in of_it if one.changed_at), default=None)),
        }
        for (kind, name, host), of_it in by_process.items()
    ]


def state_of(sessions: Sequence[Session]) -> str | None:
    """Return the state of a process: that of its busiest session."""
    states = sorted({one.state for one in sessions if one.state}, key=lambda state: (state != "active", state == "idle", state))
    return states[0] if states else None


def render_holder(holder: Holder) -> Rendered:
    return {**holder._asdict(), "since": time_or_none(holder.since)}


def render_audit(audit: StoredAudit) -> Rendered:
    return {
        **audit._asdict(),
        "began_at": rfc3339(audit.began_at),
        "finished_at": rfc3339(audit.finished_at),
        "ok": not audit.broken,
        "failures": sum(audit.broken.values()),
    }


def time_or_none(time: datetime | None) -> str | None:
    return rfc3339(time) if time else None
