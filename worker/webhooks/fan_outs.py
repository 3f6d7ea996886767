"""Makes deliveries of what became final. A verdict's transaction leaves one small row for each audience, and steps of a bounded
size make the deliveries from it. A step is one statement, so one that dies has made nothing; the next deliverer makes it again.

The rows are deleted at the rate of transfers, and their index entries stay for as long as a snapshot is held anywhere in the
database. So each look begins at a bound, below which no row is left. A bound is the first row's moment, or the feed's horizon:
below it no transaction can add one any more. It is kept in Postgres now and then, for the process that starts next.

A step that fails for an unknown reason is tried again with one transfer of one fan-out. A transfer that fails on its own several
times is stepped over, so that it delays the others by seconds, and is named in the log.

docs/concepts/state-tables.md has the table of states.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from core import ids, log
from core.errors import Unavailable
from core.ids import Prefix
from core.postgres.faults import took_too_long
from core.postgres.pool import Database
from worker.allowance import Allowance

AUDIENCES = ("parties", "operators", "endpoints")  # each with a queue of its own, so that none waits for the others
BEGINNING = -(2**63)

# What one step may make: at most 41 deliveries a transfer to its parties, and so many rows to operators' endpoints.
# Some 4000 rows are a tenth of a second.
PARTIES_TRANSFERS_MAX = 100
ROWS_MAX = 2000
FAN_OUTS_MAX = 32  # of one step: small ones have their deliveries made together

# A transaction that has an id and is held open holds the horizon. No transaction of ours lasts for so long.
ENDED_AFTER_S = 60.0
KEEP_AFTER = 1000  # fan-outs that are done: how many dead index entries a process may meet when it starts
LOOK_AT_ALL_EVERY_S = 600.0  # for what a transaction of more than a minute has left below the bound; and once at the start

FAILURES_MAX = 3  # of one transfer on its own, in a row; then it is stepped over
TRY_AGAIN_AFTER_S = 0.5  # after such a failure
SAY_EVERY_S = 60.0

logger = log.get(__name__)


class Found(NamedTuple):
    """From which moment on an audience has fan-outs, and how far the first has come; None when it has none."""

    audience: str
    moment: int | None
    after_ordinal: int | None
    horizon: int
    next: int


class Bound(NamedTuple):
    name: str
    value: int


class Step(NamedTuple):
    """How many fan-outs a step took and how many of them it has ended, and for which receivers it made something due."""

    claimed: int
    done: int
    owners: Sequence[str]
    receivers: Sequence[str]


class SteppedOver(NamedTuple):
    id: UUID


@dataclass(slots=True)
class Narrowing:
    """How much the next step of an audience takes: all that it may, or after a failure 1, doubled by each success.

    What fails when a step takes 1 is the transfer that the first fan-out goes on with. Its failures are counted.
    """

    limit: int | None = None  # of each size; None is no limit but the sizes' own
    suspect: tuple[int, int] | None = None  # a moment, and how far its fan-out has come
    failures: int = 0
    try_at: float = 0.0  # monotonic seconds; not before

    def narrowed(self, sizes: Mapping[str, int]) -> Mapping[str, int]:
        return sizes if self.limit is None else {name: min(size, self.limit) for name, size in sizes.items()}

    def succeeded(self, sizes: Mapping[str, int]) -> None:
        self.failures = 0
        if self.limit is not None:
            self.limit = None if self.limit * 2 >= max(sizes.values()) else self.limit * 2

    def failed(self, unit: tuple[int, int], now: float) -> None:
        if self.limit == 1:
            self.failures = self.failures + 1 if unit == self.suspect else 1
            self.suspect = unit
            self.try_at = now + TRY_AGAIN_AFTER_S
        self.limit = 1

    @property
    def exhausted(self) -> bool:
        return self.failures >= FAILURES_MAX


class FanOuts:
    """The fan-outs of a database; any number of processes may share them."""

    def __init__(self, database: Database, *, rows_max: int = ROWS_MAX, transfers_max: int = PARTIES_TRANSFERS_MAX) -> None:
        self._database = database
        self._sizes = {"rows": rows_max, "transfers": transfers_max, "fan_outs": FAN_OUTS_MAX}
        self._bounds: dict[str, int] = {}
        self._ended = (BEGINNING, BEGINNING, time.monotonic())  # moments: of a minute ago, of the last note, and when that was made
        self._done: Counter[str] = Counter()  # since the bound was kept
        self._looked_at_all: float | None = None
        self._narrowings = {audience: Narrowing() for audience in AUDIENCES}
        self._allowance = Allowance()
        self._seldom = log.Seldom(SAY_EVERY_S)
        self.goes_on = False  # the last step may have left something

    async def step(self) -> Sequence[tuple[str, str]]:
        """Make some deliveries for each audience that has a fan-out; return (owner, receiver) of those that something is due to.

        An audience whose step fails for an unknown reason is left to the next time, and the others go on. Raises Unavailable.
        """
        due: list[tuple[str, str]] = []
        self.goes_on = False
        for found in await self._look():
            if found.moment is not None and found.after_ordinal is not None:
                due += await self._try_step(found.audience, (found.moment, found.after_ordinal))
        return due

    async def _look(self) -> Sequence[Found]:
        """Return what there is, and move the bounds to it."""
        bounds = await self._begin_at()
        params = {"audiences": list(bounds), "bounds": list(bounds.values())}
        try:
            looked = await self._database.fetch("deliverer/find_fan_outs", params, Found)
        except Unavailable as error:
            if bounds is not self._bounds and not (error.__cause__ and took_too_long(error.__cause__)):
                self._looked_at_all = None  # what ended it says nothing about the look: it is made again
            raise
        if looked:
            self._note(looked[0].next)
        for found in looked:
            ended = max(found.horizon, self._ended[0])
            self._bounds[found.audience] = ended if found.moment is None else min(found.moment, ended)
        return looked

    async def _begin_at(self) -> dict[str, int]:
        """Return where the look begins: at the bounds, and at the start and now and then at the beginning.

        A look from the beginning that takes too long, beside very many dead index entries, is followed by looks from the bounds.
        """
        if not self._bounds:
            kept = await self._database.fetch("deliverer/list_delivery_bounds", {}, Bound)
            self._bounds = {bound.name: bound.value for bound in kept if bound.name in AUDIENCES}
        if self._looked_at_all is None or time.monotonic() - self._looked_at_all > LOOK_AT_ALL_EVERY_S:
            self._looked_at_all = time.monotonic()
            return dict.fromkeys(AUDIENCES, BEGINNING)
        return self._bounds

    def _note(self, next: int) -> None:
        """Note up to which moment transactions have begun. Those of the note before have ended when that is a minute old."""
        _, noted, noted_at = self._ended
        if noted == BEGINNING:
            self._ended = BEGINNING, next, time.monotonic()
        elif time.monotonic() - noted_at > ENDED_AFTER_S:
            self._ended = noted, next, time.monotonic()

    async def _try_step(self, audience: str, unit: tuple[int, int]) -> Sequence[tuple[str, str]]:
        """Take a step, as large as its audience's last ones allow. Returns (owner, receiver) of what it made due."""
        narrowing = self._narrowings[audience]
        if time.monotonic() < narrowing.try_at:
            return []
        try:
            step = await self._step(audience, narrowing)
        except Unavailable:
            narrowing.limit = 1  # a smaller step may not take too long; it is not the transfer's fault
            raise
        except Exception:
            if self._seldom.is_time(audience):
                logger.exception("making deliveries failed", audience=audience, moment=unit[0], after_ordinal=unit[1])
            await self._heed_failure(audience, narrowing, unit)
            return []
        narrowing.succeeded(self._sizes)
        self.goes_on = self.goes_on or step.claimed > 0
        return list(zip(step.owners, step.receivers, strict=True))

    async def _heed_failure(self, audience: str, narrowing: Narrowing, unit: tuple[int, int]) -> None:
        """Take less the next time; step over a transfer that fails again and again on its own."""
        self.goes_on = self.goes_on or narrowing.limit != 1
        narrowing.failed(unit, time.monotonic())
        if not narrowing.exhausted:
            return
        if not self._allowance.is_spent(time.monotonic()):
            await self._step_over(audience, narrowing, unit)
        elif self._seldom.is_time(f"{audience} put off"):
            logger.critical(
                "too many transfers stepped over, fan-outs put off", audience=audience, moment=unit[0], after_ordinal=unit[1]
            )

    async def _step_over(self, audience: str, narrowing: Narrowing, unit: tuple[int, int]) -> None:
        params = {"audience": audience, "moment": unit[0], "after_ordinal": unit[1]}
        for one in await self._database.fetch("deliverer/step_over_fan_out", params, SteppedOver):
            self._allowance.spend(time.monotonic())
            is_event = audience == "endpoints"
            named = {"event_id": ids.text(Prefix.EVENT, one.id)} if is_event else {"transfer": ids.text(Prefix.TRANSFER, one.id)}
            logger.critical("stepped over: its deliveries cannot be made", audience=audience, moment=unit[0], **named)
        narrowing.failures, narrowing.try_at = 0, 0.0
        self.goes_on = True

    async def _step(self, audience: str, narrowing: Narrowing) -> Step:
        statement = {
            "parties": "deliverer/fan_out_parties",
            "operators": "deliverer/fan_out_operators",
            "endpoints": "deliverer/fan_out_endpoints",
        }[audience]
        [step] = await self._database.fetch(statement, {**narrowing.narrowed(self._sizes), "bound": self._bounds[audience]}, Step)
        self._done[audience] += step.done
        if self._done[audience] >= KEEP_AFTER:
            await self._database.fetch("deliverer/move_delivery_bound", {"name": audience, "value": self._bounds[audience]}, dict)
            self._done[audience] = 0
        return step
