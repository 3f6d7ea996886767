"""The roles in Postgres of the API, the workers and the deliverer: each owns nothing, and may do what admin/grant_rights.sql lists.

All of it is done by the owner of the tables, as which `migrate` connects; no other process knows that role.
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

CONNECT_TIMEOUT_S = 3

# For a sort or a hash that does not fit into memory. The workers' role has no limit: the audit connects as it and sorts the ledger.
TEMPORARY_FILES_MAX = "1GB"

# Those that docker-compose.yml comes with, so that it comes up without a file. They are public.
PUBLISHED_PASSWORDS = frozenset({"teller", "teller-api", "teller-worker", "teller-deliverer"})


class CannotLetIn(CannotDo):
    """Says what has to be done by a role that has more rights than the owner of the tables. Names no password."""


class Login(NamedTuple):
    """How a process gets into the database, and the setting that says so."""

    process: str
    setting: str
    url: str


def logins(settings: Settings) -> list[Login]:
    """The logins of the API, the workers and the deliverer, in this order."""
    return [
        Login("api", "DATABASE_URL", settings.database_url),
        login("worker", "TELLER_WORKER_DATABASE_URL", settings.worker_database_url, settings),
        login("deliverer", "TELLER_DELIVERER_DATABASE_URL", settings.deliverer_database_url, settings),
    ]


def login(process: str, setting: str, url: str | None, settings: Settings) -> Login:
    return Login(process, setting, url) if url else Login(process, "DATABASE_URL", settings.database_url)


def let_all_in(owner: psycopg.Connection, owner_url: str, wanted: Sequence[Login]) -> dict[str, str]:
    """Let each login in, and return the role of each process. A login that is the owner's own is taken as it is.

    Raises CannotLetIn.
    """
    refuse_two_passwords(wanted, owner_url)
    settings = {one.url: one.setting for one in wanted if one.url != owner_url}
    roles = {url: let_in(owner, setting, url) for url, setting in settings.items()}
    return {one.process: roles.get(one.url, owner.info.user) for one in wanted}


def warn_of_published_passwords(owner_url: str, wanted: Sequence[Login]) -> None:
    """Say on standard error which URLs have a password that stands in docker-compose.yml."""
    urls = {"TELLER_ADMIN_DATABASE_URL": owner_url, **{one.setting: one.url for one in wanted if one.url != owner_url}}
    settings = [setting for setting, url in urls.items() if conninfo_to_dict(url).get("password") in PUBLISHED_PASSWORDS]
    if settings:
        print(
            f"warning: published passwords: those of {', '.join(settings)} stand in docker-compose.yml, for all to read. Set your"
            " own, as .env.example says",
            file=sys.stderr,
        )


def refuse_two_passwords(wanted: Sequence[Login], owner_url: str) -> None:
    """A role has one password: each migration would change it to the other one, and lock one of the processes out."""
    known: dict[str, tuple[str, str | None]] = {}
    for one in wanted:
        if one.url == owner_url:
            continue
        role, password = credentials(one.setting, one.url)
        setting, before = known.setdefault(role, (one.setting, password))
        if password != before:
            raise CannotLetIn(f"{setting} and {one.setting} name the same role {role} with different passwords")


def roles_beside(owner_url: str, wanted: Sequence[Login]) -> set[str]:
    """Return the names of the roles that are not the owner's own login. Raises CannotLetIn."""
    return {credentials(one.setting, one.url)[0] for one in wanted if one.url != owner_url}


def let_in(owner: psycopg.Connection, setting: str, url: str) -> str:
    """Make the role that the URL names, unless it exists, give it the URL's password where it does not get in, and return its name.

    Whether the role gets in is tried before anything is changed. So an owner that may not make roles needs no right to, and two
    databases of one server can be migrated at once although roles belong to the server. Raises CannotLetIn.
    """
    role, password = credentials(setting, url)
    if owner.execute(statement("admin/find_role"), {"role": role}).fetchone() is None:
        create(owner, setting, role, password)
    if not gets_in(url):
        set_password(owner, setting, role, password)
    return role


