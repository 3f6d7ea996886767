"""What the HTTP tests share beside the ground of all tests."""

import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
import pytest
import uvicorn

from api.app import create_app
from api.http.protocol import HttpProtocol
from core.settings import Settings
from local.redis import Redis
from tests.caller import OPERATOR_KEY, Caller
from tests.databases import Databases
from tests.system import STARTS_WITHIN_S, System
from tests.waiting import wait_for

NOWHERE = "redis://127.0.0.1:1/0"  # a port on which nothing listens

Count: TypeAlias = Callable[[], dict[str, int]]
AsClient: TypeAlias = Callable[[Mapping[str, Any]], Caller]
Serve: TypeAlias = Callable[..., Caller]


@pytest.fixture(scope="session")
def idle_system(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An API alone, without workers and without Redis: what it accepts stays queued."""
    system = System(tmp_path_factory.mktemp("idle"), databases.migrated(), NOWHERE)
    system.start_api()
    yield system
    system.close()


@pytest.fixture
def idle_caller(idle_system: System) -> Iterator[Caller]:
    """An operator's calls to the idle system."""
    caller = Caller(idle_system.url)
    yield caller
    caller.close()


@dataclass(frozen=True)
class Limits:
    """A whole system for bodies of any amounts: its external wallets may be at their limit, so that deposits are rejected there."""

    caller: Caller
    funded: str  # a wallet that got its money before


@pytest.fixture(scope="session")
def limits(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limits]:
    """A database and a Redis of its own: processes of two systems on one Redis would take each other's doorbells."""
    redis = Redis(tmp_path_factory.mktemp("limits-redis"))
    redis.start()
    system = System(tmp_path_factory.mktemp("limits"), databases.migrated(), redis.url)
    system.start_api()
    system.start_workers(1)
    system.start_sweeper()
    caller = system.caller()
    yield Limits(caller, caller.new_wallet(1_000_000))
    system.audit()
    system.close()
    redis.stop()


@pytest.fixture
def as_client(caller: Caller) -> Iterator[AsClient]:
    """Makes a key for a client of the shared system, and returns a caller with it."""
    made: list[Caller] = []

    def make(client: Mapping[str, Any]) -> Caller:
        answer = caller.request("POST", f"/v1/clients/{client['id']}/keys")
        assert answer.status == 201, answer
        made.append(Caller(caller.url, answer.body["key"]))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def count_stored(shared_database: psycopg.Connection[Any]) -> Count:
    """Counts what a request may have stored. The tests of one process run in turn, so no other test stores at the same time."""

    def count() -> dict[str, int]:
        row = shared_database.execute(
            "SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM clients), (SELECT count(*) FROM wallets),"
            " (SELECT count(*) FROM webhook_endpoints)"
        ).fetchone()
        assert row is not None
        return dict(zip(("transfers", "clients", "wallets", "endpoints"), row, strict=True))

    return count


def every_alteration_of(text: str) -> Iterator[str]:
    """Yield the text with each of its characters changed, into a likely and an unlikely other, or removed."""
    for at, character in enumerate(text):
        yield text[:at] + text[at + 1 :]
        yield text[:at] + chr(ord(character) ^ 1) + text[at + 1 :]
        yield text[:at] + ("0" if character != "0" else "1") + text[at + 1 :]


class HastyProtocol(HttpProtocol):
    """The API's own protocol with a limit for tests that wait for it."""

    look_every_s = 0.15


@contextmanager
def serving(settings: Mapping[str, str], protocol: type[HttpProtocol] = HttpProtocol) -> Iterator[uvicorn.Server]:
    """The real application with these settings, in a thread of this process. It starts in 0.4 s; a process takes 1.5 s and more.

    It is for tests that neither stop the API nor read its log. It counts into the metrics of this process.
    """
    application = create_app(Settings.model_validate({"TELLER_OPERATOR_KEY": OPERATOR_KEY, **settings}))
    server = uvicorn.Server(uvicorn.Config(application, port=0, http=protocol, ws="none", loop="uvloop", log_config=None))
    thresholds = gc.get_threshold()
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive(), "the API in this process to start", STARTS_WITHIN_S)
        assert server.started
        yield server
    finally:
        server.should_exit = True
        thread.join()
        gc.unfreeze()  # what the application froze at its start (api/app.py), and the thresholds that it set
        gc.set_threshold(*thresholds)


def url_of(server: uvicorn.Server) -> str:
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def serve_here(database_url: str) -> Iterator[Serve]:
    """Starts an API with these settings in this process, on the test's own database; returns an operator's calls to it.

    Without the setting REDIS_URL it has no Redis.
    """
    with ExitStack() as stack:

        def start(**settings: str) -> Caller:
            named = {"DATABASE_URL": database_url, "REDIS_URL": NOWHERE, **settings}
            return stack.enter_context(closing(Caller(url_of(stack.enter_context(serving(named))))))

        yield start


@pytest.fixture(scope="session")
def hasty_server(shared_system: System) -> Iterator[uvicorn.Server]:
    """The real application on the shared system's database, in this process, with little patience for its callers."""
    with serving({"DATABASE_URL": shared_system.database_url}, HastyProtocol) as server:
        yield server


@pytest.fixture
def hasty_url(hasty_server: uvicorn.Server) -> str:
    return url_of(hasty_server)
