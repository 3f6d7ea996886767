"""Deliveries as they are stored: who is next, and what became of an attempt.

A claim is a lease: `next_attempt_at` is moved to when it lapses, and is the token by which a mark shows that nobody has claimed the
delivery since. So a deliverer that dies leaves nothing behind but a wait. docs/concepts/state-tables.md draws the states.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from core import events, ids, log, metrics, render
from core.errors import Unavailable
from core.events import AnyEvent
from core.ids import Prefix
from core.postgres import deadline
from core.postgres.pool import Database
from core.webhooks import endpoints
from worker.webhooks.deliverer import Delivery
from worker.webhooks.fairness import Places
from worker.webhooks.fan_outs import SAY_EVERY_S, FanOuts
from worker.webhooks.receivers import Receivers, Waiting
from worker.webhooks.send import Attempt, Fault

# An attempt ends within 15 s, and what became of it is kept within ten more, or not at all.
LEASE_S = 30.0
MARK_WITHIN_S = 10.0
MARK_AGAIN_EVERY_S = 0.5

FAILING_MAX_S = 5 * 24 * 3600.0  # longer than the schedule of a delivery: it was not one bad event

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed delivery. Without a URL it is for nobody any more."""

    id: UUID
    owner: str
    receiver: str
    endpoint_id: UUID | None
    failures: int
    claimed_until: datetime
    url: str | None
    wallet_id: UUID | None
    secrets: Sequence[str]
    event_id: UUID
    event: AnyEvent

    def sees_wallet(self, id: UUID) -> bool:
        """An operator's receiver is told of all wallets, a client's of its own alone."""
        return self.wallet_id in {None, id}


class Marked(NamedTuple):
    endpoint_id: UUID | None
    disabled_reason: str | None


class StoredDeliveries:
    """Deliveries in Postgres; any number of processes may share them."""

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
        self._seldom = log.Seldom(SAY_EVERY_S)

    @property
    def goes_on(self) -> bool:
        """Whether the last claim left something out: receivers that it did not look at, or deliveries that are still to be made."""
        return self._fan_outs.goes_on or self._receivers.goes_on

    async def claim(self, places: Places) -> Sequence[Delivery]:
        """Return the longest due deliveries for each receiver that the places choose, as many as they count.

        Before that a step makes deliveries of what became final. Deliveries without a receiver are canceled on the way, some
        at a time. Raises Unavailable.
        """
        await self._fan_out()
        deadline.start()
        due = places.admit(longest_due_first(await self._receivers.look()))
        metrics.DELIVERIES_LATE.set(late_s(due))
        while chosen := places.choose(due):
            claimed = await self._claim(chosen, places.counts(chosen))
            if deliveries := list(deliveries_of(claimed)):
                return deliveries
            passed_over = set(chosen)
            due = [one for one in due if one not in passed_over]
        return []

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        """Keep what became of an attempt, and when the next is due. Raises Unavailable, after having tried for some seconds."""
        marked = await self._keep(mark_of(delivery, attempt, retry_in_s))
        self._receivers.wear(delivery.owner, delivery.receiver)
        if marked is None:
            logger.warning("attempt not kept: canceled, or claimed again", delivery=ids.text(Prefix.DELIVERY, delivery.id))
        elif marked.endpoint_id and marked.disabled_reason:
            endpoint = ids.text(Prefix.ENDPOINT, marked.endpoint_id)
            logger.warning("endpoint disabled", endpoint=endpoint, reason=marked.disabled_reason)
            metrics.ENDPOINTS_DISABLED[marked.disabled_reason].inc()
            await self._cancel(delivery.owner, marked.endpoint_id)

    async def _fan_out(self) -> None:
        """Make some of the deliveries that verdicts have left. What is due is sent also when that takes too long, or fails."""
        deadline.start()
        try:
            self._receivers.expect(await self._fan_outs.step())
        except Unavailable:
            logger.warning("making deliveries put off")
        except Exception:
            if self._seldom.is_time("fan out"):
                logger.exception("making deliveries put off: it failed")

    async def _claim(self, chosen: Sequence[Waiting], counts: Sequence[int]) -> list[Claimed]:
        params = {
            "owners": [one.owner for one in chosen],
            "receivers": [one.receiver for one in chosen],
            "since": [one.due_since for one in chosen],
            "counts": list(counts),
            "lease_s": self._lease_s,
        }
        claimed = await self._database.fetch("deliverer/claim_deliveries", params, claimed_of)
        for owner, endpoint_id in {(one.owner, one.endpoint_id) for one in claimed if one.endpoint_id and not one.url}:
            await self._cancel(owner, endpoint_id)
        return claimed

    async def _cancel(self, owner: str, endpoint_id: UUID) -> None:
        canceled = await endpoints.cancel_deliveries(self._database, endpoint_id)
        self._receivers.wear(owner, str(endpoint_id), canceled)

    async def _keep(self, mark: dict[str, object]) -> Marked | None:
        """Mark, again and again while the database is out of reach: what is not kept is sent again."""
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


def longest_due_first(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Return those for whom something is due."""
    due = [(one.due_since, one) for one in waiting if one.due_since]
    return [one for _, one in sorted(due)]


def late_s(due: Iterable[Waiting]) -> float:
    """Return for how long the longest due of these has been, by this host's clock; 0 when there is none."""
    first = min((one.due_since for one in due if one.due_since), default=None)
    return (datetime.now(UTC) - first).total_seconds() if first else 0.0


def claimed_of(
    *,
    delivery_id: UUID,
    receiver_owner: str,
    receiver: str,
    endpoint_id: UUID | None,
    failures: int,
    claimed_until: datetime,
    url: str | None,
    wallet_id: UUID | None,
    secret: str | None,
    old_secret: str | None,
    event_id: UUID,
    **columns: Any,
) -> Claimed:
    """Return the claimed delivery of a row, which holds its event too."""
    secrets = [one for one in (secret, old_secret) if one]
    event = events.stored(event_id=event_id, **columns)
    return Claimed(
        id=delivery_id,
        owner=receiver_owner,
        receiver=receiver,
        endpoint_id=endpoint_id,
        failures=failures,
        claimed_until=claimed_until,
        url=url,
        wallet_id=wallet_id,
        secrets=secrets,
        event_id=event_id,
        event=event,
    )


def deliveries_of(claimed: Sequence[Claimed]) -> Iterator[Delivery]:
    """Return those that are for somebody. One that cannot be rendered, which is a bug of ours, is logged and harms no other."""
    for one in claimed:
        if one.url is not None:
            try:
                yield delivery_of(one, one.url)
            except Exception:
                logger.exception("delivery put off: it cannot be rendered", delivery=ids.text(Prefix.DELIVERY, one.id))


def delivery_of(claimed: Claimed, url: str) -> Delivery:
    return Delivery(
        id=claimed.id,
        owner=claimed.owner,
        receiver=claimed.receiver,
        url=url,
        event_id=ids.text(Prefix.EVENT, claimed.event_id),
        body=body_of(claimed),
        signing_secrets=claimed.secrets,
        failures=claimed.failures,
        claimed_until=claimed.claimed_until,
    )


def body_of(claimed: Claimed) -> bytes:
    """Return the event as its receiver may see it. It is final, so each attempt renders the same bytes."""
    event = render.show_event(claimed.event, claimed)
    return json.dumps({name: event[name] for name in ("type", "timestamp", "data")}, separators=(",", ":")).encode()


def mark_of(delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> dict[str, object]:
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
