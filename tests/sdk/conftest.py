"""The drivers of all SDKs; tests that use `driver` run once with each."""

from collections.abc import Iterator

import pytest

from tests.sdk import typescript
from tests.sdk.drivers import COMMANDS, Driver
from tests.sdk.scripted import Scripted


@pytest.fixture(scope="session", params=list(COMMANDS))
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    if request.param == "typescript":
        typescript.build()
    driver = Driver(COMMANDS[request.param])
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def scripted() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server
