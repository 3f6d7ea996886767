"""What the integration tests share."""

import pytest
import structlog

from tests.world import World


@pytest.fixture(scope="session", autouse=True)
def _short_logs() -> None:
    """Without this, structlog draws the local variables of every traceback, which takes longer than the tests."""
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()])


@pytest.fixture
def world(database_url: str, owner_url: str) -> World:
    """A migrated database of the test's own, and what it takes to fill it."""
    return World(database_url, owner_url)
