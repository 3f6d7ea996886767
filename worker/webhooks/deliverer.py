"""Sends due webhooks, many at a time, so that no receiver waits for another.

What is due, and what became of it, is somebody else's to keep: see Deliveries. Whatever is lost here, by a crash or a stop, is due
again when its claim lapses, so a webhook may arrive twice and is never forgotten. docs/concepts/state-tables.md draws the states.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core import log, metrics
from core.errors import Unavailable
from core.failpoint import failpoint
from core.webhooks.signing import sign
from worker.webhooks.fairness import Place, Places
from worker.webhooks.retry import next_delay_s
from worker.webhooks.send import Attempt, Sender

POLL_S = 1.0  # how long what becomes due may wait to be seen when nobody rings

# A ring is a job that a drain has to enqueue. So whoever was rung for, or found something, looks by itself for a while: webhooks
# that become due ten times a second, or more often, need no ring.
STAY_S = 0.1
LOOK_AGAIN_S = 0.02

# Where not everybody is looked at at once: how long after a look that found nothing the next goes on. Without a pause, somebody
# with a hundred thousand hosts that wait for another attempt would keep the database busy.
GO_ON_S = 0.02

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
    """Where deliveries are kept. All verbs raise Unavailable when that is out of reach."""

    @property
    def goes_on(self) -> bool:
        """Whether the last claim did not look at all receivers. The next ones look at the others; when they have, it is false."""

    async def claim(self, places: Places) -> Sequence[Delivery]:
        """Return the longest due deliveries for each receiver that the places choose, as many as they count.

        Nobody else is given what is claimed until the claim lapses, which has to take longer than an attempt.
        """

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        """Keep what became of an attempt, and when the next is due: None when it succeeded, or is given up on.

        Does nothing when the claim has lapsed and somebody else has claimed the delivery since.
        """


class Deliverer:
    """Has many attempts in flight: see Places for whose. A claim serves each owner once before it serves one twice.

    Who rings raises a flag, and nobody rings while it is up. It stays up for as long as there is something to find; `lower` takes
    it down before the last look, so what was committed without a ring is found by that. It may also go by itself, or be lowered
    by another deliverer: then the next ring comes sooner than it need, and nothing is lost.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        sender: Sender,
        *,
        places: Places | None = None,
        poll_s: float = POLL_S,
        stay_s: float = STAY_S,
        beat: Callable[[], object] = lambda: None,
        lower: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._places = places or Places()
        self._poll_s = poll_s
        self._stay_s = stay_s
        self._beat = beat
        self._lower = lower
        self._woken = asyncio.Event()
        self._stays_until: float | None = None  # None when the flag is down, as far as it is ours to lower
        self._goes_on = False  # the last look left receivers out
        self._failed = False  # the last look ended by an error that was not foreseen
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until it is asked to stop, then let what is in flight come to its end. Beats in each round."""
        while not stopping.is_set():
            self._beat()
            self._woken.clear()  # before the look: what comes after it wakes us up again
            if await self.run_once():
                self._stay()
            elif self._failed:
                await self._pause(stopping, self._poll_s)
            elif self._goes_on:
                await self._pause(stopping, GO_ON_S)
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
        """Claim as many as there is room for, and start to send them. Returns how many; none when they are out of reach.

        An error that was not foreseen is logged with its traceback, and `run` pauses after it: the next claim may do better.
        """
        self._goes_on = self._failed = False
        if not self._places.any_free():
            return 0
        try:
            due = await self._deliveries.claim(self._places)
        except Unavailable:
            logger.warning("deliveries put off")
            return 0
        except Exception:
            logger.exception("deliveries put off: a claim failed")
            self._failed = True
            return 0
        self._goes_on = self._deliveries.goes_on
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

    def _start(self, delivery: Delivery) -> None:
        place = self._places.take(delivery)
        task = asyncio.create_task(self._deliver(delivery, place))
        self._tasks.add(task)
        metrics.DELIVERIES_IN_FLIGHT.inc()
        task.add_done_callback(lambda task: self._end(task, place))

    def _end(self, task: asyncio.Task[None], place: Place) -> None:
        """Free a place, and look again if the last look had to do without it."""
        self._tasks.discard(task)
        metrics.DELIVERIES_IN_FLIGHT.dec()
        if self._places.give_back(place):
            self._woken.set()

    async def _deliver(self, delivery: Delivery, place: Place) -> None:
        """Make one attempt and have it kept. A fault of ours is logged: the claim lapses, and the next attempt may do better."""
        try:
            headers = sign(delivery.event_id, int(time.time()), delivery.body, delivery.signing_secrets)
            attempt = await self._sender.send(delivery.url, delivery.body, headers)
            metrics.count_attempt(attempt.outcome, attempt.duration_s)
            self._places.heed(place, succeeded=attempt.succeeded)
            failpoint("deliver.before_mark")
            await self._deliveries.mark(delivery, attempt, retry_in_s(delivery, attempt))
        except Exception:
            logger.exception("delivery failed", delivery=str(delivery.id))  # and the others go on

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
