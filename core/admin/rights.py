"""The database roles of the API, the workers and the deliverer. None owns a table; each has the rights in admin/grant_rights.sql.

`migrate` does all of this as the owner of the tables. No other process connects as the owner.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from core.errors import CannotDo
from core.postgres.statements import statement
from core.settings import Settings

CONNECT_TIMEOUT_S = 3  # A guess. A server that answers the owner answers within milliseconds.

# Per session, for sorts and hashes that do not fit into memory. A guess: no statement of the API or the deliverer needs any. The
# workers' role has no limit, because the audit connects as it and sorts the whole ledger.
TEMPORARY_FILES_MAX = "1GB"

# The defaults in docker-compose.yml, with which it starts without an .env file. They are public.
PUBLISHED_PASSWORDS = frozenset({"teller", "teller-api", "teller-worker", "teller-deliverer"})


class SetupError(CannotDo):
    """A role cannot be set up. The text says which statement a role with more rights has to run. It contains no password."""


class Login(NamedTuple):
    """The URL by which a process connects, and the setting that holds it."""

    process: str
    setting: str
    url: str


def logins(settings: Settings) -> list[Login]:
    """Return the logins of the API, the workers and the deliverer, in this order."""
    return [
        Login("api", "DATABASE_URL", settings.database_url),
        login("worker", "TELLER_WORKER_DATABASE_URL", settings.worker_database_url, settings),
        login("deliverer", "TELLER_DELIVERER_DATABASE_URL", settings.deliverer_database_url, settings),
    ]


def login(process: str, setting: str, url: str | None, settings: Settings) -> Login:
    return Login(process, setting, url) if url else Login(process, "DATABASE_URL", settings.database_url)


def ensure_roles(owner: psycopg.Connection, owner_url: str, wanted: Sequence[Login]) -> dict[str, str]:
    """Make sure that each login can connect, and return the role of each process. A login with the owner's URL needs nothing.

    Raises SetupError.
    """
    refuse_two_passwords(wanted, owner_url)
    settings = {one.url: one.setting for one in wanted if one.url != owner_url}
    roles = {url: ensure_role(owner, setting, url) for url, setting in settings.items()}
    return {one.process: roles.get(one.url, owner.info.user) for one in wanted}


def warn_of_published_passwords(owner_url: str, wanted: Sequence[Login]) -> None:
    """Print a warning to standard error that names the URLs with a password from docker-compose.yml."""
    urls = {"TELLER_ADMIN_DATABASE_URL": owner_url, **{one.setting: one.url for one in wanted if one.url != owner_url}}
    settings = [setting for setting, url in urls.items() if conninfo_to_dict(url).get("password") in PUBLISHED_PASSWORDS]
    if settings:
        print(
            f"warning: published passwords: those of {', '.join(settings)} stand in docker-compose.yml, which is public. Set your"
            " own, as .env.example says",
            file=sys.stderr,
        )


def refuse_two_passwords(wanted: Sequence[Login], owner_url: str) -> None:
    """Raise SetupError where two settings give one role two passwords.

    A role has one password. Each migration would change it to the other one, and one of the processes could not connect.
    """
    first: dict[str, tuple[str, str | None]] = {}
    for one in wanted:
        if one.url == owner_url:
            continue
        role, password = credentials(one.setting, one.url)
        first_setting, first_password = first.setdefault(role, (one.setting, password))
        if password != first_password:
            raise SetupError(f"{first_setting} and {one.setting} name the same role {role} with different passwords")


def roles_beside(owner_url: str, wanted: Sequence[Login]) -> set[str]:
    """Return the roles of all logins whose URL is not the owner's. Raises SetupError."""
    return {credentials(one.setting, one.url)[0] for one in wanted if one.url != owner_url}


def ensure_role(owner: psycopg.Connection, setting: str, url: str) -> str:
    """Return the role that the URL names, after making sure that it can connect. Raises SetupError.

    Creates the role where it is missing, and sets the URL's password where connecting with it fails. Connecting comes first: where
    it works, the owner needs no right to create or alter roles, and two databases of one server can be migrated at once although
    they share their roles.
    """
    role, password = credentials(setting, url)
    if owner.execute(statement("admin/find_role"), {"role": role}).fetchone() is None:
        create(owner, setting, role, password)
    if not can_connect(url):
        set_password(owner, setting, role, password)
    return role


