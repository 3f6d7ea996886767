"""The settings of every process: one frozen object, read from the environment at the start and passed as an argument."""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core import log, server_urls
from core.cores import default_api_processes
from core.ledger.sharding import SHARDS_MAX

KEY = re.compile(r"[\x21-\x7e]{32,255}")
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
# Settings with secret values. Each may be in a file instead: the variable NAME_FILE has the path of the file.
SECRETS = (
    *("DATABASE_URL", "TELLER_ADMIN_DATABASE_URL", "TELLER_WORKER_DATABASE_URL", "TELLER_DELIVERER_DATABASE_URL", "REDIS_URL"),
    *("TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY"),
)
ALL_SECRETS = (*SECRETS, "TELLER_CONSOLE_SECRET")  # also that of the console, whose settings are another class
SECRET_MAX_BYTES = 4096
NEAR = 0.8  # how alike two names are, of 1, for one to be taken for the other mistyped

logger = log.get(__name__)

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class BadSettings(Exception):
    """The message names all invalid settings at once, and repeats no value: it may be secret."""


def power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


def redis_url(url: str) -> str:
    """Refuse a URL that core/server_urls.py cannot read, or that is ambiguous."""
    server_urls.parse_redis(url)
    return url


def postgres_url(url: str) -> str:
    """Refuse an ambiguous URL (core/server_urls.py), and one that libpq refuses, for example for an unknown option."""
    server_urls.check_postgres(url)
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError("has an option behind '?' that libpq does not know, or is no URL for it") from None
    return url


def long_key(key: str) -> str:
    """Refuse a key that is short enough to be guessed, or that an HTTP header cannot contain."""
    if not KEY.fullmatch(key):
        raise ValueError("must have 32 to 255 characters, each a visible one of ASCII: `openssl rand -hex 32` makes a good one")
    return key


