"""Drains shards whose transfers wait too long, and queues what is due, without Redis.

A lost doorbell, a dead worker or an empty Redis costs seconds. Due are scheduled transfers, and the releases of expired holds.
"""

import time
from collections.abc import Callable

import psycopg

from core import log
from core.failpoint import failpoint
from core.postgres.connections import SyncConnection
from core.postgres.statements import statement
from worker.ledger.drain import Drainer
from worker.ledger.floors import SWEEPER_STORES_AFTER, Settling
from worker.process import StopFlag
from worker.retention import Retention
from worker.session import OwnConnection

SWEEP_EVERY_S = 1.0  # a guess; a lost doorbell delays a transfer by SWEEP_AFTER_S and up to this much more
SWEEP_AFTER_S = 2.0  # a doorbell normally takes milliseconds; a transfer that waits for longer has lost its own

# A flood of due transfers takes few places of a shard's queue at a time, so that callers' transfers do not stand behind all of it.
# `python -m bench verbs` measures how long these wait (docs/decisions/0089-due.md).
DUE_MOST = 64  # a shard with fewer queued is filled up to this number
DUE_LEAST = 8  # so many are queued in any case: a shard with a long queue would otherwise never get its due work
DUE_AGAIN_S = 0.02  # a guess; before the next look while another worker drains what was due, and more is due

RETAIN_EVERY_S = 60.0  # a guess; while each sweep drains transfers, retention takes a step this often
GO_ON_S = 0.1  # between steps of retention while there is more to delete: a step of 50 ms then takes a third of the time at most

logger = log.get(__name__)


class Sweeper:
    """Drains shards that wait, and queues what is due. With `retention_days` it also deletes deliveries that ended longer ago.

    It deletes while no transfer waits, and otherwise takes a step once a minute.
    """

    def __init__(self, connect: Callable[[], SyncConnection], drainer: Drainer, retention_days: int | None = None) -> None:
        self._connect = connect
        self._own = OwnConnection(self._new_session)
        self._settling = Settling()
        self._raised = 0  # the settled position when floors were last raised
        self.more_due = False  # after the last sweep
        self._drainer = drainer
        self._retention = None if retention_days is None else Retention(self._own, retention_days)
        self._retained_at = time.monotonic()

    def run(self, process: StopFlag) -> None:
        """Sweep until the process is asked to stop. Sleep only after a sweep that finished no transfer."""
        while process.goes_on():
            if not self.run_once():
                process.pause(DUE_AGAIN_S if self.more_due else GO_ON_S if self._retain() else SWEEP_EVERY_S)
            elif time.monotonic() - self._retained_at >= RETAIN_EVERY_S:
                self._retain()

    def run_once(self) -> int:
        """Queue what is due. Drain the shards that wait, the longest waiting first, and those with something that was due.

        Returns how many transfers were finished.

        A shard that another worker drains counts 0; each sweep finds it again while its backlog lasts. A fault of the database is
        logged. The drain does not wait for more transfers: during that time the sweeper would find no other shard.
        """
        failpoint("sweep.before_list")
        try:
            raised = self._raise_floors()
            due = self._queue_due()
            waiting = self._waiting_shards()
        except psycopg.Error as error:
            logger.warning("sweep put off", kind=type(error).__name__, sqlstate=error.sqlstate)
            self._disconnect()
            return 0
        if waiting:
            logger.info("sweeping", shards=waiting)
            failpoint("sweep.before_drain")
        # A worker skips a shard that is locked while its floor is stored here. So the sweeper drains those shards too.
        finished = self._drainer.run([*waiting, *(raised | due).difference(waiting)], waits=False)
        if self._drainer.out_of_reach:
            self._disconnect()
        return finished

    def close(self) -> None:
        """Close the connection. The next sweep opens another."""
        self._own.close()

    def _disconnect(self) -> None:
        """Close both connections: if the server hangs, it hangs for both, and each round trip would take 12 s to say so."""
        self.close()
        self._drainer.disconnect()

    def _retain(self) -> bool:
        """Take a step of retention, if it is time. Returns whether there may be more to delete now."""
        self._retained_at = time.monotonic()
        return self._retention is not None and self._retention.run_once()

    def _new_session(self) -> SyncConnection:
        self._settling = Settling()
        return self._connect()

    def _raise_floors(self) -> set[int]:
        """Raise the stored floors that lag, so that claims step over few deleted rows; return their shards."""
        connection, settling, now = self._own.opened(), self._settling, time.monotonic()
        [(position,)] = connection.execute(statement("sweep/find_last_position")).fetchall()
        settling.saw(position)
        if settling.is_look_due(now):
            settling.look([writer for (writer,) in connection.execute(statement("drain/list_queue_writers"))], now)
        if settling.settled < self._raised + SWEEPER_STORES_AFTER:
            return set()
        wanted = {"settled": settling.settled, "lag": SWEEPER_STORES_AFTER}
        raised = {shard for (shard,) in connection.execute(statement("sweep/raise_floors"), wanted)}
        self._raised = settling.settled
        return raised

    def _queue_due(self) -> set[int]:
        """Queue what is due, and return the shards of it. After a fault, which is logged, that is none: the sweep goes on."""
        self.more_due = False
        try:
            due = dict(self._own.opened().execute(statement("sweep/queue_due"), {"most": DUE_MOST, "least": DUE_LEAST}).fetchall())
        except psycopg.Error as error:
            logger.warning("due transfers put off", kind=type(error).__name__, sqlstate=error.sqlstate)
            self._disconnect()
            return set()
        failpoint("sweep.after_due")
        self.more_due = any(due.values())
        return set(due)

    def _waiting_shards(self) -> list[int]:
        rows = self._own.opened().execute(statement("sweep/list_waiting_shards"), {"waited_s": SWEEP_AFTER_S}).fetchall()
        return [shard for (shard,) in rows]
