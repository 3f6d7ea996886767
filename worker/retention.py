"""Deletes deliveries that ended long ago, with their attempts, and receivers without deliveries.

Transfers, entries, events and pending deliveries are never deleted. Each step is bounded in rows and in time. One process at a time
takes steps: a second one finds the bound locked, and does nothing.
"""

import time

import psycopg

from core import log
from core.postgres.statements import statement
from worker.session import OwnConnection

EVERY_S = 60.0  # a guess; the pause after a step that found nothing to delete
STEP_DELIVERIES = 1000  # a step: some fifty milliseconds
STEP_ATTEMPTS = 100  # a delivery and step: a schedule has ten attempts, and each redelivery starts it again
STEP_RECEIVERS = 1000  # a guess
STEP_TIMEOUT = "1s"  # SWEEP_EVERY_S: a step delays the next sweep by no more than a pause would

# A step skips locked deliveries, and the bound then passes them. A step over all deliveries finds them, once a day: a guess.
LOOK_AT_ALL_EVERY_S = 24 * 3600.0

logger = log.get(__name__)


class Retention:
    """Deletes deliveries in steps, `days` days after their end."""

    def __init__(self, own: OwnConnection, days: int, *, step_deliveries: int = STEP_DELIVERIES) -> None:
        self._own = own
        self._days = days
        self._step_deliveries = step_deliveries
        self._rests_until = 0.0
        self._looked_at_all = time.monotonic()

    def run_once(self) -> bool:
        """Take a step if it is time. Returns whether there may be more to delete now. Logs a fault of the database."""
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
            params = {
                "days": self._days,
                "limit": self._step_deliveries,
                "attempts": STEP_ATTEMPTS,
                "whole": self._is_look_at_all_due(),
            }
            ended = connection.execute(statement("retention/delete_deliveries"), params).fetchone()
            idle = connection.execute(statement("retention/delete_receivers"), {"limit": STEP_RECEIVERS})
        return idle.rowcount == STEP_RECEIVERS or (ended is not None and ended[0] == self._step_deliveries)

    def _is_look_at_all_due(self) -> bool:
        """Return whether this step reads all deliveries, and record it: one that takes too long is repeated a day later."""
        if time.monotonic() - self._looked_at_all < LOOK_AT_ALL_EVERY_S:
            return False
        self._looked_at_all = time.monotonic()
        return True
