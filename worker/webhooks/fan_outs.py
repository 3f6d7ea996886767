"""Makes deliveries of transfers and events that became final, in steps of a bounded size.

The transaction of a verdict inserts one small row for each audience. Steps make the deliveries from these rows. A step is one
statement: if it fails, it has made nothing, and the next deliverer makes it again.

The rows are deleted at the rate of transfers, and their index entries stay while any snapshot is held in the database. So each look
begins at a bound, below which no row is left. The bound is the moment of the first row, or the horizon of the feed: below the
horizon no transaction can add a row any more. Now and then the bound is stored in Postgres, for processes that start later.

A step that fails for an unknown reason is tried again with one transfer of one fan-out. A transfer that fails three times alone is
stepped over and named in the log, so it delays the others by seconds.

docs/concepts/state-tables.md has the table of states.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from core import ids, log
from core.errors import Unavailable
from core.ids import Prefix
from core.postgres.faults import took_too_long
from core.postgres.pool import Database
from worker.allowance import Allowance
from worker.webhooks.step_limit import FanOutPosition, StepLimit

BEGINNING = -(2**63)

# The statement of each audience. Audiences have queues of their own, so none waits for the others.
STATEMENTS = {
    "parties": "deliverer/fan_out_parties",
    "operators": "deliverer/fan_out_operators",
    "endpoints": "deliverer/fan_out_endpoints",
}
AUDIENCES = tuple(STATEMENTS)

# Sizes of one step: transfers to their parties, with at most 41 deliveries each, and deliveries to operators' endpoints. Some 4000
# rows take a tenth of a second.
PARTIES_TRANSFERS_MAX = 100
ROWS_MAX = 2000
FAN_OUTS_MAX = 32  # a guess; a step makes the deliveries of several small fan-outs together

# An open transaction with an id holds the horizon. None of Teller's transactions lasts for so long.
ENDED_AFTER_S = 60.0
KEEP_AFTER = 1000  # fan-outs; a process that starts steps over the index entries of so many finished ones at most
LOOK_AT_ALL_EVERY_S = 600.0  # a guess; finds rows that a transaction of more than a minute has added below the bound
LOG_EVERY_S = 60.0  # a guess; of each kind of line

logger = log.get(__name__)


class FirstFanOut(NamedTuple):
    """The first fan-out of an audience and how far it has come; None for an audience without fan-outs.

    `next` is the moment that the next transaction will draw.
    """

    audience: str
    moment: int | None
    after_ordinal: int | None
    horizon: int
    next: int

    @property
    def position(self) -> FanOutPosition | None:
        if self.moment is None or self.after_ordinal is None:
            return None
        return FanOutPosition(self.moment, self.after_ordinal)


class Bound(NamedTuple):
    name: str
    value: int


class Step(NamedTuple):
    """How many fan-outs a step took, how many of them it finished, and the receivers that have deliveries due by it."""

    claimed: int
    done: int
    owners: Sequence[str]
    receivers: Sequence[str]


class SteppedOver(NamedTuple):
    id: UUID


@dataclass(slots=True)
class EndedMoments:
    """The moment below which all transactions have ended by their age: none of Teller's lasts for ENDED_AFTER_S."""

    ended: int = BEGINNING
    _begun: int = BEGINNING  # transactions below it had begun at `_recorded_at`, in monotonic seconds
    _recorded_at: float = field(default_factory=time.monotonic)

    def record(self, next_moment: int) -> None:
        """Record that transactions below this moment have begun. Those recorded before have ended after a minute."""
        now = time.monotonic()
        if self._begun == BEGINNING:
            self._begun, self._recorded_at = next_moment, now
        elif now - self._recorded_at > ENDED_AFTER_S:
            self.ended, self._begun, self._recorded_at = self._begun, next_moment, now