def split_origins(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def are_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no browser sends as an Origin, and `*`: scripts of any site could then try keys and read responses."""
    if not all(ORIGIN.fullmatch(value) for value in values):
        raise ValueError("must be origins such as https://app.example.com or http://localhost:3000, separated by commas; not *")
    return values


API, WORKER, SWEEPER, DELIVERER, MIGRATE, KEYS = "api", "worker", "sweeper", "deliverer", "migrate", "keys"
CONSOLE = "console"  # its own settings are in console/settings.py
READING = ("audit", "checkpoint", "reconcile")  # commands that write nothing, as the workers' role
APPLYING = (WORKER, SWEEPER)
WORKING = (*APPLYING, DELIVERER)
ALL = (API, *WORKING, MIGRATE, *READING, KEYS)


@dataclass(frozen=True, slots=True)
class About:
    """What docs/reference/settings.md states of a setting besides its docstring and its bounds."""

    read_by: Sequence[str]
    default: str = ""  # in words, where it is not a constant


PostgresUrl = Annotated[str, AfterValidator(postgres_url)]
LongKey = Annotated[str, AfterValidator(long_key)]
RedisUrl = Annotated[str, Field(alias="REDIS_URL"), AfterValidator(redis_url), About((API, *WORKING))]


class Settings(BaseSettings):
    """Each field is an environment variable, named by its alias. docs/reference/settings.md is generated from this class."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, use_attribute_docstrings=True)

    database_url: Annotated[PostgresUrl, Field(alias="DATABASE_URL"), About(ALL, "required")]
    """The PostgreSQL (16 or later) database in UTF8, as the role of the process that reads it (`migrate`: the API's);
    several hosts where there are standbys: `postgresql://…@one,two/teller`.
    """
    admin_database_url: Annotated[
        PostgresUrl | None, Field(alias="TELLER_ADMIN_DATABASE_URL"), About((MIGRATE, KEYS), "`DATABASE_URL`")
    ] = None
    """The same database, as the owner of the tables; only `migrate` and `keys` need it. `make test` uses its server too,
    and needs a superuser there.
    """
    worker_database_url: Annotated[
        PostgresUrl | None, Field(alias="TELLER_WORKER_DATABASE_URL"), About((*APPLYING, MIGRATE, *READING), "`DATABASE_URL`")
    ] = None
    """The same database, as the role of the workers and of the commands that only read: for `migrate`, and for them where
    they share an environment with the API.
    """
    deliverer_database_url: Annotated[
        PostgresUrl | None, Field(alias="TELLER_DELIVERER_DATABASE_URL"), About((DELIVERER, MIGRATE), "`DATABASE_URL`")
    ] = None
    """The same database, as the role of the deliverer: for `migrate`, and for the deliverer where it shares an environment
    with the API.
    """
    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    """The Redis (6.2 or later) or Valkey database, for this Teller only: `redis://`, `rediss://` (TLS), `unix://`, or by
    Sentinels `redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/NAME/DATABASE?sentinel_password=…`, `rediss+sentinel://`. No
    cluster. Special characters of a password are percent-encoded.
    """
    host: Annotated[str, Field(alias="TELLER_HOST"), About((API, *WORKING, CONSOLE))] = "127.0.0.1"
    """The address that the API, the console, or the metrics port of a worker, listens on."""
    port: Annotated[int, Field(alias="TELLER_PORT", ge=1, le=65535), About((API,))] = 8000
    """The API's port; containers: the port of this host that it is published on."""
    api_processes: Annotated[
        int,
        Field(alias="TELLER_API_PROCESSES", ge=1, le=64, default_factory=default_api_processes),
        About((API,), "one a core, 4 at most"),
    ]
    """Processes of one API; a core counts when the process may run on it and no control group (a container's CPU limit)
    excludes it.
    """
    keep_alive_s: Annotated[int, Field(alias="TELLER_KEEP_ALIVE_S", ge=1, le=3600), About((API,))] = 75
    """Seconds for which an idle connection to the API is kept, and announced by `Keep-Alive`; longer than the idle time of
    the proxy in front of it.
    """
    connections_max: Annotated[int, Field(alias="TELLER_CONNECTIONS_MAX", ge=10, le=100_000), About((API,))] = 4000
    """Connections to one API process, as far as its limit of open files allows; the one that is idle for longest is closed
    for a new one.
    """
    operator_key: Annotated[
        LongKey | None,
        Field(alias="TELLER_OPERATOR_KEY"),
        About((API, MIGRATE, KEYS), "`migrate` makes one key and prints it once"),
    ] = None
    """The operator's API key, of 32 to 255 visible ASCII characters (`openssl rand -hex 32`)."""
    shards: Annotated[int, Field(alias="TELLER_SHARDS", ge=1, le=SHARDS_MAX), AfterValidator(power_of_two), About((MIGRATE,))] = 16
    """Shards that wallets are spread over: a power of two, fixed by the first migration; `migrate` warns when it is ignored."""
    rate_limit: Annotated[float | None, Field(alias="TELLER_RATE_LIMIT", gt=0, le=1_000_000), About((API,), "no limit")] = None
    """Transfers of any type that a key may submit a second, in the long run; beyond it 429. A refused request and a cancellation
    count as one.
    """
    rate_burst: Annotated[int, Field(alias="TELLER_RATE_BURST", ge=1, le=1_000_000), About((API,))] = 100
    """Transfers of any type that a key may submit at once, where `TELLER_RATE_LIMIT` is set."""
    backlog_max: Annotated[int, Field(alias="TELLER_BACKLOG_MAX", ge=1, le=10_000_000), About((API,))] = 1_000_000
    """How many transfers may be queued; beyond it 503. A batch must fit as a whole. Each API process counts for itself once a
    second: with N of them up to N times as many.
    """
    client_backlog_max: Annotated[int, Field(alias="TELLER_CLIENT_BACKLOG_MAX", ge=1, le=10_000_000), About((API,))] = 10_000
    """How many transfers of one client may be queued, counted in the same way. A client that schedules a transfer, or holds
    money, may have no more than that in all: queued, scheduled, and open holds of its wallets.
    """
    webhooks_allow_private: Annotated[bool, Field(alias="TELLER_WEBHOOK_ALLOW_PRIVATE"), About((API, DELIVERER))] = False
    """Development: `true` lets webhooks go to http, any port and private addresses, with a warning."""
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(alias="TELLER_CORS_ORIGINS"),
        BeforeValidator(split_origins),
        AfterValidator(are_origins),
        About((API,), "none"),
    ] = ()
    """Origins of browser scripts that may call the API, separated by commas, such as `https://app.example.com`."""
    delivery_retention_days: Annotated[int, Field(alias="TELLER_DELIVERY_RETENTION_DAYS", ge=1, le=36_500), About((SWEEPER,))] = 30
    """For how many days deliveries and their attempts are kept after they have ended; transfers, entries and events are kept
    for ever.
    """
    metrics_key: Annotated[LongKey | None, Field(alias="TELLER_METRICS_KEY"), About((API,), "no key")] = None
    """The key that `/metrics` of the API requires, as a bearer token, of 32 to 255 visible ASCII characters; without it, every
    caller that reaches the API may read them.
    """
    metrics_port: Annotated[int | None, Field(alias="TELLER_METRICS_PORT", ge=1, le=65535), About(WORKING, "not served")] = None
    """The port on which a worker, sweeper or deliverer serves its metrics to every caller that reaches it; `make run`: that
    of the first one, the others take the next ones (default: free ports, which it prints); containers: 9464.
    """
    log_level: Annotated[str, Field(alias="TELLER_LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$"), About((*ALL, CONSOLE))] = (
        "INFO"
    )
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    heartbeat_file: Annotated[Path | None, Field(alias="TELLER_HEARTBEAT_FILE"), About(WORKING, "none")] = None
    """A file whose time a worker updates in each round, for health checks."""

    @property
    def url_of_workers(self) -> str:
        """The database URL of the workers and the audit: with the workers' role, if it is set."""
        return self.worker_database_url or self.database_url

    @property
    def url_of_deliverer(self) -> str:
        """The database URL of the deliverer: with the deliverer's role, if it is set."""
        return self.deliverer_database_url or self.database_url


