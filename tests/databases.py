"""Migrated databases, as many as tests want, on one server."""

import itertools
import os
import secrets
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from core.admin import rights
from core.admin.migrate import migrate
from core.settings import Settings
from tests.caller import OPERATOR_KEY

# The names and the password of this process: its servers may start on copies of one cluster (tests/cluster.py).
PREFIX = f"teller_{os.getpid()}_{secrets.token_hex(2)}"  # short: a test adds 40 characters, and a name has 63
APPLICATION = (f"{PREFIX}_application", secrets.token_urlsafe())
TEMPLATE = f"{PREFIX}_template"


class Databases:
    """Makes databases and roles on the server of this URL, whose role needs the rights for it; drop() drops all of them.

    The URLs that it returns have the application's role, with its usual rights; the server's role owns everything.
    """

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._numbers = itertools.count()
        self._made: list[str] = []
        self._released: list[str] = []
        self._roles: list[str] = [APPLICATION[0]]
        self._is_prepared = False
        self._has_role = False

    def empty(self) -> str:
        """Return the URL of a new, empty database."""
        return self._create("template0")

    def migrated(self) -> str:
        """Return the URL of a new, migrated database."""
        self.prepare()
        return self._create(TEMPLATE)

    def prepare(self) -> None:
        """Make the migrated database of which `migrated` returns copies, unless the cluster has it."""
        if not self._is_prepared and not self._has_template():
            url = self._create("template0", TEMPLATE)
            given = {"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": self.owner_url(url), "TELLER_OPERATOR_KEY": OPERATOR_KEY}
            migrate(Settings.model_validate(given))
        self._is_prepared = True

    def copy(self, url: str) -> str:
        """Return the URL of a copy of this database, to which nothing is connected; the rights to a database are not copied."""
        return self._create(urlsplit(url).path[1:])

    def release(self, url: str) -> None:
        """Drop this database when the next one is made: by then, what was connected to it has ended."""
        self._released.append(urlsplit(url).path[1:])

    def owner_url(self, url: str) -> str:
        """Return the URL of the same database for its owner."""
        return urlunsplit(urlsplit(self._admin_url)._replace(path=urlsplit(url).path))

    def new_role(self) -> str:
        """Return a name for a role. The role and what it owns in these databases are dropped at the end."""
        self._roles.append(f"{PREFIX}_role_{next(self._numbers)}")
        return self._roles[-1]

    def drop(self) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            self._released = [*self._made]
            self._drop_released(connection)
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.SQL(", ").join(map(sql.Identifier, self._roles))))

    def _has_template(self) -> bool:
        with psycopg.connect(self._admin_url) as connection:
            return bool(connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).rowcount)

    def _create(self, template: str, name: str | None = None) -> str:
        name = name or f"{PREFIX}_{next(self._numbers)}"
        url = with_role(urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}")), *APPLICATION)
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            # In memory FILE_COPY and the later DROP take 27 ms; with WAL_LOG, the default, they take 55 ms.
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            self._drop_released(connection)
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
            if not self._has_role:
                rights.ensure_role(connection, "DATABASE_URL", url)  # also into databases that were never migrated
                self._has_role = True
        self._made.append(name)
        return url

    def _drop_released(self, connection: psycopg.Connection[Any]) -> None:
        for name in self._released:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made = [name for name in self._made if name not in self._released]
        self._released = []


def with_role(url: str, role: str, password: str) -> str:
    """The same database, as another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{address}"))
