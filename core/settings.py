"""The settings of every process: one frozen object, read once from the environment at the edge and passed down."""

import re
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
    """Each field is an environment variable of the name given with it; README.md's table is checked against this class."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    database_url: Annotated[PostgresUrl, Field(alias="DATABASE_URL")]
    admin_database_url: Annotated[PostgresUrl | None, Field(alias="TELLER_ADMIN_DATABASE_URL")] = None
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
    metrics_key: Annotated[LongKey | None, Field(alias="TELLER_METRICS_KEY")] = None
    metrics_port: Annotated[int | None, Field(alias="TELLER_METRICS_PORT", ge=1, le=65535)] = None
    log_level: Annotated[str, Field(alias="TELLER_LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    heartbeat_file: Annotated[Path | None, Field(alias="TELLER_HEARTBEAT_FILE")] = None


def load() -> Settings:
    """Read the environment; exit with status 1 and every bad value named when there are any."""
    try:
        return read(Settings)
    except BadSettings as bad:
        raise SystemExit(f"teller: {bad}") from None


def read(model: type[AnySettings]) -> AnySettings:
    """Read the environment. Raises BadSettings."""
    try:
        return model.model_validate({})  # the environment is read beneath what is given here
    except ValidationError as error:
        lines = [f"  {problem['loc'][0]}: {problem['msg']}" for problem in error.errors(include_input=False)]
        raise BadSettings("\n".join(["these settings are not valid:", *lines])) from None
