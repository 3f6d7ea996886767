"""PgBouncer between Teller and Postgres: session mode works, the other modes are refused in words, and no caller meets a 500."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from core import ids
from core.ids import Prefix
from core.postgres.connections import connect_worker
from core.postgres.limits import WORKER_LIMITS
from tests import flood
from tests.caller import new_key
from tests.faults.test_sessions import assert_works, refused
from tests.pooler import pgbouncer
from tests.system import System
from tests.waiting import wait_for
from tests.world import World, deposit


@pytest.mark.parametrize("ignored", ["options,extra_float_digits", "extra_float_digits"])
def test_through_a_pooler_in_session_mode_all_limits_are_in_force_and_money_moves(
    own_system: System, tmp_path: Path, ignored: str
) -> None:
    direct = own_system.database_url
    with pgbouncer(direct, tmp_path / "pooler", "session", ignored) as url:
        with closing(connect_worker(url)) as worker, closing(connect_worker(url)) as other:
            assert worker.session.is_pooled
            assert other.session.pid != worker.session.pid
            assert worker.execute("SHOW statement_timeout").fetchone() == (WORKER_LIMITS["statement_timeout"],)
            assert worker.execute("SHOW search_path").fetchone() == ("public, pg_temp",)
        own_system.database_url = url
        try:
            own_system.start_api()
            own_system.start_workers(1)
            assert_works(own_system)
        finally:
            own_system.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_whose_sessions_are_shared_is_refused_in_words_and_never_answered_500(
    own_system: System, connection: psycopg.Connection[object], tmp_path: Path, mode: str
) -> None:
    direct = own_system.database_url
    world = World(direct, direct)
    [id] = world.new_wallets(0)
    world.submit(queued := deposit(id, 5))
    wallet = ids.text(Prefix.WALLET, id)
    with pgbouncer(direct, tmp_path / "pooler", mode) as url:
        own_system.database_url = url
        try:
            own_system.start_api()
            caller = own_system.caller()
            words = wait_for(lambda: refused(caller, "database_session"), "a readyz that says so")
            assert "pool_mode=session" in words
            posts = [flood.Post("/v1/deposits", {"wallet_id": wallet, "amount": 1}, new_key()) for _ in range(100)]
            answers = flood.send_all(own_system.url, posts)
            assert {status for status, _ in answers} <= {202, 503}
            worker = own_system.start("worker", "sweep")
            log = own_system.folder / f"worker-sweep-{own_system.processes.index(worker)}.log"
            wait_for(lambda: "pool_mode=session" in log.read_text(), "a worker that says so")
            assert worker.poll() is None
        finally:
            own_system.close()
    counted = connection.execute("SELECT count(*) FROM transfers WHERE status = 'rejected'").fetchone()
    assert counted == (0,), queued.id


def test_statements_of_two_connections_never_have_one_name(database_url: str) -> None:
    """Where a pooler lets them share a session, one meets an error then, and never runs the other's statement."""
    names = []
    for _ in range(2):
        with closing(connect_worker(database_url)) as opened:
            for _ in range(2):
                opened.execute("SELECT 1")
            names.append(opened.execute("SELECT name FROM pg_prepared_statements").fetchall())

    assert names[0]
    assert names[0] != names[1]
