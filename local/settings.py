"""The settings of `make run`: one frozen object, read from the environment once. README.md lists them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from local.errors import CannotRun

WORKERS_MAX = 64  # each holds a few of the embedded PostgreSQL's 100 connections; past the cores they only queue


class Settings(BaseSettings):
    """What is not here (log level, webhooks, …) goes to the processes through the environment as it is."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    port: Annotated[int, Field(alias="TELLER_PORT", ge=1, le=65535)] = 8000
    operator_key: Annotated[SecretStr | None, Field(alias="TELLER_OPERATOR_KEY")] = None
    workers: Annotated[int, Field(alias="TELLER_WORKERS", ge=1, le=WORKERS_MAX)] = 2
    data_dir: Annotated[Path, Field(alias="TELLER_DATA_DIR", validate_default=True), AfterValidator(Path.resolve)] = Path(".teller")
    database_url: Annotated[str | None, Field(alias="DATABASE_URL", pattern=r"^postgres(ql)?://")] = None
    redis_url: Annotated[str | None, Field(alias="REDIS_URL", pattern=r"^(rediss?|unix)://")] = None


def load() -> Settings:
    """Read the environment. Raises CannotRun with every bad value named at once, none of them repeated: they may be secret."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  {problem['loc'][0]}: {problem['msg']}" for problem in error.errors(include_input=False)]
        raise CannotRun("\n".join(["these settings are not valid:", *lines])) from None
