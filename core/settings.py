"""The settings of every process: one frozen object, read once from the environment at the edge and passed down."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import server_urls
from core.cores import default_api_processes
from core.sharding import SHARDS_MAX

KEY = re.compile(r"[\x21-\x7e]{32,255}")
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
# Settings with secret values. Each may be read from a file instead: the variable NAME_FILE holds the path of the file.
SECRETS = (
    *("DATABASE_URL", "TELLER_ADMIN_DATABASE_URL", "TELLER_WORKER_DATABASE_URL", "TELLER_DELIVERER_DATABASE_URL", "REDIS_URL"),
    *("TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY"),
)
SECRET_MAX_BYTES = 4096

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class BadSettings(Exception):
    """Its message names every bad value at once and repeats none of them: they may be secret."""


def power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


def redis_url(url: str) -> str:
    server_urls.parse_redis(url)
    return url


def postgres_url(url: str) -> str:
    """Refuse what Teller would read otherwise than it looks, and what libpq refuses (an option that it does not know)."""
    server_urls.check_postgres(url)
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError("has an option behind '?' that libpq does not know, or is no URL for it") from None
    return url


def long_key(key: str) -> str:
    """Refuse a key that can be guessed, or that no header can carry."""
    if not KEY.fullmatch(key):
        raise ValueError("must have 32 to 255 characters, each a visible one of ASCII: `openssl rand -hex 32` makes a good one")
    return key


def split_origins(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def are_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no browser sends as an Origin, and `*`: every site could then try keys and read answers through its visitors."""
    if not all(ORIGIN.fullmatch(value) for value in values):
        raise ValueError("must be origins such as https://app.example.com or http://localhost:3000, separated by commas; not *")
    return values


PostgresUrl = Annotated[str, AfterValidator(postgres_url)]
LongKey = Annotated[str, AfterValidator(long_key)]
RedisUrl = Annotated[str, Field(alias="REDIS_URL"), AfterValidator(redis_url)]


class Settings(BaseSettings):
    """Each field is an environment variable of the name given with it; docs/reference/settings.md is written from this class."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    database_url: Annotated[PostgresUrl, Field(alias="DATABASE_URL")]
    admin_database_url: Annotated[PostgresUrl | None, Field(alias="TELLER_ADMIN_DATABASE_URL")] = None
    worker_database_url: Annotated[PostgresUrl | None, Field(alias="TELLER_WORKER_DATABASE_URL")] = None
    deliverer_database_url: Annotated[PostgresUrl | None, Field(alias="TELLER_DELIVERER_DATABASE_URL")] = None
    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    host: Annotated[str, Field(alias="TELLER_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(alias="TELLER_PORT", ge=1, le=65535)] = 8000
    api_processes: Annotated[int, Field(alias="TELLER_API_PROCESSES", ge=1, le=64, default_factory=default_api_processes)]
    keep_alive_s: Annotated[int, Field(alias="TELLER_KEEP_ALIVE_S", ge=1, le=3600)] = 75
    connections_max: Annotated[int, Field(alias="TELLER_CONNECTIONS_MAX", ge=10, le=100_000)] = 4000
    operator_key: Annotated[LongKey | None, Field(alias="TELLER_OPERATOR_KEY")] = None
    shards: Annotated[int, Field(alias="TELLER_SHARDS", ge=1, le=SHARDS_MAX), AfterValidator(power_of_two)] = 16
    rate_limit: Annotated[float | None, Field(alias="TELLER_RATE_LIMIT", gt=0, le=1_000_000)] = None
    rate_burst: Annotated[int, Field(alias="TELLER_RATE_BURST", ge=1, le=1_000_000)] = 100
    backlog_max: Annotated[int, Field(alias="TELLER_BACKLOG_MAX", ge=1, le=10_000_000)] = 1_000_000
    client_backlog_max: Annotated[int, Field(alias="TELLER_CLIENT_BACKLOG_MAX", ge=1, le=10_000_000)] = 10_000
    webhooks_allow_private: Annotated[bool, Field(alias="TELLER_WEBHOOK_ALLOW_PRIVATE")] = False
    cors_origins: Annotated[
        tuple[str, ...], NoDecode, Field(alias="TELLER_CORS_ORIGINS"), BeforeValidator(split_origins), AfterValidator(are_origins)
    ] = ()
    delivery_retention_days: Annotated[int, Field(alias="TELLER_DELIVERY_RETENTION_DAYS", ge=1, le=36_500)] = 30
    metrics_key: Annotated[LongKey | None, Field(alias="TELLER_METRICS_KEY")] = None
    metrics_port: Annotated[int | None, Field(alias="TELLER_METRICS_PORT", ge=1, le=65535)] = None
    log_level: Annotated[str, Field(alias="TELLER_LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    heartbeat_file: Annotated[Path | None, Field(alias="TELLER_HEARTBEAT_FILE")] = None

    @property
    def url_of_workers(self) -> str:
        """The database for the workers and the audit, with the workers' role where they have one of their own."""
        return self.worker_database_url or self.database_url

    @property
    def url_of_deliverer(self) -> str:
        """The database for the deliverer, with its role where it has one of its own."""
        return self.deliverer_database_url or self.database_url


def load() -> Settings:
    """Read the environment; exit with status 1 and every bad value named when there are any."""
    try:
        return read(Settings)
    except BadSettings as bad:
        raise SystemExit(f"teller: {bad}") from None


def read(model: type[AnySettings]) -> AnySettings:
    """Read the environment, and the files that it names for secrets. Raises BadSettings."""
    contents, problems = read_files(os.environ)
    try:
        configured = model.model_validate(contents)  # the environment is read beneath what is given here
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            problems.setdefault(str(problem["loc"][0]), str(problem["msg"]))
    if problems:
        lines = [f"  {name}: {problem}" for name, problem in problems.items()]
        raise BadSettings("\n".join(["these settings are not valid:", *lines])) from None
    return configured


def read_files(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the secrets that stand in files, and by setting what is wrong with the others."""
    contents: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in SECRETS:
        if not (file := environment.get(f"{name}_FILE")):
            continue
        if environment.get(name):
            problems[name] = f"is set, and {name}_FILE too: one of them is meant"
            continue
        try:
            contents[name] = read_secret(Path(file))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            problems[name] = f"{name}_FILE names a file that cannot be used: {why}"
    return contents, problems


def read_secret(file: Path) -> str:
    """Return the one line of the file, without its end. Raises OSError, and ValueError without what the file holds."""
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as opened:  # a pipe would hold us up
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        content = opened.read(SECRET_MAX_BYTES + 1)
    if len(content) > SECRET_MAX_BYTES:
        raise ValueError(f"it holds more than {SECRET_MAX_BYTES} bytes")
    try:
        line = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not line.strip():
        raise ValueError("it is empty")
    if not line.isprintable():
        raise ValueError("it holds more than one line of printable characters")
    return line


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without secrets and without the names of their files."""
    hidden = {*SECRETS, *(f"{name}_FILE" for name in SECRETS)}
    return {name: value for name, value in environment.items() if name not in hidden}
