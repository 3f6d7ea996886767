"""A Redis for all tests of a file. Systems that share one would take each other's doorbells."""

from collections.abc import Iterator

import pytest

from local.redis import Redis


@pytest.fixture(scope="module")
def module_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis that the tests of this file may empty, freeze or kill in turn; each puts it in order again."""
    server = Redis(tmp_path_factory.mktemp("redis") / "redis")
    server.start()
    yield server
    server.stop()
