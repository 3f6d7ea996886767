"""Sends due webhooks, many at a time, so that no receiver waits for another.

What is due, and what became of it, is somebody else's to keep: see Deliveries. Whatever is lost here, by a crash or a stop, is due
again when its claim lapses, so a webhook may arrive twice and is never forgotten.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core import log, metrics
from core.errors import Unavailable
from core.failpoint import failpoint
from core.retry import next_delay_s
from core.signing import sign
from worker.send import Attempt, Sender

IN_FLIGHT_MAX = 256
PER_OWNER_MAX = 64  # an owner may have any number of receivers, all of them dead
PER_RECEIVER_MAX = 16  # of one whose last attempt succeeded: 80 a second where each takes 200 ms
PER_NEW_RECEIVER_MAX = 4  # of one of which nothing is known yet; who failed last is sent one at a time
REMEMBERED_MAX = 10_000  # receivers of each kind: there is no end to the hosts that callers can name
POLL_S = 1.0  # how long what becomes due may wait to be seen when nobody rings

# A ring costs a drain more than all else that it does for webhooks. So whoever was rung for, or found something, looks by itself
# for a while: webhooks that become due ten times a second, or more often, need no ring.
STAY_S = 0.1
LOOK_AGAIN_S = 0.02

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that is due. `owner` is who wants it sent; `receiver` is one of the owner's: an endpoint, or a callback's host."""

    id: UUID
    owner: str
    receiver: str
    url: str
    event_id: str
    body: bytes
    signing_secrets: Sequence[str]
    failures: int  # of attempts at it, since it was made due
    claimed_until: datetime


class Deliveries(Protocol):
    """Where deliveries are kept. Both verbs raise Unavailable when that is out of reach."""

    async def claim(self, limit: int, without_owners: Collection[str], without_receivers: Collection[str]) -> Sequence[Delivery]:
        """Return what is due longest: up to `limit`, one for each owner; nothing of and for those without.

        Nobody else is given what is claimed until the claim lapses, which has to take longer than an attempt.
        """

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        """Keep what became of an attempt, and when the next is due: None when it succeeded, or is given up on.

        Does nothing when the claim has lapsed and somebody else has claimed the delivery since.
        """


