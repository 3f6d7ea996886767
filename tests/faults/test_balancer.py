"""The balancer of deploy/hosts: whatever is away behind it, callers get a problem document that says when to repeat."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.postgres import Postgres
from local.redis import Redis
from local.server import free_port
from tests import balancer, cluster
from tests.caller import Answer, Caller, new_key
from tests.databases import Databases
from tests.system import System
from tests.waiting import wait_for


@pytest.fixture
def postgres(tmp_path: Path, postgres_cluster: Path) -> Iterator[Postgres]:
    server = cluster.copy(postgres_cluster, tmp_path / "postgres")
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture
def system(tmp_path: Path, postgres: Postgres, module_redis: Redis) -> Iterator[System]:
    balancer.haproxy()
    folder = tmp_path / "system"
    folder.mkdir()
    system = System(folder, Databases(postgres.url("postgres")).migrated(), module_redis.url)
    system.start_api()
    system.start_sweeper()
    yield system
    system.close()


def is_unavailable(answer: Answer) -> bool:
    return answer.status in {502, 503} and answer.code == "unavailable" and int(answer.headers["retry-after"]) > 0


def is_of_the_api(answer: Answer) -> bool:
    """Only the API knows the id of a request."""
    return "request_id" in answer.body


@pytest.mark.long
def test_callers_get_a_problem_with_retry_after_while_the_database_is_away_and_while_every_api_is(
    tmp_path: Path, system: System, postgres: Postgres
) -> None:
    with balancer.before_apis(tmp_path, (system.port, free_port())) as url:
        caller = Caller(url)
        wait_for(lambda: caller.get("/readyz").status == 200, "a ready API behind the balancer")
        wallet, key = caller.new_wallet(), new_key()
        assert caller.get("/metrics").status == 403

        postgres.stop("immediate")
        for _ in range(5):  # before and after the balancer has noticed: each takes a second or more
            answer = caller.deposit(wallet, 5, key)
            assert is_unavailable(answer), answer
            assert is_of_the_api(answer), answer
        postgres.start()
        wait_for(lambda: caller.deposit(wallet, 5, key).status in {200, 202}, "the deposit to be accepted after the restart")

        [api, *_] = system.processes
        api.kill()
        api.wait()
        for _ in range(5):
            answer = caller.deposit(wallet, 5, new_key())
            assert is_unavailable(answer), answer
            assert not is_of_the_api(answer), answer
        caller.close()

    system.start_api()
    own = system.caller()
    wait_for(lambda: own.balance(wallet) == 5, "the deposit to be applied once")
    system.audit()