class FanOuts:
    """The fan-outs of a database. Any number of processes may share them."""

    def __init__(self, database: Database, *, rows_max: int = ROWS_MAX, transfers_max: int = PARTIES_TRANSFERS_MAX) -> None:
        self._database = database
        self._sizes = {"rows": rows_max, "transfers": transfers_max, "fan_outs": FAN_OUTS_MAX}
        self._bounds: dict[str, int] = {}
        self._moments = EndedMoments()
        self._done: Counter[str] = Counter()  # fan-outs by audience, since its bound was stored
        self._looked_at_all: float | None = None
        self._limits = {audience: StepLimit() for audience in AUDIENCES}
        self._allowance = Allowance()
        self._seldom = log.Seldom(LOG_EVERY_S)
        self.goes_on = False  # whether the last step may have left fan-outs

    async def step(self) -> Sequence[tuple[str, str]]:
        """Make some deliveries for each audience that has a fan-out. Returns the (owner, receiver) pairs with deliveries due by it.

        If a step fails for an unknown reason, its audience waits for the next call and the others go on. Raises Unavailable.
        """
        due: list[tuple[str, str]] = []
        self.goes_on = False
        for first in await self._look():
            if first.position is not None:
                due += await self._try_step(first.audience, first.position)
        return due

    async def _look(self) -> Sequence[FirstFanOut]:
        """Return the first fan-out of each audience, and move the bounds to them."""
        bounds = await self._begin_at()
        params = {"audiences": list(bounds), "bounds": list(bounds.values())}
        try:
            looked = await self._database.fetch("deliverer/find_fan_outs", params, FirstFanOut)
        except Unavailable as error:
            if bounds is not self._bounds and not (error.__cause__ and took_too_long(error.__cause__)):
                self._looked_at_all = None  # another fault than the look's duration ended it, so it is made again
            raise
        if looked:
            self._moments.record(looked[0].next)
        for found in looked:
            ended = max(found.horizon, self._moments.ended)
            self._bounds[found.audience] = ended if found.moment is None else min(found.moment, ended)
        return looked

    async def _begin_at(self) -> Mapping[str, int]:
        """Return where the look begins: at the bounds; at the start and every ten minutes, at the beginning.

        If a look from the beginning takes too long, beside very many dead index entries, the next looks begin at the bounds.
        """
        if not self._bounds:
            kept = await self._database.fetch("deliverer/list_delivery_bounds", {}, Bound)
            self._bounds = {bound.name: bound.value for bound in kept if bound.name in AUDIENCES}
        if self._looked_at_all is None or time.monotonic() - self._looked_at_all > LOOK_AT_ALL_EVERY_S:
            self._looked_at_all = time.monotonic()
            return dict.fromkeys(AUDIENCES, BEGINNING)
        return self._bounds

    async def _try_step(self, audience: str, position: FanOutPosition) -> Sequence[tuple[str, str]]:
        """Take a step of the size that the audience's last steps allow. Returns the (owner, receiver) pairs with deliveries due."""
        limit = self._limits[audience]
        if time.monotonic() < limit.try_at:
            return []
        try:
            step = await self._step(audience, limit)
        except Unavailable:
            limit.record_unavailable()
            raise
        except Exception:
            if self._seldom.is_time(audience):
                logger.exception("making deliveries failed", audience=audience, **position._asdict())
            await self._after_failure(audience, limit, position)
            return []
        limit.record_success(self._sizes)
        self.goes_on = self.goes_on or step.claimed > 0
        return list(zip(step.owners, step.receivers, strict=True))

    async def _step(self, audience: str, limit: StepLimit) -> Step:
        bound = self._bounds[audience]
        [step] = await self._database.fetch(STATEMENTS[audience], {**limit.sizes(self._sizes), "bound": bound}, Step)
        self._done[audience] += step.done
        if self._done[audience] >= KEEP_AFTER:
            await self._database.fetch("deliverer/move_delivery_bound", {"name": audience, "value": bound}, dict)
            self._done[audience] = 0
        return step

    async def _after_failure(self, audience: str, limit: StepLimit, position: FanOutPosition) -> None:
        """Shrink the next step. Step over a transfer that has failed three times alone, unless too many were stepped over."""
        self.goes_on = self.goes_on or limit.limit != 1
        limit.record_failure(position, time.monotonic())
        if not limit.exhausted:
            return
        if not self._allowance.is_spent(time.monotonic()):
            await self._step_over(audience, position)
            limit.record_stepped_over()
            self.goes_on = True
        elif self._seldom.is_time(f"{audience} put off"):
            logger.critical("too many transfers stepped over, fan-outs put off", audience=audience, **position._asdict())

    async def _step_over(self, audience: str, position: FanOutPosition) -> None:
        params = {"audience": audience, **position._asdict()}
        for stepped_over in await self._database.fetch("deliverer/step_over_fan_out", params, SteppedOver):
            self._allowance.spend(time.monotonic())
            is_event = audience == "endpoints"
            name, prefix = ("event_id", Prefix.EVENT) if is_event else ("transfer", Prefix.TRANSFER)
            named = {name: ids.text(prefix, stepped_over.id)}
            logger.critical("stepped over: its deliveries cannot be made", audience=audience, moment=position.moment, **named)
