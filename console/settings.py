"""The settings of the console. It gets no database and no Redis. docs/reference/settings.md lists them with all others."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import settings
from core.settings import CONSOLE, About, LongKey


def http_url(url: str) -> str:
    """Refuse what is no URL of an HTTP server. Return it without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL such as http://api:8000")
    return url.rstrip("/")


class Settings(BaseSettings):
    """Each field is an environment variable, named by its alias."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, use_attribute_docstrings=True)

    host: Annotated[str, Field(alias="TELLER_HOST"), About((CONSOLE,))] = "127.0.0.1"
    """The address that the console listens on."""
    port: Annotated[int, Field(alias="TELLER_CONSOLE_PORT", ge=1, le=65535), About((CONSOLE,))] = 8001
    """The console's port."""
    api_url: Annotated[str, Field(alias="TELLER_URL"), AfterValidator(http_url), About((CONSOLE,))] = "http://127.0.0.1:8000"
    """Where the console reaches the API; `make run` and containers set it themselves."""
    secret: Annotated[LongKey | None, Field(alias="TELLER_CONSOLE_SECRET"), About((CONSOLE,), "made anew at each start")] = None
    """What the console seals the cookies of logins with, of 32 to 255 visible ASCII characters. Without it, each restart logs all
    people out, and several consoles behind one address do not work.
    """
    name: Annotated[str, Field(alias="TELLER_CONSOLE_NAME", max_length=40), About((CONSOLE,), "none")] = ""
    """What the console shows beside its own name, such as `production`."""
    log_level: Annotated[str, Field(alias="TELLER_LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$"), About((CONSOLE,))] = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""


def load() -> Settings:
    """Read the environment. Exits with status 1, and names each invalid setting, when there are any."""
    try:
        return settings.read(Settings)
    except settings.BadSettings as bad:
        raise SystemExit(f"teller: {bad}") from None
