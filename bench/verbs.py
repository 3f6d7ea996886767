"""The verbs beside plain transfers: pairs of a hold and its capture, batches with holds in them, and what is due at one time."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import LiteralString

from bench import bulk
from bench.errors import UnexpectedAnswer
from bench.figures import Figure, Result, Target, paired
from bench.latency import PER_S, Latencies, of_teller
from bench.load import BATCH, BATCH_CONNECTIONS, CONNECTIONS, Load
from bench.pairs import pair
from bench.session import Session, Submitted
from bench.system import System, wait_for

MIXED = Target(0.8)
RELEASED = Target(3.0, at_most=True)  # promise 27
CALLERS = 200  # wallets of the other callers
LEAD_S = 8  # until the first is due: the rows are changed within this time
DUE_WITHIN_S = 300.0

COUNT_PAIRS: LiteralString = """
    SELECT count(*) FILTER (WHERE type = 'hold') AS holds, count(*) FILTER (WHERE type = 'capture') AS captures,
           count(*) FILTER (WHERE status <> 'applied') AS others,
           coalesce(extract(epoch FROM max(finished_at) - min(created_at))::float8, 0) AS seconds
      FROM transfers
     WHERE created_at >= %s
"""

# Gives each open hold another end: one after the other within so many seconds, the first after a lead. As the owner.
END_HOLDS: LiteralString = """
    WITH open AS (
        SELECT transfer_id, row_number() OVER () * %(within_s)s::float8 / count(*) OVER () AS ends_s FROM due WHERE verb = 'release'
    ), ended AS (
        UPDATE transfers SET expires_at = now() + make_interval(secs => %(lead_s)s + ends_s)
          FROM open WHERE id = open.transfer_id
        RETURNING id, expires_at
    )
    UPDATE due SET due_at = ended.expires_at + interval '1 second' FROM ended WHERE transfer_id = ended.id AND verb = 'release'
"""

# Gives all appointments one new time.
MOVE_APPOINTMENTS: LiteralString = """
    WITH moved AS (
        UPDATE transfers SET scheduled_for = now() + make_interval(secs => %(lead_s)s + %(within_s)s)
          FROM due WHERE due.transfer_id = id AND verb = 'apply'
        RETURNING id, scheduled_for
    )
    UPDATE due SET due_at = moved.scheduled_for FROM moved WHERE transfer_id = moved.id AND verb = 'apply'
"""

# How long after its end the last hold was released, and after its time the last appointment was applied.
MEASURE_RELEASES: LiteralString = """
    SELECT count(*), coalesce(extract(epoch FROM max(r.finished_at - h.expires_at))::float8, 0)
      FROM transfers r JOIN transfers h ON h.id = r.parent
     WHERE r.type = 'release' AND r.status = 'applied'
"""
MEASURE_APPOINTMENTS: LiteralString = """
    SELECT count(*), coalesce(extract(epoch FROM max(finished_at - scheduled_for))::float8, 0)
      FROM transfers WHERE scheduled_for IS NOT NULL AND status = 'applied'
