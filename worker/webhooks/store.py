"""Deliveries in Postgres: claims those that are due, and stores the results of attempts.

A claim is a lease: it moves `next_attempt_at` to the moment at which it lapses. That moment is also the claim's token: a result is
stored only if no other deliverer has claimed the delivery since. So after a deliverer dies, its deliveries are due again when the
lease is over. docs/concepts/state-tables.md draws the states.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from core import ids, log, metrics
from core.errors import Unavailable
from core.ids import Prefix
from core.postgres import deadline
from core.postgres.pool import Database
from core.webhooks import endpoints
from worker.webhooks.delivery import Delivery, Unsendable, claimed_of
from worker.webhooks.fairness import SlotLimits
from worker.webhooks.fan_outs import LOG_EVERY_S, FanOuts
from worker.webhooks.receivers import PendingReceiver, Receivers
from worker.webhooks.send import Attempt, Fault

# An attempt ends within 15 s. Its result is stored within 10 s more, or not at all. 5 s are left for a busy machine.
LEASE_S = 30.0
MARK_WITHIN_S = 10.0
MARK_AGAIN_EVERY_S = 0.5  # a guess

FAILING_MAX_S = 5 * 24 * 3600.0  # longer than the schedule of a delivery (75 h), so a single event never disables an endpoint

logger = log.get(__name__)


class Marked(NamedTuple):
    """The endpoint of a stored result, and why that result has disabled it, if it has."""

    endpoint_id: UUID | None
    disabled_reason: str | None


class StoredDeliveries:
    """The store of a database's deliveries. Any number of processes may share it."""

    def __init__(
        self,
        database: Database,
        *,
        lease_s: float = LEASE_S,
        fan_outs: FanOuts | None = None,
        receivers: Receivers | None = None,
    ) -> None:
        self._database = database
        self._lease_s = lease_s
        self._fan_outs = fan_outs or FanOuts(database)
        self._receivers = receivers or Receivers(database)
        self._seldom = log.Seldom(LOG_EVERY_S)

    @property
    def goes_on(self) -> bool:
        """Whether the last claim left work: receivers that it did not look at, or fan-outs that are not finished."""
        return self._fan_outs.goes_on or self._receivers.goes_on

    async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
        """Claim the longest due deliveries of each receiver that `slots` chooses, as many as it allows. Raises Unavailable.

        First it makes deliveries of transfers that became final. Deliveries of disabled or deleted endpoints are canceled on the
        way, a bounded number at a time.
        """
        await self._fan_out()
        deadline.start()
        due = slots.admit(longest_due_first(await self._receivers.look()))
        metrics.DELIVERIES_LATE.set(late_s(due))
        while chosen := slots.choose(due):
            if deliveries := await self._claim(chosen, slots.counts(chosen)):
                return deliveries
            passed_over = set(chosen)
            due = [receiver for receiver in due if receiver not in passed_over]
        return []

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        """Store the result of an attempt, and when the next one is due. Raises Unavailable after 10 s of tries."""
        marked = await self._mark(mark_of(delivery, attempt, retry_in_s))
        self._receivers.count_ended(delivery.owner, delivery.receiver)
        if marked is None:
            logger.warning("attempt not kept: canceled, or claimed again", delivery=ids.text(Prefix.DELIVERY, delivery.id))
        elif marked.endpoint_id and marked.disabled_reason:
            endpoint = ids.text(Prefix.ENDPOINT, marked.endpoint_id)
            logger.warning("endpoint disabled", endpoint=endpoint, reason=marked.disabled_reason)
            metrics.ENDPOINTS_DISABLED[marked.disabled_reason].inc()
            await self._cancel(delivery.owner, marked.endpoint_id)

    async def _fan_out(self) -> None:
        """Make some deliveries of transfers that became final. If that fails or takes too long, the claim goes on without them."""
        deadline.start()
        try:
            self._receivers.add_due(await self._fan_outs.step())
        except Unavailable:
            logger.warning("making deliveries put off")
        except Exception:
            if self._seldom.is_time("fan out"):
                logger.exception("making deliveries put off: it failed")

    async def _claim(self, chosen: Sequence[PendingReceiver], counts: Sequence[int]) -> list[Delivery]:
        params = {
            "owners": [pending.owner for pending in chosen],
            "receivers": [pending.receiver for pending in chosen],
            "since": [pending.due_since for pending in chosen],
            "counts": list(counts),
            "lease_s": self._lease_s,
        }
        claimed = await self._database.fetch("deliverer/claim_deliveries", params, claimed_of)
        await self._set_aside([each for each in claimed if isinstance(each, Unsendable)])
        return [each for each in claimed if isinstance(each, Delivery)]

    async def _set_aside(self, unsendable: Sequence[Unsendable]) -> None:
        """Log the deliveries that cannot be rendered; they are claimed again later. Cancel those of endpoints without a URL."""
        for each in unsendable:
            if each.error:
                delivery = ids.text(Prefix.DELIVERY, each.id)
                logger.error("delivery put off: it cannot be rendered", delivery=delivery, exc_info=each.error)
        for owner, endpoint_id in {(each.owner, each.endpoint_id) for each in unsendable if each.endpoint_id and not each.error}:
            await self._cancel(owner, endpoint_id)

    async def _cancel(self, owner: str, endpoint_id: UUID) -> None:
        canceled = await endpoints.cancel_deliveries(self._database, endpoint_id)
        self._receivers.count_ended(owner, str(endpoint_id), canceled)

    async def _mark(self, mark: dict[str, object]) -> Marked | None:
        """Store a result. Try again while the database does not answer: a result that is not stored means a second attempt."""
        give_up = time.monotonic() + MARK_WITHIN_S
        while True:
            deadline.start()
            try:
                marked = await self._database.fetch_one("deliverer/mark_delivery", mark, Marked)
            except Unavailable:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(MARK_AGAIN_EVERY_S)
            else:
                return marked


def longest_due_first(pending: Iterable[PendingReceiver]) -> list[PendingReceiver]:
    """Return the receivers that have a delivery due, the longest due first."""
    due = [(receiver.due_since, receiver) for receiver in pending if receiver.due_since]
    return [receiver for _, receiver in sorted(due)]


def late_s(due: Iterable[PendingReceiver]) -> float:
    """Return for how many seconds the longest due delivery has been due, by this host's clock; 0 if none is."""
    first = min((receiver.due_since for receiver in due if receiver.due_since), default=None)
    return (datetime.now(UTC) - first).total_seconds() if first else 0.0


def mark_of(delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> dict[str, object]:
    """Return the parameters of deliverer/mark_delivery."""
    status_code, error = attempt.status, attempt.fault
    if status_code is not None and not 100 <= status_code <= 999:
        status_code, error = None, Fault.ANSWER_INVALID  # three digits that are no status (RFC 9110, section 15)
    status = "delivered" if attempt.succeeded else "failed" if retry_in_s is None else "pending"
    return {
        "id": delivery.id,
        "claimed_until": delivery.claimed_until,
        "status": status,
        "retry_in_s": retry_in_s,
        "url": delivery.url,
        "gone": attempt.gone,
        "started_at": datetime.now(UTC) - timedelta(seconds=attempt.duration_s),
        "duration_ms": round(attempt.duration_s * 1000),
        "status_code": status_code,
        "error": error,
        "failing_max_s": FAILING_MAX_S,
    }
