"""Start everything in order, start again whatever dies, stop everything in an order that loses nothing."""

import os
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from itertools import count, repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

from core.settings import without_secrets
from local import state
from local.errors import CannotRun, Stopped
from local.kept import Kept
from local.logs import tail
from local.orphans import stop_leftovers
from local.postgres import Postgres
from local.process import MARK, Child, run_to_end
from local.programs import Program, programs
from local.redis import Redis
from local.server import Server, ServerFailed
from local.settings import Settings
from local.terminal import StopSignals, say, step

WATCH_EVERY_S = 0.2
READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
MIGRATE_TIMEOUT_S = 600.0  # a migration of a large database may take its time; Ctrl-C ends it

DATABASE = "teller"
ROLES = {"api": "teller_api", "worker": "teller_worker", "deliverer": "teller_deliverer"}  # the owner is the embedded superuser
ROLE_OF = {"api": "api", "apply": "worker", "sweep": "worker", "deliver": "deliverer"}  # by program
API_SECRETS = ("TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY")
OPERATOR_KEY_LINE = "operator key: "  # what `python -m core migrate` prints when it made the first one
WARNING_LINE = "warning: "  # what it says on standard error, beside logs


class Supervisor:
    """Runs the whole system in the foreground. The caller holds the data directory's lock."""

    def __init__(self, settings: Settings, signals: StopSignals) -> None:
        self.settings = settings
        self.signals = signals
        self.data_dir = settings.data_dir
        self.api_url = f"http://127.0.0.1:{settings.port}"
        self.postgres = None if settings.database_url else Postgres(self.data_dir / "postgres")
        self.redis = None if settings.redis_url else Redis(self.data_dir / "redis")
        self.children: dict[str, list[Child]] = {}
        self.kept: list[Kept] = []
        self.operator_key: str | None = None  # the first one, from when it is made until it is shown

    def run(self) -> None:
        """Start, watch until a signal, stop. Raises CannotRun when it does not get as far as ready; nothing is left then either."""
        try:
            self.start()
            self.watch()
        except Stopped:
            pass
        finally:
            self.stop()

    def start(self) -> None:
        say(f"data and logs are in {self.data_dir}")
        (self.data_dir / "logs").mkdir(exist_ok=True)
        self.start_servers()
        self.migrate()
        self.start_children()
        self.write_state()
        self.wait_until_ready()
        self.announce()

    def watch(self) -> None:
        while not self.signals.received:
            changes = [kept.mind() for kept in self.kept]
            if any(changes):
                self.write_state()
            time.sleep(WATCH_EVERY_S)

    def stop(self) -> None:
        """Who takes work in stops first, who keeps the data last. Also right after half a start."""
        self.signals.ignore()
        self.say_operator_key()
        say("stopping")
        for name in self.children:
            self.stop_children(name)
        for server in (self.redis, self.postgres):
            if server:
                server.stop()
        # A signal may come between the birth of a process and its entry in our books.
        stop_leftovers(self.data_dir, say)
        state.remove(self.data_dir)
        say(f"stopped; the data stays in {self.data_dir}")

    def start_servers(self) -> None:
        if not self.postgres:
            say("using DATABASE_URL (no embedded PostgreSQL)")
        if not self.redis:
            say("using REDIS_URL (no embedded Redis)")
        for server in (self.postgres, self.redis):
            if server:
                self.start_server(server)
        if self.postgres:
            self.postgres.create_database(DATABASE)

    def start_server(self, server: Server) -> None:
        with step(server.title):
            try:
                server.start()
            except (ServerFailed, OSError) as error:
                raise CannotRun(str(error)) from error
        self.kept.append(Kept(server))

    def migrate(self) -> None:
        """Bring the schema up to date. A stop meanwhile loses no key: the database has it before anybody has seen it."""
        log_file = self.log_file("migrate")
        log_file.touch()
        log_start = log_file.stat().st_size
        with step("schema"), TemporaryFile("w+") as output:
            try:
                run_to_end(("core", "migrate"), self.owner_environment(), output, log_file, MIGRATE_TIMEOUT_S)
            except subprocess.SubprocessError as error:
                raise CannotRun(f"the migration failed; its log is {log_file}:\n{tail(log_file, log_start)}") from error
            finally:
                output.seek(0)
                self.operator_key = next(lines_after(OPERATOR_KEY_LINE, output), None)
        with log_file.open() as log:
            log.seek(log_start)
            for warning in lines_after(WARNING_LINE, log):
                say(f"{WARNING_LINE}{warning}")

    def start_children(self) -> None:
        ports = self.metrics_ports()
        for program in programs(self.settings):
            self.children[program.name] = [self.child(program, title, ports) for title in program.titles()]
            for child in self.children[program.name]:
                child.start()
                self.kept.append(Kept(child))

    def child(self, program: Program, title: str, metrics_ports: Iterator[str]) -> Child:
        port = "" if program.name == "api" else next(metrics_ports)
        return Child(title, program.argv, {**self.environment(program.name), "TELLER_METRICS_PORT": port}, self.log_file(title))

    def metrics_ports(self) -> Iterator[str]:
        """One for each process that has no other port, the next ones after the configured one; none when there is none."""
        first = self.settings.metrics_port
        return map(str, count(first)) if first else repeat("")

    def stop_children(self, name: str) -> None:
        for child in self.children[name]:
            child.ask_to_stop()
        for child in self.children[name]:
            child.stop()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        (api,) = self.children["api"]
        with step("API"):
            while not self.ready():
                if not api.running or time.monotonic() > deadline:
                    raise CannotRun(
                        f"the API did not become ready; its log is {api.log_file}:\n{tail(api.log_file, api.log_start)}"
                    )
                time.sleep(READY_POLL_S)

    def ready(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.settings.port, timeout=READY_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def announce(self) -> None:
        running = ", ".join(f"{len(children)} {name}" for name, children in self.children.items() if children)
        say(f"\nready  {self.api_url}  docs {self.api_url}/docs  running {running}\n")
        say("Make a client with its wallet:")
        say(f"  curl -sS {self.api_url}/v1/clients -H 'Content-Type: application/json' -d '{{\"name\": \"Ada\"}}' \\")
        say(f'    -H "Authorization: Bearer {self.key_to_show()}"\n')
        if not (self.operator_key or self.settings.operator_key):
            say("Lost the key? Start once more with TELLER_OPERATOR_KEY=<32 characters or more>: a configured key is never stored,")
            say("and starting without it revokes it.\n")
        self.say_operator_key()
        say("Ctrl-C stops everything.")

    def key_to_show(self) -> str:
        """What the example calls with: a configured key is not repeated, one that we never saw cannot be."""
        return self.operator_key or ("$TELLER_OPERATOR_KEY" if self.settings.operator_key else "<your operator key>")

    def say_operator_key(self) -> None:
        """Once, and also when the start ends early: the key is kept nowhere."""
        if self.operator_key:
            say(f"{OPERATOR_KEY_LINE}{self.operator_key} (made just now; store it, it is never shown again)\n")
            self.operator_key = None

    def environment(self, program: str) -> dict[str, str]:
        """What a program is given: of all secrets the URL of its own role, of Redis and, for the API, the keys that open it."""
        return {
            **self.common_environment(),
            **(self.given(*API_SECRETS) if program == "api" else {}),
            "DATABASE_URL": self.database_url(ROLE_OF[program]),
            "REDIS_URL": self.redis_url(),
        }

    def owner_environment(self) -> dict[str, str]:
        """What the migration is given: all roles that it lets in, and how to become the owner of the tables."""
        return {
            **self.common_environment(),
            **self.given("TELLER_OPERATOR_KEY"),  # whether to make a first one
            "DATABASE_URL": self.database_url("api"),
            "TELLER_WORKER_DATABASE_URL": self.database_url("worker"),
            "TELLER_DELIVERER_DATABASE_URL": self.database_url("deliverer"),
            "TELLER_ADMIN_DATABASE_URL": self.postgres.url(DATABASE) if self.postgres else self.settings.admin_database_url or "",
        }

    def common_environment(self) -> dict[str, str]:
        """Nothing in it is secret."""
        return {
            **without_secrets(os.environ),
            "TELLER_HOST": "127.0.0.1",
            "TELLER_PORT": str(self.settings.port),
            MARK: str(self.data_dir),
        }

    def given(self, *names: str) -> dict[str, str]:
        """These settings as our own environment gives them: by value, or by the file that holds it."""
        variables = [variable for name in names for variable in (name, f"{name}_FILE")]
        return {variable: os.environ[variable] for variable in variables if variable in os.environ}

    def database_url(self, process: str) -> str:
        if self.postgres:
            return self.postgres.url(DATABASE, ROLES[process])
        urls = {"worker": self.settings.worker_database_url, "deliverer": self.settings.deliverer_database_url}
        return urls.get(process) or self.settings.database_url

    def admin_database_url(self) -> str:
        """The owner's; the API's where no other is configured."""
        return self.owner_environment()["TELLER_ADMIN_DATABASE_URL"] or self.database_url("api")

    def redis_url(self) -> str:
        return self.redis.url if self.redis else self.settings.redis_url

    def log_file(self, title: str) -> Path:
        return self.data_dir / "logs" / f"{title}.log"

    def write_state(self) -> None:
        pids: dict[str, int | list[int] | None] = {
            name: [child.pid for child in children if child.running] for name, children in self.children.items()
        }
        pids |= {"postgres": pid_of(self.postgres), "redis": pid_of(self.redis)}
        databases = (
            self.database_url("api"),
            self.database_url("worker"),
            self.database_url("deliverer"),
            self.admin_database_url(),
        )
        state.write(self.data_dir, state.State(self.api_url, *databases, self.redis_url(), pids))


def lines_after(prefix: str, file: TextIO) -> Iterator[str]:
    """What stands behind this prefix, in each line that begins with it."""
    return (line.removeprefix(prefix).rstrip("\n") for line in file if line.startswith(prefix))


def pid_of(server: Server | None) -> int | None:
    return server.pid if server and server.running else None