class Deliverer:
    """Has many attempts in flight, of one owner a part of them, to one receiver fewer; to one that failed last, a single one.

    So whoever's receivers are dead has few of the places, and a claim serves each owner once before it serves one twice.

    Who rings raises a flag, and nobody rings while it is up. It stays up for as long as there is something to find; `lower` takes
    it down before the last look, so what was committed without a ring is found by that. It may also go by itself, or be lowered
    by another deliverer: then the next ring comes sooner than it need, and nothing is lost.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        sender: Sender,
        *,
        in_flight_max: int = IN_FLIGHT_MAX,
        per_owner_max: int = PER_OWNER_MAX,
        per_receiver_max: int = PER_RECEIVER_MAX,
        poll_s: float = POLL_S,
        stay_s: float = STAY_S,
        beat: Callable[[], object] = lambda: None,
        lower: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._in_flight_max = in_flight_max
        self._per_owner_max = per_owner_max
        self._per_receiver_max = per_receiver_max
        self._poll_s = poll_s
        self._stay_s = stay_s
        self._beat = beat
        self._lower = lower
        self._woken = asyncio.Event()
        self._stays_until: float | None = None  # None when the flag is down, as far as it is ours to lower
        self._without_owners: Collection[str] = ()  # of whom the last look wanted nothing, because they had all their places
        self._without_receivers: Collection[str] = ()
        self._of_owner: Counter[str] = Counter()
        self._to_receiver: Counter[str] = Counter()
        self._healthy: set[str] = set()  # receivers whose last attempt succeeded
        self._failing: set[str] = set()  # and whose failed; of others nothing is known
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until it is asked to stop, then let what is in flight come to its end. Beats in each round."""
        while not stopping.is_set():
            self._beat()
            self._woken.clear()  # before the look: what comes after it wakes us up again
            if await self.run_once():
                self._stay()
            elif self._stays_until is None:
                await self._pause(stopping, self._poll_s)
            elif time.monotonic() < self._stays_until:
                await self._pause(stopping, LOOK_AGAIN_S)
            else:
                await self._leave()
        await self.finish()

    def wake(self) -> None:
        """Look at once for what is due, and stay for a while: somebody rang. To be called in the event loop."""
        self._stay()
        self._woken.set()

    async def run_once(self) -> int:
        """Claim as many as there is room for, and start to send them. Returns how many; none when they are out of reach."""
        room = self._in_flight_max - len(self._tasks)
        self._without_owners, self._without_receivers = self._full_owners(), self._full_receivers()
        if not room:
            return 0
        try:
            due = await self._deliveries.claim(room, self._without_owners, self._without_receivers)
        except Unavailable:
            logger.warning("deliveries put off")
            return 0
        if due:
            failpoint("deliver.after_claim")
        for delivery in due:
            self._start(delivery)
        return len(due)

    async def finish(self) -> None:
        """Wait for all that is in flight."""
        await asyncio.gather(*self._tasks)

    def _stay(self) -> None:
        self._stays_until = time.monotonic() + self._stay_s

    async def _leave(self) -> None:
        """Lower the flag. Whoever has not rung because it was up is found by the look that follows."""
        self._stays_until = None
        if self._lower is not None:
            await self._lower()

    def _full_owners(self) -> Collection[str]:
        return [owner for owner, count in self._of_owner.items() if count >= self._per_owner_max]

    def _full_receivers(self) -> Collection[str]:
        return [receiver for receiver, count in self._to_receiver.items() if count >= self._limit(receiver)]

    def _limit(self, receiver: str) -> int:
        if receiver in self._failing:
            return 1
        return self._per_receiver_max if receiver in self._healthy else min(self._per_receiver_max, PER_NEW_RECEIVER_MAX)

    def _start(self, delivery: Delivery) -> None:
        self._of_owner[delivery.owner] += 1
        self._to_receiver[delivery.receiver] += 1
        task = asyncio.create_task(self._deliver(delivery))
        self._tasks.add(task)
        metrics.DELIVERIES_IN_FLIGHT.inc()
        task.add_done_callback(lambda task: self._end(task, delivery))

    def _end(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        """Free a place, and look again if the last look had to do without it."""
        if (
            len(self._tasks) >= self._in_flight_max
            or delivery.owner in self._without_owners
            or delivery.receiver in self._without_receivers
        ):
            self._woken.set()
        self._tasks.discard(task)
        metrics.DELIVERIES_IN_FLIGHT.dec()
        self._of_owner -= Counter([delivery.owner])
        self._to_receiver -= Counter([delivery.receiver])

    async def _deliver(self, delivery: Delivery) -> None:
        """Make one attempt and have it kept. A fault of ours is logged: the claim lapses, and the next attempt may do better."""
        try:
            headers = sign(delivery.event_id, int(time.time()), delivery.body, delivery.signing_secrets)
            attempt = await self._sender.send(delivery.url, delivery.body, headers)
            metrics.count_attempt(attempt.outcome, attempt.duration_s)
            self._heed(delivery.receiver, attempt)
            failpoint("deliver.before_mark")
            await self._deliveries.mark(delivery, attempt, retry_in_s(delivery, attempt))
        except Exception:
            logger.exception("delivery failed", delivery=str(delivery.id))  # and the others go on

    def _heed(self, receiver: str, attempt: Attempt) -> None:
        known, others = (self._healthy, self._failing) if attempt.succeeded else (self._failing, self._healthy)
        others.discard(receiver)
        if receiver not in known and len(known) >= REMEMBERED_MAX:
            known.clear()  # to be learnt again, a few attempts each
        known.add(receiver)

    async def _pause(self, stopping: asyncio.Event, seconds: float) -> None:
        """Wait for so long, or until there is a place that was missing, or a ring, or a stop."""
        events = [asyncio.create_task(event.wait()) for event in (stopping, self._woken)]
        await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for event in events:
            event.cancel()


def retry_in_s(delivery: Delivery, attempt: Attempt) -> float | None:
    if attempt.succeeded:
        return None
    return next_delay_s(delivery.failures + 1, attempt.status, attempt.retry_after_s, random.random())  # noqa: S311 - no secret
