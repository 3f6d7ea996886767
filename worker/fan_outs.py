"""Makes deliveries of what became final. A verdict's transaction leaves one small row for each audience, and steps of a bounded
size make the deliveries from it. A step is one statement, so one that dies has made nothing; the next deliverer makes it again.

The rows are deleted at the rate of transfers, and their index entries stay for as long as a snapshot is held anywhere in the
database. So each look begins at a bound, below which no row is left. A bound is the first row's moment, or the feed's horizon:
below it no transaction can add one any more. It is kept in Postgres now and then, for the process that starts next.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from core.db import Database

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
LOOK_AT_ALL_EVERY_S = 600.0  # for what a transaction of more than a minute has left below the bound


class Found(NamedTuple):
    """From which moment on an audience has fan-outs; None when it has none."""

    audience: str
    moment: int | None
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


class FanOuts:
    """The fan-outs of a database; any number of processes may share them."""

    def __init__(self, database: Database, *, rows_max: int = ROWS_MAX, transfers_max: int = PARTIES_TRANSFERS_MAX) -> None:
        self._database = database
        self._sizes = {"rows": rows_max, "transfers": transfers_max, "fan_outs": FAN_OUTS_MAX}
        self._bounds: dict[str, int] = {}
        self._ended = (BEGINNING, BEGINNING, time.monotonic())  # moments: of a minute ago, of the last note, and when that was made
        self._done: Counter[str] = Counter()  # since the bound was kept
        self._looked_at_all = time.monotonic()
        self.goes_on = False  # the last step may have left something

    async def step(self) -> Sequence[tuple[str, str]]:
        """Make some deliveries for each audience that has a fan-out; return (owner, receiver) of those that something is due to.

        Raises Unavailable.
        """
        due: list[tuple[str, str]] = []
        self.goes_on = False
        for found in await self._look():
            if found.moment is not None:
                step = await self._step(found.audience)
                due += zip(step.owners, step.receivers, strict=True)
                self.goes_on = self.goes_on or step.claimed > 0
        return due

    async def _look(self) -> Sequence[Found]:
        """Return what there is, and move the bounds to it."""
        bounds = await self._begin_at()
        params = {"audiences": list(bounds), "bounds": list(bounds.values())}
        looked = await self._database.fetch("find_fan_outs", params, Found)
        if looked:
            self._note(looked[0].next)
        for found in looked:
            ended = max(found.horizon, self._ended[0])
            self._bounds[found.audience] = ended if found.moment is None else min(found.moment, ended)
        return looked

    async def _begin_at(self) -> dict[str, int]:
        """Return where the look begins: at the bounds, and now and then at the beginning."""
        if not self._bounds:
            kept = await self._database.fetch("list_delivery_bounds", {}, Bound)
            self._bounds = {bound.name: bound.value for bound in kept if bound.name in AUDIENCES}
        if time.monotonic() - self._looked_at_all > LOOK_AT_ALL_EVERY_S:
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

    async def _step(self, audience: str) -> Step:
        statement = {"parties": "fan_out_parties", "operators": "fan_out_operators", "endpoints": "fan_out_endpoints"}[audience]
        [step] = await self._database.fetch(statement, {**self._sizes, "bound": self._bounds[audience]}, Step)
        self._done[audience] += step.done
        if self._done[audience] >= KEEP_AFTER:
            await self._database.fetch("move_delivery_bound", {"name": audience, "value": self._bounds[audience]}, dict)
            self._done[audience] = 0
        return step
