"""Every named point at which a process may die, fail or freeze, met by transfers: all final, once, in order, the audit clean."""

import http.client
import itertools
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import redis

from core import ids
from core.failpoint import POINTS
from core.ids import Prefix
from core.ledger.sharding import shard_of
from core.postgres.deadline import ANSWER_WITHIN_S
from core.transfers import Submission
from local.redis import Redis
from tests.caller import Answer, new_key
from tests.databases import Databases
from tests.system import System
from tests.waiting import POLL_S, wait_for
from tests.world import SHARDS, World, capture, capture_for, closure, deposit, hold, multi_leg, new_client, transfer

STARTED_S = 60.0  # fifteen processes start at once
LANES = 5  # systems side by side: most of a case is waiting for the sweeper, or for Postgres to end a frozen transaction
ACTIONS = ("kill", "raise", "pause")
TRIES = {"first try": 1, "first try and retry": 2}
SENDS_MAX = 8
FINAL_WITHIN_S = 60.0

# A process that alone comes by a point goes on when its callers have given up on it. The other points a worker and the sweeper come
# by: both hang there before either may go on.
ALONE_S = ANSWER_WITHIN_S + 0.2
BY_TWO = ("apply.", "doorbell.before_publish", "doorbell.after_hand_over")


class Case(NamedTuple):
    point: str
    action: str
    tries: str

    @property
    def hits(self) -> int:
        return TRIES[self.tries]

    def may_end(self, returncode: int) -> bool:
        """Return whether a process may have ended so: killed here, or a sweeper, which an unknown error ends."""
        return (self.action, returncode) == ("kill", -signal.SIGKILL) or (
            self.action == "raise" and returncode == 1 and self.point.startswith("sweep.")
        )


# Only batches with special transfers come by these. Each case takes a sweep, so each action has one hit.
OF_SPECIALS = ("apply.after_specials", "apply.after_update_parents", "apply.after_insert_due", "apply.after_delete_due")
OF_RULES = (
    *("apply.after_update_counters", "apply.after_close_wallets"),
    *("apply.after_note_counted", "apply.after_note_shortfalls"),
)

# Deliverers have their own loop, in test_deliverer.py: what they meet moves no money.
CASES = [
    Case(point, action, tries)
    for point, action, tries in itertools.product(POINTS, ACTIONS, TRIES)
    if not point.startswith("deliver.") and (point not in (*OF_SPECIALS, *OF_RULES) or TRIES[tries] == 1)
]

# A worker that is frozen within a round trip is ended by transaction_timeout, which PostgreSQL 16 does not have.
WRITES = ("insert_entries", "update_wallets", "finish_transfers", "delete_queue")
ENDED_SINCE_17 = {Case(f"apply.after_{write}", "pause", "first try and retry") for write in WRITES}


