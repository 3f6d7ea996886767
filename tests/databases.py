"""Migrated databases, as many as tests want, on one server."""

import itertools
import os
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from core.migrate import migrate
from core.settings import Settings


class Databases:
    """Makes databases on the server of this URL, whose role must be allowed to; drop() takes them all away again."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._prefix = f"teller_test_{os.getpid()}"
        self._numbers = itertools.count()
        self._made: list[str] = []
        self._template: str | None = None

    def empty(self) -> str:
        """Return the URL of a new, empty database."""
        return self._create("template0")

    def migrated(self) -> str:
        """Return the URL of a new, migrated database."""
        if self._template is None:
            url = self.empty()
            migrate(Settings.model_validate({"DATABASE_URL": url, "TELLER_OPERATOR_KEY": "unused"}))
            self._template = urlsplit(url).path[1:]
        return self._create(self._template)

    def drop(self) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            for name in self._made:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, template: str) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}"))
