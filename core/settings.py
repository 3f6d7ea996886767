"""The settings of every process: one frozen object, read once from the environment at the edge and passed down."""

from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.sharding import SHARDS_MAX

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class BadSettings(Exception):
    """Its message names every bad value at once and repeats none of them: they may be secret."""


def power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


def well_formed(url: str) -> str:
    """Refuse here what a client would refuse later, in words that repeat it."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must be a valid URL; percent-encode what is special in its password") from None
    return url


RedisUrl = Annotated[str, Field(alias="REDIS_URL", pattern=r"^(rediss?|unix)://"), AfterValidator(well_formed)]


class Settings(BaseSettings):
    """Each field is an environment variable of the name given with it; README.md's table is checked against this class."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    database_url: Annotated[str, Field(alias="DATABASE_URL", pattern=r"^postgres(ql)?://")]
    admin_database_url: Annotated[str | None, Field(alias="TELLER_ADMIN_DATABASE_URL", pattern=r"^postgres(ql)?://")] = None
    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    host: Annotated[str, Field(alias="TELLER_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(alias="TELLER_PORT", ge=1, le=65535)] = 8000
    api_processes: Annotated[int, Field(alias="TELLER_API_PROCESSES", ge=1, le=64)] = 1
    operator_key: Annotated[str | None, Field(alias="TELLER_OPERATOR_KEY", pattern=r"^[\x21-\x7e]{1,255}$")] = None
    shards: Annotated[int, Field(alias="TELLER_SHARDS", ge=1, le=SHARDS_MAX), AfterValidator(power_of_two)] = 16
    rate_limit: Annotated[float | None, Field(alias="TELLER_RATE_LIMIT", gt=0, le=1_000_000)] = None
    rate_burst: Annotated[int, Field(alias="TELLER_RATE_BURST", ge=1, le=1_000_000)] = 100
    backlog_max: Annotated[int, Field(alias="TELLER_BACKLOG_MAX", ge=1, le=10_000_000)] = 1_000_000
    client_backlog_max: Annotated[int, Field(alias="TELLER_CLIENT_BACKLOG_MAX", ge=1, le=10_000_000)] = 10_000
    webhooks_allow_private: Annotated[bool, Field(alias="TELLER_WEBHOOK_ALLOW_PRIVATE")] = False
    delivery_retention_days: Annotated[int, Field(alias="TELLER_DELIVERY_RETENTION_DAYS", ge=1, le=36_500)] = 30
    metrics_key: Annotated[str | None, Field(alias="TELLER_METRICS_KEY", pattern=r"^[\x21-\x7e]{1,255}$")] = None
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