def credentials(setting: str, url: str) -> tuple[str, str | None]:
    """The role that the URL names and its password, if it gives one."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise CannotLetIn(f"{setting} is not a valid connection string") from None
    if not given.get("user"):
        raise CannotLetIn(f"{setting} must name its role where TELLER_ADMIN_DATABASE_URL is set")
    password = given.get("password")
    return str(given["user"]), None if password is None else str(password)


def create(owner: psycopg.Connection, setting: str, role: str, password: str | None) -> None:
    try:
        with suppress(errors.DuplicateObject, errors.UniqueViolation):  # another database's migration made it first
            owner.execute(filled_in("admin/create_role", role=role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise CannotLetIn(
            f"there is no role {role}, and the owner of the tables may not make it; {advice('CREATE', setting, role)}"
        ) from None


def gets_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def set_password(owner: psycopg.Connection, setting: str, role: str, password: str | None) -> None:
    """Change the password of a role that could not get in, but never of one with the owner's own rights, or more."""
    refusal = f"{setting} does not let its role {role} in"
    row = owner.execute(statement("admin/find_role"), {"role": role}).fetchone()
    if row is None or row[0]:
        raise CannotLetIn(f"{refusal}, and migrate does not change the password of a role that may do what the owner may")
    if password is None:
        raise CannotLetIn(f"{refusal}, and gives it no password")
    try:
        owner.execute(filled_in("admin/set_password", role=role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise CannotLetIn(
            f"{refusal}, and the owner of the tables may not change its password; {advice('ALTER', setting, role)}"
        ) from None


def verifier(owner: psycopg.Connection, role: str, password: str | None) -> str | None:
    """What Postgres keeps of a password, made here: the password itself never is in a statement that the server may log."""
    return None if password is None else owner.pgconn.encrypt_password(password.encode(), role.encode()).decode()


def advice(verb: str, setting: str, role: str) -> str:
    command = f"{verb} ROLE {sql.Identifier(role).as_string()} LOGIN PASSWORD '…'"
    return f"run  {command}  with the password of {setting} as a role that may, and migrate again"


def grant(owner: psycopg.Connection, roles: Mapping[str, str]) -> None:
    """Let the roles of the processes do what admin/grant_rights.sql lists and nothing else, and every other role change nothing.

    Warns on standard error of what is not withheld, and why.
    """
    standings = {role: standing(owner, role) for role in dict.fromkeys(roles.values())}
    with owner.transaction():
        for role, (owns_tables, _) in standings.items():
            if not owns_tables:  # an owner that took its own rights away could not migrate again
                owner.execute(filled_in("admin/revoke_rights", role=role, database=owner.info.dbname))
        owner.execute(filled_in("admin/grant_rights", **roles, database=owner.info.dbname))
        strangers = revoke_strangers(owner, list(standings))
    bound_disk(owner, [role for role in standings if role != roles["worker"]])
    for line in (*warnings(roles, {role for role, (_, acts_as_owner) in standings.items() if acts_as_owner}), *strangers):
        print(f"warning: {line}", file=sys.stderr)


def standing(owner: psycopg.Connection, role: str) -> tuple[bool, bool]:
    """Whether the role owns the tables, and whether it can act as their owner."""
    row = owner.execute(statement("admin/compare_owner"), {"role": role}).fetchone()
    assert row is not None
    owns_tables, acts_as_owner = row
    return owns_tables, acts_as_owner


def revoke_strangers(owner: psycopg.Connection, roles: Sequence[str]) -> list[str]:
    """Take all rights from roles that no process has and that may change a table: such as one that an older version used."""
    strangers = [role for (role,) in owner.execute(statement("admin/list_strangers"), {"roles": roles})]
    for role in strangers:
        owner.execute(filled_in("admin/revoke_rights", role=role, database=owner.info.dbname))
    return [f"the role {role} could change the ledger and is named by no setting: its rights are taken back" for role in strangers]


def bound_disk(owner: psycopg.Connection, roles: Sequence[str]) -> None:
    """Take from PUBLIC the functions that fill the server's disk, and bound the temporary files of these roles' queries.

    Both take a superuser. Says on standard error when the owner is none and the functions stay open to all.
    """
    row = owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row is not None
    functions = [function for (function,) in owner.execute(statement("admin/list_open_functions"))]
    if row[0]:
        for function in functions:
            owner.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
        for role in roles:
            owner.execute(
                filled_in("admin/limit_temporary_files", role=role, database=owner.info.dbname, limit=TEMPORARY_FILES_MAX)
            )
    elif functions:
        print(
            f"note: {len(functions)} functions that fill the server's disk stay open to every role: a superuser alone may take them"
            " away, and the owner of the tables is none; docs/operating/rotate-secrets.md says how",
            file=sys.stderr,
        )


def warnings(roles: Mapping[str, str], mighty: set[str]) -> Iterator[str]:
    """What these roles leave unprotected."""
    for role in dict.fromkeys(roles.values()):
        if role in mighty:
            yield (
                f"the role {role} of {processes(roles, role)} may do all that the owner of the database or its tables may: only"
                " triggers keep entries as they are, and nothing keeps events, balances and keys. Give it a role of its own in its"
                " URL, and the owner's URL to migrate alone, in TELLER_ADMIN_DATABASE_URL"
            )
    for role in dict.fromkeys(roles.values()):
        if role not in mighty and list(roles.values()).count(role) > 1:
            yield (
                f"the role {role} is that of {processes(roles, role)}: each can do what all of them can, such as invent a"
                " transfer with its entries, which no audit finds. Give each a role of its own: TELLER_WORKER_DATABASE_URL,"
                " TELLER_DELIVERER_DATABASE_URL"
            )


def processes(roles: Mapping[str, str], role: str) -> str:
    names = [{"api": "the API", "worker": "the workers", "deliverer": "the deliverer"}[one] for one in roles if roles[one] == role]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def filled_in(name: str, *, password: str | None = None, limit: str = "", **names: str) -> sql.Composed:
    """The statement of that name with its {names}, {password} and {limit}: Postgres takes no parameters there."""
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    return sql.SQL(statement(name)).format(**identifiers, password=sql.Literal(password), limit=sql.Literal(limit))