"""


@dataclass(frozen=True)
class Pairs:
    """Holds that were captured, each by a request that followed its 202."""

    per_s: float
    captured: int
    seconds: float
    load: Load


@dataclass(frozen=True)
class Flood:
    """So many became due; the last was final `after_s` after its time. Latencies of other callers without it, and beside it."""

    count: int
    after_s: float
    alone: Latencies
    beside: Latencies


@dataclass(frozen=True)
class Due:
    """What is stored for later, how its rows get the time of the measurement, and how its end is read."""

    what: str
    make: bulk.Make
    move: LiteralString
    measure: LiteralString


HOLDS = Due("holds", bulk.hold, END_HOLDS, MEASURE_RELEASES)
APPOINTMENTS = Due("scheduled", bulk.appointment, MOVE_APPOINTMENTS, MEASURE_APPOINTMENTS)


def measure_verbs(session: Session) -> Result:
    """pairs of hold and capture; batches of which each tenth item is a hold; many holds that end, many transfers for one instant"""
    with session.system() as system:
        wallets = session.wallets(system)
        pairs = pair(session.pgbench.run, partial(hold_and_capture, session, system, wallets, session.plan.load_s))
        session.submit_batches(system, wallets, session.plan.warm_s)
        mixed = pair(
            partial(session.submit_batches, system, wallets, session.plan.paired_s),
            partial(submit_mixed, session, system, wallets),
        )
    ended = flood(session, HOLDS, session.plan.ends_within_s, session.plan.ends_within_s)
    applied = flood(session, APPOINTMENTS, 0, session.plan.beside_s)
    ends = f"{ended.count:,} holds that end within {session.plan.ends_within_s} s"
    figures = [
        paired("pairs", f"hold and its capture, {CONNECTIONS} connections, pairs", pairs, "pgbench"),
        paired("mixed", f"batch POST of {BATCH}, each tenth a hold", mixed, "plain batch", MIXED),
        *figures_of(HOLDS, ends, "last release after its end", ended, RELEASED),
        *figures_of(APPOINTMENTS, f"{applied.count:,} scheduled for one instant", "last one final after it", applied, None),
    ]
    raw = {"pairs": asdict(pairs), "mixed": asdict(mixed), "holds": raw_of(ended), "scheduled": raw_of(applied)}
    return Result(figures, raw)


def hold_and_capture(session: Session, system: System, wallets: list[str], seconds: int) -> Pairs:
    """Send single holds, and a capture of each after its 202. Raises UnexpectedAnswer if one was not applied."""
    since = system.clock()
    load = session.send(system, "pairs", wallets, seconds)
    system.wait_until_empty()
    row: tuple[int, int, int, float] | None = system.connection.execute(COUNT_PAIRS, [since]).fetchone()
    assert row is not None
    holds, captures, others, taken_s = row
    if others or not captures <= holds or not load.requests <= holds + captures <= load.requests + CONNECTIONS:
        raise UnexpectedAnswer(f"pairs: {holds} holds, {captures} captures, {others} not applied, of {load.requests} requests")
    return Pairs(captures / taken_s, captures, taken_s, load)


def submit_mixed(session: Session, system: System, wallets: list[str]) -> Submitted:
    return session.submit(system, "mixed", wallets, session.plan.paired_s, connections=BATCH_CONNECTIONS, each=BATCH)


def flood(session: Session, due: Due, within_s: int, load_s: int) -> Flood:
    """Let many become due within so many seconds, while other callers submit single transfers at a steady rate."""
    with session.system() as system:
        payers = bulk.make_funded_wallets(system, session.plan.wallets)
        callers = bulk.public_ids(bulk.make_funded_wallets(system, CALLERS))
        bulk.store_between(system, due.make, payers, session.plan.due, rung=True)
        system.wait_until_empty()
        system.connection.execute("CHECKPOINT")  # none falls into the loads
        of_teller(system, callers, session.plan.warm_s)
        alone = of_teller(system, callers, session.plan.beside_s)
        until_due_s = move(system, due, within_s)
        time.sleep(max(until_due_s, 0.0))
        beside = of_teller(system, callers, load_s)
        wait_for(partial(none_is_due, system), "all that is due", DUE_WITHIN_S)
        return Flood(session.plan.due, last_after_s(system, due, session.plan.due), alone, beside)


def move(system: System, due: Due, within_s: int) -> float:
    """Give the rows their times; return how many seconds are left until the first is due."""
    began = time.monotonic()
    system.connection.execute(due.move, {"lead_s": LEAD_S, "within_s": within_s})
    return began + LEAD_S - time.monotonic()


def none_is_due(system: System) -> bool:
    return system.connection.execute("SELECT FROM due LIMIT 1").fetchone() is None and not system.any_queued()


def last_after_s(system: System, due: Due, expected: int) -> float:
    """Return the longest time from a moment to what was due then. Raises UnexpectedAnswer if something is missing."""
    row: tuple[int, float] | None = system.connection.execute(due.measure).fetchone()
    assert row is not None
    count, after_s = row
    if count != expected:
        raise UnexpectedAnswer(f"{due.what}: {count} of {expected} were applied at their time")
    return after_s


def figures_of(due: Due, beside: str, last: str, flood: Flood, target: Target | None) -> Sequence[Figure]:
    alone, p99 = flood.alone.percentile(99), flood.beside.percentile(99)
    return [
        Figure(f"{due.what}_after", f"{beside}: {last}", flood.after_s, "s", target=target),
        Figure(f"{due.what}_p99", f"submit to final, {PER_S}/s, beside them, p99", p99, "ms", p99 / alone, "alone"),
    ]


def raw_of(flood: Flood) -> dict[str, object]:
    return {"after_s": flood.after_s, "alone_ms": flood.alone.curve(), "beside_ms": flood.beside.curve()}
