"""Audits the database repeatedly during the faults, continues a checkpoint, and checks that final transfers do not change."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from core.admin import checkpoint
from core.admin.audit import Report, audit
from core.admin.checkpoint_file import Checkpoint
from core.admin.since import Depth, audit_since

REST = 2.0  # times the duration of a look, so that looks take little of the machine
REST_MIN_S = 0.1
RECENT_S = 15
LOOKED_AT_AGAIN = 1000
LOOKS_PER_MINUTE_MIN = 0.5  # a look takes seconds at most, also at a large ledger on a busy machine
AWAY = ("08", "57P")  # SQLSTATEs of a server that is down, stops or starts

FINISHED = """
    SELECT id, status, failure_code, finished_at, moment, ordinal FROM transfers
     WHERE finished_at > now() - make_interval(secs => %s) OR id = ANY(%s)
"""


class Watch:
    """A thread that looks from begin() to end(), with its own connections, which only faults of Postgres break.

    `prove` is the audit; tests replace it.
    """

    def __init__(self, owner_url: str, complain: Callable[[str], None], seed: int, prove: Callable[[str], Report] = audit) -> None:
        self._url = owner_url
        self._complain = complain
        self._prove = prove
        self._dice = random.Random(f"{seed}-watch")
        self._checkpoint: Checkpoint | None = None
        self._seen: dict[Any, tuple[Any, ...]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.looks = 0
        self.in_vain = 0

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        began = time.monotonic()
        self._look_on()
        watched_s = time.monotonic() - began
        self._verify_checkpoint()
        if self.looks < LOOKS_PER_MINUTE_MIN * watched_s / 60:  # with few looks it has not shown that anything held
            self._complain(f"the watch looked {self.looks} times in {watched_s:.0f} s, and {self.in_vain} times in vain")

    def _look_on(self) -> None:
        rest_s = 0.0
        while not self._ending.wait(rest_s):
            began = time.monotonic()
            try:
                self._audit()
                self._continue_checkpoint()
                self._compare()
                self.looks += 1
            except Exception as error:  # noqa: BLE001  # otherwise the thread would end unseen, and the trial would pass
                if is_away(error):
                    self.in_vain += 1
                else:
                    self._complain(f"the watch could not look: {error!r}")
            rest_s = max(REST * (time.monotonic() - began), REST_MIN_S)

    def _audit(self) -> None:
        """All entries sum to zero, balances are the sums of theirs, none is negative, versions have no gaps: in one snapshot."""
        report = self._prove(self._url)
        if not report.clean:
            self._complain("in the midst of it all:\n" + "\n".join(report.lines()))

    def _continue_checkpoint(self) -> None:
        """What becomes visible late is no change, however many transactions are open, killed or repeated."""
        made, report = checkpoint.make(self._url, self._checkpoint)
        if made is None or (report and not report.clean):
            self._complain("against the last checkpoint:\n" + "\n".join(report.lines() if report else ()))
        self._checkpoint = made or self._checkpoint

    def _verify_checkpoint(self) -> None:
        """The whole history is that of the checkpoints, which were made while it grew."""
        if self._checkpoint is None:
            return
        try:
            report = audit_since(self._url, self._checkpoint, Depth(full=True))
        except Exception as error:  # noqa: BLE001  # as above
            if not is_away(error):
                self._complain(f"the watch could not verify its checkpoints: {error!r}")
        else:
            if not report.clean:
                self._complain("against the last checkpoint, in full:\n" + "\n".join(report.lines()))

    def _compare(self) -> None:
        """Final transfers are still there, and unchanged."""
        again = self._dice.sample(list(self._seen), min(LOOKED_AT_AGAIN, len(self._seen)))
        with psycopg.connect(self._url) as connection:
            found = {row[0]: row for row in connection.execute(FINISHED, [RECENT_S, again])}
        for id, row in found.items():
            if self._seen.setdefault(id, row) != row:
                self._complain(f"a final transfer has changed from {self._seen[id]} to {row}")
        if missing := set(again) - found.keys():
            self._complain(f"final transfers are gone: {missing}")


def is_away(error: Exception) -> bool:
    """Return whether Postgres was away. A connection that was lost, or could not be made, has no SQLSTATE."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(AWAY))
