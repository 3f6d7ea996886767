"""Deletes deliveries that ended long ago, with their attempts, and receivers without deliveries.

Transfers, entries and events are never deleted, nor are pending deliveries. Each step is bounded in rows and in time. One process
at a time takes steps: another one finds the bound locked, and does nothing.
"""

import time

import psycopg

from core import log
from core.postgres.statements import statement
from worker.session import OwnConnection

EVERY_S = 60.0  # between looks that find nothing
STEP_DELIVERIES = 1000  # of one step: some fifty milliseconds
STEP_ATTEMPTS = 100  # of one delivery and step: a schedule has ten, and redelivery by hand any number
STEP_RECEIVERS = 1000
STEP_TIMEOUT = "1s"  # a step is in the way of the next sweep

# What is left below the bound, such as a delivery that was locked when its turn came, is found by a look at all.
LOOK_AT_ALL_EVERY_S = 24 * 3600.0

logger = log.get(__name__)


class Retention:
    """Deliveries are kept for so many days after their end."""

    def __init__(self, own: OwnConnection, days: int, *, step_deliveries: int = STEP_DELIVERIES) -> None:
        self._own = own
        self._days = days
        self._step_deliveries = step_deliveries
        self._rests_until = 0.0
        self._looked_at_all = time.monotonic()

    def run_once(self) -> bool:
        """Take a step, if it is time. Returns whether there may be more to delete now. A fault of the database is logged."""
        if time.monotonic() < self._rests_until:
            return False
        try:
            if self._step():
                return True
        except psycopg.Error as error:
            logger.warning("retention put off", kind=type(error).__name__, sqlstate=error.sqlstate)
            self._own.close()
        self._rests_until = time.monotonic() + EVERY_S
        return False

    def _step(self) -> bool:
        with self._own.opened().transaction():
            connection = self._own.opened()
            connection.execute(statement("retention/limit_retention"), {"timeout": STEP_TIMEOUT})
            params = {"days": self._days, "limit": self._step_deliveries, "attempts": STEP_ATTEMPTS, "whole": self._looks_at_all()}
            ended = connection.execute(statement("retention/delete_deliveries"), params).fetchone()
            idle = connection.execute(statement("retention/delete_receivers"), {"limit": STEP_RECEIVERS})
        return idle.rowcount == STEP_RECEIVERS or (ended is not None and ended[0] == self._step_deliveries)

    def _looks_at_all(self) -> bool:
        """Tell whether it is time to, and note it as done: also a look that takes too long is not repeated before the next day."""
        if time.monotonic() - self._looked_at_all < LOOK_AT_ALL_EVERY_S:
            return False
        self._looked_at_all = time.monotonic()
        return True
