"""Makes a checkpoint: of the whole history, or continued from an earlier one after an audit against that."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from core.admin import history, since
from core.admin.audit import WITHIN_S, in_snapshot
from core.admin.checkpoint_file import Checkpoint
from core.admin.since import Depth, Report


def make(
    database_url: str,
    earlier: Checkpoint | None,
    report_progress: Callable[[str], None] = lambda _: None,
    within_s: float = WITHIN_S,
) -> tuple[Checkpoint | None, Report | None]:
    """Return the checkpoint of the database as it is now, and the audit against the earlier one, both of one snapshot.

    Where that audit finds damage, no checkpoint is made: it would confirm the damage. Nothing is written to the database.

    Raises psycopg.Error and CannotDo, as the audit does.
    """

    def work(connection: psycopg.Connection, give_up: float) -> tuple[Checkpoint | None, Report | None]:
        report = since.run_checks(connection, earlier, Depth(), report_progress, give_up) if earlier else None
        if report and not report.clean:
            return None, report
        history.prefer_keys(connection)
        return history.continued(connection, earlier, datetime.now(UTC), report_progress, give_up), report

    return in_snapshot(database_url, "checkpoint", work, within_s)
