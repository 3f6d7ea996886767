"""pgbench, the reference: the plain way to write transfers, a transaction each, without HTTP and without double entry."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.errors import CannotBench
from local.postgres import INSTALLED

PROGRAM = INSTALLED / "bin" / "pgbench"
CLIENTS = 16
THREADS = 2
SCALE = 16  # rows in its smallest table, of which each transaction updates one; its manual asks for at least as many as clients
DATABASE = f"teller_bench_pgbench_{os.getpid()}"

VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


@dataclass(frozen=True)
class Run:
    """`per_s` transactions a second, without the time of connecting; `latency_ms` is their mean duration."""

    per_s: float
    latency_ms: float


class Pgbench:
    """TPC-B-like, prepared statements, in its own database on the server of the measured system."""

    def __init__(self, server_url: str, seconds: int, warm_s: int) -> None:
        self._server_url = server_url
        self._seconds = seconds
        self._warm_s = warm_s
        self._made = ExitStack()
        self._environment: dict[str, str] = {}
        self.runs: list[Run] = []

    def run(self) -> Run:
        """Run once for the seconds given. The first call makes the database, which takes the right CREATEDB, and warms it up."""
        if not self._environment:
            self._prepare()
        run = self._run(self._seconds)
        self.runs.append(run)
        return run

    def close(self) -> None:
        self._made.close()

    def _prepare(self) -> None:
        url = self._made.enter_context(database(self._server_url, DATABASE))
        self._environment = {**os.environ, **libpq_environment(url)}
        self._call("--initialize", "--quiet", f"--scale={SCALE}")
        self._run(self._warm_s)

    def _run(self, seconds: int) -> Run:
        output = self._call("--protocol=prepared", f"--client={CLIENTS}", f"--jobs={THREADS}", f"--time={seconds}")
        if number(r"number of failed transactions: (\d+)", output):
            raise CannotBench(f"pgbench had failed transactions:\n{output}")
        return Run(number(r"tps = ([\d.]+)", output), number(r"latency average = ([\d.]+) ms", output))

    def _call(self, *options: str) -> str:
        command: Sequence[str] = [str(PROGRAM), *options]
        ended = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode != 0:
            raise CannotBench(f"pgbench failed:\n{ended.stdout}{ended.stderr}")
        return ended.stdout


@contextmanager
def database(server_url: str, name: str, template: str = "template1") -> Iterator[str]:
    """Make a database on the server of this URL, copied from the template, and yield its URL; drop it at the end."""
    identifier = sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, sql.Identifier(template)))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def libpq_environment(url: str) -> dict[str, str]:
    """The URL as libpq's variables: all users of the machine could read the password in a command line."""
    given = conninfo_to_dict(url)
    return {VARIABLES[name]: str(value) for name, value in given.items() if name in VARIABLES}


def number(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise CannotBench(f"pgbench printed something unexpected:\n{output}")
    return float(found[1])
