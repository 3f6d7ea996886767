"""Sends due webhooks, many at the same time, so no receiver waits for another.

The store (worker/webhooks/store.py) knows which deliveries are due, and stores the results of attempts. A crash or a stop loses the
results that are not stored. Those deliveries are due again when their claims lapse, so a webhook may arrive twice and is never
lost. docs/concepts/state-tables.md draws the states.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from core import log, metrics
from core.errors import Unavailable
from core.failpoint import failpoint
from core.webhooks.signing import sign
from worker.webhooks.delivery import Deliveries, Delivery
from worker.webhooks.fairness import Slot, SlotLimits
from worker.webhooks.retry import next_delay_s
from worker.webhooks.send import Attempt, Sender

POLL_S = 1.0  # a guess; without a ring, a delivery that becomes due is found within this time

# A ring is a job that a drain has to enqueue. After a ring, or after a look that found deliveries, the deliverer looks by itself
# every LOOK_AGAIN_S for STAY_S. So webhooks that become due ten times a second or more often need no ring.
STAY_S = 0.1
LOOK_AGAIN_S = 0.02  # a guess

# A guess. The pause after a look that found nothing and did not look at all receivers. Without a pause, an owner with a hundred
# thousand hosts that wait for their next attempt would keep the database busy.
GO_ON_S = 0.02

logger = log.get(__name__)


class Deliverer:
    """Keeps many attempts in flight, as many as SlotLimits allows. A claim serves each owner once before it serves one twice.

    A ring raises a flag, and while the flag is up no drain rings. The flag stays up while the deliverer finds deliveries. `lower`
    lowers it before the last look, so that look finds deliveries that were committed without a ring. The flag may also expire, or
    another deliverer may lower it: then the next ring comes earlier than necessary, which is harmless.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        sender: Sender,
        *,
        slots: SlotLimits | None = None,
        poll_s: float = POLL_S,
        stay_s: float = STAY_S,
        beat: Callable[[], object] = lambda: None,
        lower: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._slots = slots or SlotLimits()
        self._poll_s = poll_s
        self._stay_s = stay_s
        self._beat = beat
        self._lower = lower
        self._woken = asyncio.Event()
        self._stays_until: float | None = None  # None when this process has lowered the flag
        self._goes_on = False  # whether the last look left receivers out
        self._failed = False  # whether an unforeseen error ended the last look
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set, then wait for the attempts in flight. Calls `beat` in each turn of the loop."""
        while not stopping.is_set():
            self._beat()
            self._woken.clear()  # before the look: an event during the look then ends the pause after it
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
        """Look for due deliveries at once, and then for STAY_S: the doorbell rang. Call it in the event loop."""
        self._stay()
        self._woken.set()

    async def run_once(self) -> int:
        """Claim as many deliveries as have slots, and start to send them. Returns how many: 0 when the store does not answer.

        An unforeseen error is logged with its traceback, and `run` pauses after it.
        """
        self._goes_on = self._failed = False
        if not self._slots.any_free():
            return 0
        try:
            due = await self._deliveries.claim(self._slots)
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
        """Wait for all attempts in flight."""
        await asyncio.gather(*self._tasks)

    def _stay(self) -> None:
        self._stays_until = time.monotonic() + self._stay_s

    async def _leave(self) -> None:
        """Lower the flag. The look that follows finds deliveries that were committed without a ring because the flag was up."""
        self._stays_until = None
        if self._lower is not None:
            await self._lower()

    def _start(self, delivery: Delivery) -> None:
        slot = self._slots.take(delivery)
        task = asyncio.create_task(self._deliver(delivery, slot))
        self._tasks.add(task)
        metrics.DELIVERIES_IN_FLIGHT.inc()
        task.add_done_callback(lambda task: self._end(task, slot))

    def _end(self, task: asyncio.Task[None], slot: Slot) -> None:
        """Free a slot, and look again if the last look left a receiver out for want of it."""
        self._tasks.discard(task)
        metrics.DELIVERIES_IN_FLIGHT.dec()
        if self._slots.give_back(slot):
            self._woken.set()

    async def _deliver(self, delivery: Delivery, slot: Slot) -> None:
        """Make one attempt and store its result. An error of Teller is logged: the claim lapses, and a later attempt follows."""
        try:
            headers = sign(delivery.event_id, int(time.time()), delivery.body, delivery.signing_secrets)
            attempt = await self._sender.send(delivery.url, delivery.body, headers)
            metrics.count_attempt(attempt.outcome, attempt.duration_s)
            self._slots.record(slot, succeeded=attempt.succeeded)
            failpoint("deliver.before_mark")
            await self._deliveries.mark(delivery, attempt, retry_in_s(delivery, attempt))
        except Exception:
            logger.exception("delivery failed", delivery=str(delivery.id))  # the other attempts go on

    async def _pause(self, stopping: asyncio.Event, seconds: float) -> None:
        """Wait for so long, or until a ring, a stop, or a free slot that the last look lacked."""
        events = [asyncio.create_task(event.wait()) for event in (stopping, self._woken)]
        await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for event in events:
            event.cancel()


def retry_in_s(delivery: Delivery, attempt: Attempt) -> float | None:
    """Return the seconds until the next attempt; None after a success, and when no attempt is left."""
    if attempt.succeeded:
        return None
    return next_delay_s(delivery.failures + 1, attempt.status, attempt.retry_after_s, random.random())  # noqa: S311 - no secret