def credentials(setting: str, url: str) -> tuple[str, str | None]:
    """Return the role and the password in the URL. The password may be missing, the role may not: SetupError."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise SetupError(f"{setting} is not a valid connection string") from None
    if not given.get("user"):
        raise SetupError(f"{setting} must name its role where TELLER_ADMIN_DATABASE_URL is set")
    password = given.get("password")
    return str(given["user"]), None if password is None else str(password)


def create(owner: psycopg.Connection, setting: str, role: str, password: str | None) -> None:
    try:
        with suppress(errors.DuplicateObject, errors.UniqueViolation):  # another database's migration made it first
            owner.execute(compose("admin/create_role", role=role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise SetupError(
            f"there is no role {role}, and the owner of the tables may not make it; {advice('CREATE', setting, role)}"
        ) from None


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def set_password(owner: psycopg.Connection, setting: str, role: str, password: str | None) -> None:
    """Set the password of a role that could not connect.

    Raises SetupError for a role with all rights of the owner, or more: a typing error in a URL must not lock out a superuser.
    """
    failure = f"{setting} does not let its role {role} in"
    row = owner.execute(statement("admin/find_role"), {"role": role}).fetchone()
    if row is None or row[0]:
        raise SetupError(f"{failure}, and migrate does not change the password of a role that may do what the owner may")
    if password is None:
        raise SetupError(f"{failure}, and gives it no password")
    try:
        owner.execute(compose("admin/set_password", role=role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise SetupError(
            f"{failure}, and the owner of the tables may not change its password; {advice('ALTER', setting, role)}"
        ) from None


def verifier(owner: psycopg.Connection, role: str, password: str | None) -> str | None:
    """Return the SCRAM verifier that Postgres stores. No statement contains the password, because the server may log statements."""
    return None if password is None else owner.pgconn.encrypt_password(password.encode(), role.encode()).decode()


def advice(verb: str, setting: str, role: str) -> str:
    command = f"{verb} ROLE {sql.Identifier(role).as_string()} LOGIN PASSWORD '…'"
    return f"run  {command}  with the password of {setting} as a role that may, and migrate again"


def grant(owner: psycopg.Connection, roles: Mapping[str, str]) -> None:
    """Give the processes' roles the rights in admin/grant_rights.sql and no others, and take all rights to write from other roles.

    Prints to standard error which rights could not be taken away, and why.
    """
    ownerships = {role: ownership(owner, role) for role in dict.fromkeys(roles.values())}
    with owner.transaction():
        for role, owned in ownerships.items():
            if not owned.owns_tables:  # without its rights, an owner could not migrate again
                owner.execute(compose("admin/revoke_rights", role=role, database=owner.info.dbname))
        owner.execute(compose("admin/grant_rights", **roles, database=owner.info.dbname))
        revoked = revoke_other_roles(owner, list(ownerships))
    limit_disk_use(owner, [role for role in ownerships if role != roles["worker"]])
    owner_like = {role for role, owned in ownerships.items() if owned.acts_as_owner}
    for line in (*unprotected(roles, owner_like), *revoked):
        print(f"warning: {line}", file=sys.stderr)


class Ownership(NamedTuple):
    """`acts_as_owner`: the role owns the tables, their schema or the database, or is a member of the owner, or a superuser."""

    owns_tables: bool
    acts_as_owner: bool


def ownership(owner: psycopg.Connection, role: str) -> Ownership:
    row = owner.execute(statement("admin/compare_owner"), {"role": role}).fetchone()
    assert row is not None
    owns_tables, acts_as_owner = row
    return Ownership(owns_tables, acts_as_owner)


def revoke_other_roles(owner: psycopg.Connection, roles: Sequence[str]) -> list[str]:
    """Take all rights from roles that may write to a table and that no process uses, such as a role of an older version."""
    others = [role for (role,) in owner.execute(statement("admin/list_strangers"), {"roles": roles})]
    for role in others:
        owner.execute(compose("admin/revoke_rights", role=role, database=owner.info.dbname))
    return [f"the role {role} could change the ledger and is named by no setting: its rights are taken back" for role in others]


def limit_disk_use(owner: psycopg.Connection, roles: Sequence[str]) -> None:
    """Revoke from PUBLIC the functions that fill the server's disk, and limit the temporary files of these roles' sessions.

    Both need a superuser. Prints a note to standard error where the owner is none and the functions stay open to all roles.
    """
    row = owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row is not None
    functions = [function for (function,) in owner.execute(statement("admin/list_open_functions"))]
    if row[0]:
        for function in functions:
            owner.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
        for role in roles:
            owner.execute(compose("admin/limit_temporary_files", role=role, database=owner.info.dbname, limit=TEMPORARY_FILES_MAX))
    elif functions:
        print(
            f"note: {len(functions)} functions that fill the server's disk stay open to every role: only a superuser may revoke"
            " them, and the owner of the tables is none; docs/operating/rotate-secrets.md says how",
            file=sys.stderr,
        )


def unprotected(roles: Mapping[str, str], owner_like: set[str]) -> Iterator[str]:
    """Yield a line for each role with more rights than its process needs."""
    for role in dict.fromkeys(roles.values()):
        if role in owner_like:
            yield (
                f"the role {role} of {processes(roles, role)} may do all that the owner of the database or its tables may: only"
                " triggers protect entries, and nothing protects events, balances and keys. Give it a role of its own in its"
                " URL, and the owner's URL to migrate alone, in TELLER_ADMIN_DATABASE_URL"
            )
    for role in dict.fromkeys(roles.values()):
        if role not in owner_like and list(roles.values()).count(role) > 1:
            yield (
                f"the role {role} is that of {processes(roles, role)}: each of them has the rights of all, and can for example"
                " invent a transfer with its entries, which no audit finds. Give each a role of its own:"
                " TELLER_WORKER_DATABASE_URL, TELLER_DELIVERER_DATABASE_URL"
            )


def processes(roles: Mapping[str, str], role: str) -> str:
    """Return which processes connect as this role, in words. `roles` has the role of each process."""
    names = [{"api": "the API", "worker": "the workers", "deliverer": "the deliverer"}[one] for one in roles if roles[one] == role]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def compose(name: str, *, password: str | None = None, limit: str = "", **names: str) -> sql.Composed:
    """Return the statement of that name with its {names}, {password} and {limit}: Postgres takes no parameters in these places."""
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    return sql.SQL(statement(name)).format(**identifiers, password=sql.Literal(password), limit=sql.Literal(limit))
