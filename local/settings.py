"""The settings of `make run`: one frozen object, read from the environment once. docs/reference/settings.md lists them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from core import settings
from local.errors import CannotRun

# Each holds one of the embedded PostgreSQL's 200 connections; the API takes up to 40 by default. Past the cores they only queue.
WORKERS_MAX = 64


class Settings(settings.Settings):
    """Those of every process, checked here before anything starts, and our own. Without a URL we bring a server of our own."""

    database_url: Annotated[settings.PostgresUrl, Field(alias="DATABASE_URL", validate_default=False)] = ""
    redis_url: Annotated[settings.RedisUrl, Field(validate_default=False)] = ""
    workers: Annotated[int, Field(alias="TELLER_WORKERS", ge=1, le=WORKERS_MAX)] = 2
    data_dir: Annotated[Path, Field(alias="TELLER_DATA_DIR", validate_default=True), AfterValidator(Path.resolve)] = Path(".teller")


def load() -> Settings:
    """Read the environment. Raises CannotRun with every bad value named at once."""
    try:
        return settings.read(Settings)
    except settings.BadSettings as bad:
        raise CannotRun(str(bad)) from None
