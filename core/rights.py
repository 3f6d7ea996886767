"""The application's role in Postgres: it owns nothing, and may do what core/sql/grant_rights.sql lists.

Everything here is done by the owner of the tables, who migrates; the API and the workers never meet it.
"""

import sys
from contextlib import suppress

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from core import db

CONNECT_TIMEOUT_S = 3


class CannotLetIn(Exception):
    """Says what has to be done by somebody who has more rights than we have. Names no password."""


def let_in(owner: psycopg.Connection, url: str) -> str:
    """Make the role that the application's URL names, unless it is there, give it the URL's password, and return its name.

    Whether the role gets in is tried before anything is changed: where all is well, nothing has to be allowed to us, and two
    databases of one server can be migrated at once although roles belong to the server. Raises CannotLetIn.
    """
    role, password = credentials(url)
    if owner.execute(db.statement("find_role"), {"role": role}).fetchone() is None:
        create(owner, role, password)
    if not gets_in(url):
        set_password(owner, role, password)
    return role


def credentials(url: str) -> tuple[str, str | None]:
    """The role that the URL names and its password, if it gives one."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise CannotLetIn("DATABASE_URL is not a valid connection string") from None
    if not given.get("user"):
        raise CannotLetIn("DATABASE_URL must name its role where TELLER_ADMIN_DATABASE_URL is set")
    password = given.get("password")
    return str(given["user"]), None if password is None else str(password)


def create(owner: psycopg.Connection, role: str, password: str | None) -> None:
    try:
        with suppress(errors.DuplicateObject, errors.UniqueViolation):  # another database's migration was quicker
            owner.execute(filled_in("create_role", role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise CannotLetIn(f"there is no role {role}, and we may not make it; {advice('CREATE', role)}") from None


def gets_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def set_password(owner: psycopg.Connection, role: str, password: str | None) -> None:
    """Change the password of a role that could not get in, but never of one with the owner's own rights, or more."""
    refusal = f"DATABASE_URL does not let its role {role} in"
    row = owner.execute(db.statement("find_role"), {"role": role}).fetchone()
    if row is None or row[0]:
        raise CannotLetIn(f"{refusal}, and the password of a role that may do what the owner may is not ours to change")
    if password is None:
        raise CannotLetIn(f"{refusal}, and gives it no password")
    try:
        owner.execute(filled_in("set_password", role, password=verifier(owner, role, password)))
    except errors.InsufficientPrivilege:
        raise CannotLetIn(f"{refusal}, and we may not change its password; {advice('ALTER', role)}") from None


def verifier(owner: psycopg.Connection, role: str, password: str | None) -> str | None:
    """What Postgres keeps of a password, made here: the password itself never is in a statement that the server may log."""
    return None if password is None else owner.pgconn.encrypt_password(password.encode(), role.encode()).decode()


def advice(verb: str, role: str) -> str:
    command = f"{verb} ROLE {sql.Identifier(role).as_string()} LOGIN PASSWORD '…'"
    return f"let somebody who may run  {command}  with the password of DATABASE_URL, and migrate again"


def grant(owner: psycopg.Connection, role: str) -> None:
    """Let the role do what grant_rights.sql lists, and nothing else. Warn when nothing can be withheld from it."""
    row = owner.execute(db.statement("compare_owner"), {"role": role}).fetchone()
    assert row is not None
    owns_tables, acts_as_owner = row
    if not owns_tables:  # an owner that took its own rights away could not migrate again
        with owner.transaction():
            owner.execute(filled_in("grant_rights", role, database=owner.info.dbname))
    if acts_as_owner:
        print(
            f"warning: the application's role {role} may do all that the owner of the database or its tables may: only triggers"
            " keep entries as they are. Give it a role of its own in DATABASE_URL, the owner's in TELLER_ADMIN_DATABASE_URL",
            file=sys.stderr,
        )


def filled_in(name: str, role: str, *, password: str | None = None, database: str = "") -> sql.Composed:
    """The statement of that name with its {role}, {password} and {database}: Postgres takes no parameters there."""
    names = {"role": sql.Identifier(role), "database": sql.Identifier(database)}
    return sql.SQL(db.statement(name)).format(**names, password=sql.Literal(password))
