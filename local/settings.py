"""The settings of `make run`, read from the environment once; the programs that it runs; the environment that each is given.

docs/reference/settings.md lists the settings.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from core import running, settings
from local.process import MARK
from local.terminal import CannotRun

# Each worker holds one of the embedded PostgreSQL's 200 connections; the API takes up to 40 by default. Workers beyond the
# number of cores only wait for a core.
WORKERS_MAX = 64
RUN = "make run"
READ_BESIDE = "python -m core"

ROLES = {"api": "teller_api", "worker": "teller_worker", "deliverer": "teller_deliverer"}  # the owner is the embedded superuser
API_SECRETS = ("TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY")
CONSOLE = settings.CONSOLE


class Settings(settings.Settings):
    """The settings of all processes, checked here before anything starts, and those of `make run`.

    Without DATABASE_URL or REDIS_URL the embedded server is started.
    """

    database_url: Annotated[settings.PostgresUrl, Field(alias="DATABASE_URL", validate_default=False)] = ""
    redis_url: Annotated[settings.RedisUrl, Field(validate_default=False)] = ""
    workers: Annotated[int, Field(alias="TELLER_WORKERS", ge=1, le=WORKERS_MAX), settings.About((RUN,))] = 2
    """How many workers; containers: 1; `--scale worker=N` overrides it."""
    console_port: Annotated[int, Field(alias="TELLER_CONSOLE_PORT", ge=0, le=65535), settings.About((CONSOLE, RUN))] = 8001
    """The console's port; containers: the port of this host that it is published on; `make run`: 0 starts no console."""
    data_dir: Annotated[
        Path,
        Field(alias="TELLER_DATA_DIR", default_factory=running.data_dir),
        AfterValidator(Path.resolve),
        settings.About((RUN, READ_BESIDE), "`.teller` in the current folder"),
    ]
    """Where the embedded servers keep their data, and every process its log; of an installed `teller`, where the current folder
    has no `.teller`: `~/.local/share/teller`. `python -m core` finds the running system there.
    """


def load() -> Settings:
    """Read the environment. Raises CannotRun; its message names all bad values at once."""
    try:
        return settings.read(Settings)
    except settings.BadSettings as bad:
        raise CannotRun(str(bad)) from None


@dataclass(frozen=True)
class Program:
    """Its name in local.json and in the logs, the arguments after `python -m`, its role of ROLES, and how many of it run.

    The console has no role: it reaches no server but the API.

    The processes of a `scaled` program have a number in their title.
    """

    name: str
    argv: tuple[str, ...]
    role: str
    count: int = 1
    scaled: bool = False

    @property
    def has_metrics_port(self) -> bool:
        """Whether it serves metrics on a port of its own: the API serves its metrics on its own port, the console has none."""
        return self.name not in {"api", CONSOLE}

    def titles(self) -> list[str]:
        return [f"{self.name}-{number}" if self.scaled else self.name for number in range(1, self.count + 1)]


def programs(configured: Settings) -> list[Program]:
    """In the order of starting and of stopping: the API, which accepts work, is the first in both."""
    console = [Program(CONSOLE, ("console",), "")] if configured.console_port else []
    return [
        Program("api", ("api",), "api"),
        Program("apply", ("worker", "apply"), "worker", configured.workers, scaled=True),
        Program("sweep", ("worker", "sweep"), "worker"),
        Program("deliver", ("worker", "deliver"), "deliverer"),
        *console,
    ]


@dataclass(frozen=True)
class ServerUrls:
    """The URLs of PostgreSQL by role of ROLES, of its owner ("" where none is configured), and of Redis."""

    databases: Mapping[str, str]
    owner_database: str
    redis: str


def environment_of(program: Program, configured: Settings, urls: ServerUrls) -> dict[str, str]:
    """What a program is given. Its secrets: the database URL of its role, the Redis URL and, for the API alone, the API's keys.

    The console has only the secret of its cookies.
    """
    if program.name == CONSOLE:
        own = {"TELLER_CONSOLE_PORT": str(configured.console_port), "TELLER_URL": f"http://127.0.0.1:{configured.port}"}
        return {**common_environment(configured), **given("TELLER_CONSOLE_SECRET"), **own}
    return {
        **common_environment(configured),
        **(given(*API_SECRETS) if program.name == "api" else {}),
        "DATABASE_URL": urls.databases[program.role],
        "REDIS_URL": urls.redis,
    }


def environment_of_migration(configured: Settings, urls: ServerUrls) -> dict[str, str]:
    """What the migration is given: the URL of each role that it sets up, and that of the owner of the tables."""
    return {
        **common_environment(configured),
        **given("TELLER_OPERATOR_KEY"),  # without it the migration makes the first operator key
        "DATABASE_URL": urls.databases["api"],
        "TELLER_WORKER_DATABASE_URL": urls.databases["worker"],
        "TELLER_DELIVERER_DATABASE_URL": urls.databases["deliverer"],
        "TELLER_ADMIN_DATABASE_URL": urls.owner_database,
    }


def common_environment(configured: Settings) -> dict[str, str]:
    """What all of them are given. It holds no secret."""
    return {
        **settings.without_secrets(os.environ),
        "TELLER_HOST": "127.0.0.1",
        "TELLER_PORT": str(configured.port),
        MARK: str(configured.data_dir),
    }


def given(*names: str) -> dict[str, str]:
    """These settings as the environment of `make run` has them: the value, or the path of the file that holds it.

    The programs run in another folder: a relative path is made absolute.
    """
    values = {name: os.environ[name] for name in names if name in os.environ}
    files = {f"{name}_FILE": os.environ[f"{name}_FILE"] for name in names if f"{name}_FILE" in os.environ}
    return values | {name: file and str(Path(file).absolute()) for name, file in files.items()}