# Variables that begin with TELLER_ and are no fields of Settings: of `make run`, the console, containers, tests and clients.
OTHERS = frozenset(
    {
        *("TELLER_WORKERS", "TELLER_DATA_DIR", "TELLER_LOCAL_CHILD_OF", "TELLER_BIND", "TELLER_API_MEMORY", "TELLER_FAILPOINTS"),
        *("TELLER_CONSOLE_PORT", "TELLER_CONSOLE_NAME", "TELLER_CONSOLE_SECRET"),
        *("TELLER_URL", "TELLER_KEY", "TELLER_PROFILE", "TELLER_WEBHOOK_SECRET", "TELLER_PYTHON"),
    }
)


def load() -> Settings:
    """Read the environment. Exits with status 1, and names each invalid setting, when there are any."""
    try:
        return read(Settings)
    except BadSettings as bad:
        raise SystemExit(f"teller: {bad}") from None


def known_names() -> frozenset[str]:
    """Return the names of all variables that a program of Teller reads."""
    aliases = {field.alias for field in Settings.model_fields.values() if field.alias}
    return OTHERS.union(aliases, (f"{name}_FILE" for name in ALL_SECRETS))


def unknown_names(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that begin with TELLER_ and that no program reads, each with the known name nearest to it, or None.

    The case of letters counts for nothing: neither does it for pydantic-settings.
    """
    known = known_names()
    strange = [name for name in environment if name.upper().startswith("TELLER_") and name.upper() not in known]
    return {name: next(iter(get_close_matches(name.upper(), known, n=1, cutoff=NEAR)), None) for name in sorted(strange)}


def unknown_lines(environment: Mapping[str, str]) -> list[str]:
    """Return a line for each unknown variable. It repeats no value."""
    return [
        f"{name} is not a setting of Teller, and nothing reads it" + (f"; did you mean {near}?" if near else "")
        for name, near in unknown_names(environment).items()
    ]


def warn_of_unknown() -> None:
    """Log a warning for each variable that begins with TELLER_ and that no program reads. The process goes on."""
    for name, near in unknown_names(os.environ).items():
        logger.warning("unknown setting", name=name, nearest=near)


def read(model: type[AnySettings], found: Mapping[str, str] | None = None) -> AnySettings:
    """Read the environment, and the files that it names for secrets. Raises BadSettings.

    `found` are settings that take precedence over the environment.
    """
    known = {field.alias for field in model.model_fields.values()}
    contents, problems = read_files(os.environ, [name for name in ALL_SECRETS if name in known])
    try:
        configured = model.model_validate({**contents, **(found or {})})  # they take precedence over the environment
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            problems.setdefault(str(problem["loc"][0]), str(problem["msg"]))
    if problems:
        lines = [f"  {name}: {problem}" for name, problem in problems.items()]
        raise BadSettings("\n".join(["these settings are not valid:", *lines])) from None
    return configured


def read_files(environment: Mapping[str, str], names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return those of these secrets that were read from files, and the problem of each that could not be."""
    contents: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in names:
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
    """Return the one line of the file, without its line end. Raises OSError, and ValueError without the content in its text."""
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as opened:  # opening a pipe would block
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
    hidden = {*ALL_SECRETS, *(f"{name}_FILE" for name in ALL_SECRETS)}
    return {name: value for name, value in environment.items() if name not in hidden}