class Lane:
    """A system whose processes hit the armed failpoint, their supervisor, and a caller that repeats unanswered requests."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.points = folder / "points"
        self.points.mkdir(parents=True)
        self.system = System(folder, database_url, redis_url)
        self.caller = self.system.caller()
        self.source = self.destination = self.third = ""
        self.redis = redis.Redis.from_url(redis_url, decode_responses=True)
        self.case: Case | None = None
        self.sent: list[str] = []
        self.stored = 0
        self.open_holds: list[Submission] = []
        self.sent_before = 0
        self.unexpected: list[str] = []
        self._running: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise)

    @contextmanager
    def running(self) -> Iterator["Lane"]:
        for argv in (("api",), ("worker", "apply"), ("worker", "sweep")):
            self._start(argv)
        self._supervisor.start()
        try:
            wait_for(lambda: self.system.answers(self._running["api",]), "the API to answer", STARTED_S)
            self.source, self.destination = self.caller.new_wallet(1_000_000), self.caller.new_wallet()
            self.third = self.caller.new_wallet()
            self.sent_before = 1
            yield self
        finally:
            self._ending.set()
            self._supervisor.join()
            self._disarm()
            self.redis.close()
            self.system.close()

    def run(self, case: Case) -> None:
        """Let the case happen to a transfer, one sent after its 202, and as many more as it takes to reach the point so often."""
        wait_for(self._is_calm, "a worker that waits for jobs, and no flag that is up", FINAL_WITHIN_S)
        self.case = case
        self._arm(case)
        while len(self.sent) < 2 or self._armed():
            assert len(self.sent) < SENDS_MAX, f"{case.point} was not reached"
            self.sent.append(self._send(1 + len(self.sent)))
            if len(self.sent) > 1:
                wait_for(
                    lambda: not self._armed() or self._is_drained(), "the point to be reached, or all to be final", FINAL_WITHIN_S
                )
        wait_for(self._is_drained, "all to be final", FINAL_WITHIN_S)
        wait_for(lambda: not list(self.points.glob("taken:*pause")), "all to go on", FINAL_WITHIN_S)
        self._disarm()
        self._check()

    def _check(self) -> None:
        found = [self._until_answered("GET", f"/v1/transfers/{id}").body for id in self.sent]
        assert [transfer["status"] for transfer in found] == ["applied"] * len(found)
        versions = [transfer["entries"][0]["version"] for transfer in found]
        assert versions == sorted(versions), "not applied in the order of their acceptance"
        self.sent_before += self.stored
        self.sent, self.stored = [], 0
        assert self._count("transfers") == self.sent_before, "one request became two transfers, or none"
        assert self.unexpected == []
        self.system.audit()

    def _send(self, amount: int) -> str:
        """Send what comes by the point of the case, and return its id."""
        if self.case and self.case.point in OF_SPECIALS:
            return self._submit_hold(amount)
        if self.case and self.case.point in OF_RULES:
            return self._submit_closure(amount)
        self.stored += 1
        return self._send_transfer(amount)

    def _submit_hold(self, amount: int) -> str:
        """Store two holds, captures that close the first, and one of what was left open before; return the id of the last.

        Between them a split, and a capture for several wallets.
        """
        source, destination, third = (ids.parse(Prefix.WALLET, id) for id in (self.source, self.destination, self.third))
        placed, open_hold = hold(source, destination, 2 * amount + 2), hold(source, destination, 1)
        several = [multi_leg({source: 2}, {destination: 1, third: 1}), capture_for(placed, {destination: 1, third: 1})]
        sent = [placed, open_hold, *map(capture, self.open_holds), *several, capture(placed, amount), capture(placed, amount)]
        self.open_holds = [open_hold]
        World(self.system.database_url, self.system.database_url).submit(*sent)
        self.stored += len(sent)
        return ids.text(Prefix.TRANSFER, sent[-1].id)

    def _submit_closure(self, amount: int) -> str:
        """Fund, debit and close a new wallet with a limit, in a batch with a transfer of the usual one; return its id.

        One debit passes the limit and is rejected.
        """
        source, destination = (ids.parse(Prefix.WALLET, id) for id in (self.source, self.destination))
        world = World(self.system.database_url, self.system.database_url)
        [client] = world.insert_clients([new_client(shard_of(source, SHARDS))])
        wallet = client.wallet.id
        world.change(wallet, limits={"debit_max": 5})
        refused = transfer(wallet, destination, 6)
        debits = [transfer(wallet, destination, 2), refused, closure(wallet, destination), transfer(source, destination, amount)]
        world.submit(deposit(wallet, 5), *debits)
        self.stored += 1 + len(debits)
        return ids.text(Prefix.TRANSFER, debits[-1].id)

    def _send_transfer(self, amount: int) -> str:
        """Send a transfer, again and again with its key until it is answered, and once more; return its id."""
        body = {"source_wallet_id": self.source, "destination_wallet_id": self.destination, "amount": amount}
        key = new_key()
        first, again = (self._until_answered("POST", "/v1/transfers", body, key) for _ in range(2))
        assert first.body["id"] == again.body["id"]
        return str(first.body["id"])

    def _until_answered(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """Ask until the answer is a success, through hang-ups and 5xx."""

        def ask() -> Answer | None:
            try:
                answer = self.caller.request(method, path, body, key=key)
            except (OSError, http.client.HTTPException):
                return None
            assert answer.status in {200, 202} or answer.status >= 500, answer
            return answer if answer.status < 500 else None

        answered = wait_for(ask, f"an answer to {method} {path}", FINAL_WITHIN_S)
        assert answered is not None
        return answered

    def _arm(self, case: Case) -> None:
        """Arm the point. For the sweeper's, let every ring fail: there would be nothing to sweep."""
        for number in range(case.hits):
            (self.points / f"{case.point}:{number}:{case.action}").touch()
        if case.point.startswith("sweep."):
            for number in range(SENDS_MAX):
                (self.points / f"doorbell.before_flags:{number}:raise").touch()

    def _armed(self) -> list[Path]:
        return list(self.points.glob(f"{self.case.point}:*")) if self.case else []

    def _disarm(self) -> None:
        for file in self.points.iterdir():
            file.unlink()

    def _is_drained(self) -> bool:
        return self._count("queue") == 0

    def _is_calm(self) -> bool:
        waiting = [one for one in self.redis.client_list() if one["cmd"] == "blpop" and one["db"] == self._redis_number]
        return bool(waiting) and not self.redis.keys("doorbell:*")

    @property
    def _redis_number(self) -> str:
        return self.system.redis_url.rpartition("/")[2]

    def _count(self, table: str) -> int:
        with psycopg.connect(self.system.database_url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def _start(self, argv: tuple[str, ...]) -> None:
        self._running[argv] = self.system.start(*argv, environment={"TELLER_FAILPOINTS": str(self.points)})

    def _supervise(self) -> None:
        """Start again what has died, and let go on what was held up for long enough."""
        held_since: dict[Path, float] = {}
        while not self._ending.wait(POLL_S):
            for argv, process in list(self._running.items()):
                if (returncode := process.poll()) is not None:
                    if self.case is None or not self.case.may_end(returncode):
                        self.unexpected.append(f"{' '.join(argv)} ended with {returncode}: {self.system.logs()}")
                    self._start(argv)
            for file in self.points.glob("taken:*:pause"):
                if self._may_go_on(time.monotonic() - held_since.setdefault(file, time.monotonic())):
                    file.unlink()
                    del held_since[file]

    def _may_go_on(self, held_s: float) -> bool:
        if self.case and self.case.point.startswith(BY_TWO):
            return not self._armed() and len(self.sent) >= 2
        return held_s > ALONE_S


@pytest.mark.timeout(600)
@pytest.mark.long
def test_whatever_dies_fails_or_freezes_at_any_point_all_transfers_are_final_once_and_in_order(
    databases: Databases, own_redis: Redis, tmp_path: Path
) -> None:
    def run_lane(number: int) -> list[str]:
        """Run the lane's part of the cases, up to the first that fails; return what is wrong with it."""
        redis_url = f"{own_redis.url.removesuffix('/0')}/{number}"
        with Lane(tmp_path / str(number), urls[number], redis_url).running() as lane:
            for case in cases[number::LANES]:
                try:
                    lane.run(case)
                except Exception as error:  # noqa: BLE001  # named with its case, beside those of the other lanes
                    return [f"{' '.join(case)}: {error!r}\n{lane.system.logs()}"]
        return []

    urls = [databases.migrated() for _ in range(LANES)]
    with psycopg.connect(urls[0]) as connection:
        cases = [case for case in CASES if connection.info.server_version >= 170000 or case not in ENDED_SINCE_17]
    with ThreadPoolExecutor(LANES) as threads:
        failures = list(itertools.chain(*threads.map(run_lane, range(LANES))))

    assert not failures, "\n\n".join(failures)
