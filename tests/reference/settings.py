"""docs/reference/settings.md, from the settings in core, console and local, and from docker-compose.yml."""

import re
from collections.abc import Iterator

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from console.settings import Settings as ConsoleSettings
from core.settings import ALL_SECRETS, SECRET_MAX_BYTES, About, Settings
from local.settings import Settings as LocalSettings
from tests.reference.markdown import code, document, table, wrapped
from tests.system import ROOT

ABOUT = (
    "Environment variables, or `.env` for containers (see `.env.example`). Each is read once, at the start; an empty"
    " one counts as unset. Where some are not valid, the process names all of them, repeats no value, and ends with"
    " status 1 (`python -m core`: 2)."
)
FILES = (
    "Each secret may stand in a file instead: the variable `NAME_FILE` holds its path, as in"
    " `TELLER_OPERATOR_KEY_FILE=/run/secrets/operator-key`. The file is regular and holds one line of at most"
    f" {SECRET_MAX_BYTES} bytes. A variable and its file at once are refused."
)
EMBEDDED = "`make run` starts a server of its own where `DATABASE_URL` or `REDIS_URL` is not set; containers bring both."

# What docker-compose.yml reads by itself. No process of Teller knows them.
CONTAINERS = {
    "TELLER_BIND": "The address of this host that the API is published on.",
    "TELLER_API_MEMORY": (
        "What an API container may take; 85 MiB for each of its processes and for the parent of several, and some to spare."
    ),
    "POSTGRES_PASSWORD": "The password of the owner of the tables; set before the first start.",
    "POSTGRES_API_PASSWORD": "The password of the API's role; each start sets it.",
    "POSTGRES_WORKER_PASSWORD": "The password of the workers' role; each start sets it.",
    "POSTGRES_DELIVERER_PASSWORD": "The password of the deliverer's role; each start sets it.",
    "REDIS_PASSWORD": "The password of Redis.",
}


def page() -> str:
    return document(
        "Settings",
        ABOUT,
        table(("variable", "default", "bounds", "read by", "meaning"), [row(field) for field in fields().values()]),
        EMBEDDED,
        "## Secrets in files",
        wrapped(FILES),
        table(("variable", "variable for a file"), [(code(name), code(f"{name}_FILE")) for name in ALL_SECRETS]),
        "## Containers",
        "What `docker-compose.yml` reads besides, from the environment or `.env`:",
        table(("variable", "default", "meaning"), containers()),
    )


def fields() -> dict[str | None, FieldInfo]:
    """Return the settings by their variables. One that several classes define is described by the last of these."""
    models = (ConsoleSettings, LocalSettings, Settings)
    return {field.alias: field for model in models for field in model.model_fields.values()}


def row(field: FieldInfo) -> tuple[str, ...]:
    about = about_of(field)
    return code(field.alias), about.default or code(field.default), bounds(field), ", ".join(about.read_by), field.description or ""


def about_of(field: FieldInfo) -> About:
    [about] = [one for one in field.metadata if isinstance(one, About)]
    return about


def bounds(field: FieldInfo) -> str:
    words = {Ge: "at least {}", Gt: "more than {}", Le: "at most {}"}
    found = {type(one): value(one) for one in field.metadata if isinstance(one, Ge | Gt | Le)}
    return ", ".join(words[kind].format(found[kind]) for kind in words if kind in found)


def value(bound: Ge | Gt | Le) -> object:
    return bound.ge if isinstance(bound, Ge) else bound.gt if isinstance(bound, Gt) else bound.le


def containers() -> Iterator[tuple[str, str, str]]:
    defaults = compose_defaults()
    for name, meaning in CONTAINERS.items():
        yield code(name), code(defaults[name]), meaning


def compose_defaults() -> dict[str, str]:
    """Return the default of each variable that docker-compose.yml reads."""
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
