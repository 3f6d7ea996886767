"""Start all servers and programs, restart those that end, and stop all in the order that loses no work."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

from local import state
from local.orphans import stop_orphans
from local.postgres import Postgres
from local.process import Child, run_to_end, tail
from local.redis import Redis
from local.server import Server, ServerFailed, free_ports
from local.settings import ROLES, Program, ServerUrls, Settings, environment_of, environment_of_migration, programs
from local.terminal import CannotRun, Stopped, StopSignals, say, step

WATCH_EVERY_S = 0.2
READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
LACKING_SAID_AFTER_S = 1.0  # shorter: what an ordinary start lacks for a moment
MIGRATE_TIMEOUT_S = 600.0  # a migration of a large database may take minutes; Ctrl-C ends it earlier
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.5, 10.0  # a process that ends at once is started at most every 10 s in the long run
STEADY_AFTER_S = 30.0  # after so long a run the delay begins at BACKOFF_FIRST_S again

DATABASE = "teller"
OPERATOR_KEY_LINE = "operator key: "  # `python -m core migrate` prints it, with the key, when it has made the first one
WARNING_LINE = "warning: "  # `python -m core migrate` writes it to standard error, among its logs


class Supervisor:
    """Runs the whole system in the foreground. The caller holds the lock of the data directory."""

    def __init__(self, settings: Settings, signals: StopSignals) -> None:
        self.settings = settings
        self.signals = signals
        self.data_dir = settings.data_dir
        self.api_url = f"http://127.0.0.1:{settings.port}"
        self.console_url = f"http://127.0.0.1:{settings.console_port}" if settings.console_port else None
        self.postgres = None if settings.database_url else Postgres(self.data_dir / "postgres")
        self.redis = None if settings.redis_url else Redis(self.data_dir / "redis")
        self.children: dict[str, list[Child]] = {}
        self.supervised: list[Supervised] = []
        self.metrics_ports: dict[str, int] = {}
        self.operator_key: str | None = None  # the first one, after the migration has made it and until it is printed

    def run(self) -> None:
        """Start, watch until a signal, stop. Raises CannotRun, after the stop, when the system does not become ready."""
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
            changes = [supervised.check() for supervised in self.supervised]
            if any(changes):
                self.write_state()
            time.sleep(WATCH_EVERY_S)

    def stop(self) -> None:
        """Stop the API first, then the workers, then Redis and PostgreSQL. A start that was interrupted stops the same way."""
        self.signals.ignore()
        self.say_operator_key()
        say("stopping")
        for name in self.children:
            self.stop_children(name)
        for server in (self.redis, self.postgres):
            if server:
                server.stop()
        # A signal may come after a process has started and before it is in self.children.
        stop_orphans(self.data_dir, say)
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
        try:
            server.open_folders()  # before the step: it says which folders it has changed
            with step(server.title):
                server.start()
        except (ServerFailed, OSError) as error:
            raise CannotRun(str(error)) from error
        self.supervised.append(Supervised(server))

    def migrate(self) -> None:
        """Apply the missing migrations. A stop during them must not lose the first operator key: only its digest is stored."""
        log_file = self.log_file("migrate")
        log_file.touch()
        log_start = log_file.stat().st_size
        with step("schema"), TemporaryFile("w+") as output:
            try:
                run_to_end(
                    ("core", "migrate"), environment_of_migration(self.settings, self.urls()), output, log_file, MIGRATE_TIMEOUT_S
                )
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
        self.metrics_ports = self.choose_metrics_ports()
        for program in programs(self.settings):
            self.children[program.name] = [self.child(program, title) for title in program.titles()]
            for child in self.children[program.name]:
                child.start()
                self.supervised.append(Supervised(child))

    def child(self, program: Program, title: str) -> Child:
        port = str(self.metrics_ports.get(title, ""))
        environment = environment_of(program, self.settings, self.urls())
        return Child(title, program.argv, {**environment, "TELLER_METRICS_PORT": port}, self.log_file(title))

    def choose_metrics_ports(self) -> dict[str, int]:
        """The metrics ports of workers, sweeper and deliverer: the configured one and those after it, or free ones."""
        titles = [title for program in programs(self.settings) if program.has_metrics_port for title in program.titles()]
        first = self.settings.metrics_port
        return dict(zip(titles, range(first, first + len(titles)) if first else free_ports(len(titles)), strict=True))

    def metrics_line(self) -> str:
        ports = list(self.metrics_ports.values())
        return f"metrics  {self.api_url}/metrics  and on ports {ports[0]} to {ports[-1]} those of {', '.join(self.metrics_ports)}"

    def stop_children(self, name: str) -> None:
        for child in self.children[name]:
            child.ask_to_stop()
        for child in self.children[name]:
            child.stop()

    def wait_until_ready(self) -> None:
        """Return when the API is ready. What it lacks is said once it has lasted for a while, and again when it has changed."""
        began = time.monotonic()
        (api,) = self.children["api"]
        lacking = Lasting(LACKING_SAID_AFTER_S)
        with step("API"):
            while (reason := self.not_ready()) is not None:
                if not api.running or time.monotonic() > began + READY_TIMEOUT_S:
                    why = reason or "it does not answer"
                    raise CannotRun(
                        f"the API did not become ready: {why}; its log is {api.log_file}:\n{tail(api.log_file, api.log_start)}"
                    )
                if reason and lacking.is_new(reason):
                    say(f"{reason}; waiting for up to {READY_TIMEOUT_S:.0f} s ... ", end="")
                time.sleep(READY_POLL_S)

    def not_ready(self) -> str | None:
        """Which checks of readiness fail, in the API's words; "" where it does not answer, None where all pass."""
        connection = HTTPConnection("127.0.0.1", self.settings.port, timeout=READY_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return None if answer.status == 200 else str(json.loads(answer.read())["detail"])
        except (OSError, HTTPException, ValueError, KeyError):
            return ""
        finally:
            connection.close()

    def announce(self) -> None:
        running = ", ".join(f"{len(children)} {name}" for name, children in self.children.items() if children)
        console = f"  console {self.console_url}" if self.console_url else ""
        say(f"\nready  {self.api_url}  docs {self.api_url}/docs{console}  running {running}")
        say(f"{self.metrics_line()}\n")
        say("Make a client with its wallet:")
        say(f"  curl -sS {self.api_url}/v1/clients -H 'Content-Type: application/json' -d '{{\"name\": \"Ada\"}}' \\")
        say(f'    -H "Authorization: Bearer {self.key_to_show()}" -H "Idempotency-Key: ada-1"\n')
        if not (self.operator_key or self.settings.operator_key):
            say("Lost the key? Start once more with TELLER_OPERATOR_KEY=<32 characters or more>: a configured key is never stored,")
            say("and starting without it revokes it.\n")
        self.say_operator_key()
        say("Ctrl-C stops everything.")

    def key_to_show(self) -> str:
        """The key in the example. A configured key is not printed; a stored one is unknown here."""
        return self.operator_key or ("$TELLER_OPERATOR_KEY" if self.settings.operator_key else "<your operator key>")

    def say_operator_key(self) -> None:
        """Print the first operator key once, also when the start is interrupted: only its digest is stored."""
        if self.operator_key:
            say(f"{OPERATOR_KEY_LINE}{self.operator_key} (made just now; store it, it is never shown again)\n")
            self.operator_key = None

    def urls(self) -> ServerUrls:
        """The URLs of the embedded servers, which must have been started, and the configured ones of the others."""
        redis = self.redis.url if self.redis else self.settings.redis_url
        if self.postgres:
            databases = {name: self.postgres.url(DATABASE, role) for name, role in ROLES.items()}
            return ServerUrls(databases, self.postgres.url(DATABASE), redis)
        return ServerUrls(configured_databases(self.settings), self.settings.admin_database_url or "", redis)

    def log_file(self, title: str) -> Path:
        return self.data_dir / "logs" / f"{title}.log"

    def write_state(self) -> None:
        pids: dict[str, int | list[int] | None] = {
            name: [child.pid for child in children if child.running] for name, children in self.children.items()
        }
        pids |= {"postgres": pid_of(self.postgres), "redis": pid_of(self.redis)}
        urls = self.urls()
        running = state.State(
            api_url=self.api_url,
            database_url=urls.databases["api"],
            worker_database_url=urls.databases["worker"],
            deliverer_database_url=urls.databases["deliverer"],
            admin_database_url=urls.owner_database or urls.databases["api"],
            redis_url=urls.redis,
            metrics_urls={title: f"http://127.0.0.1:{port}/metrics" for title, port in self.metrics_ports.items()},
            pids=pids,
        )
        state.write(self.data_dir, running)


class Lasting:
    """Tells a text that has been the same for a while from one that comes and goes, and each of the former once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._text, self._since, self._told = "", 0.0, ""

    def is_new(self, text: str) -> bool:
        now = time.monotonic()
        if text != self._text:
            self._text, self._since = text, now
        if text == self._told or now - self._since < self._seconds:
            return False
        self._told = text
        return True


class Supervised:
    """A server or child that is restarted when it has ended, after a delay that doubles as long as it keeps ending."""

    def __init__(self, process: Server | Child) -> None:
        self.process = process
        self.started_at = time.monotonic()
        self.backoff_s = BACKOFF_FIRST_S
        self.restart_at: float | None = None

    def check(self) -> bool:
        """Plan a restart if the process has ended, restart it when that is due. Returns whether the running pids have changed."""
        if self.restart_at is None:
            return not self.process.running and self.plan_restart(ending(self.process))
        return time.monotonic() >= self.restart_at and self.restart()

    def plan_restart(self, reason: str) -> bool:
        if time.monotonic() - self.started_at > STEADY_AFTER_S:
            self.backoff_s = BACKOFF_FIRST_S
        say(f"{self.process.title} {reason}; its log is {self.process.log_file}; next start in {self.backoff_s:g} s")
        self.restart_at = time.monotonic() + self.backoff_s
        self.backoff_s = min(2 * self.backoff_s, BACKOFF_MAX_S)
        return True

    def restart(self) -> bool:
        self.started_at = time.monotonic()
        try:
            self.process.start()
        except (ServerFailed, OSError) as error:
            return self.plan_restart(f"did not start: {error}")
        self.restart_at = None
        say(f"{self.process.title} runs again (pid {self.process.pid})")
        return True


def ending(process: Server | Child) -> str:
    status = process.exit_status or 0
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended by itself with status {status}"


def configured_databases(settings: Settings) -> dict[str, str]:
    """The database URL of each role of ROLES; one without a URL of its own uses DATABASE_URL."""
    return {"api": settings.database_url, "worker": settings.url_of_workers, "deliverer": settings.url_of_deliverer}


def lines_after(prefix: str, file: TextIO) -> Iterator[str]:
    """The rest of each line that begins with this prefix."""
    return (line.removeprefix(prefix).rstrip("\n") for line in file if line.startswith(prefix))


def pid_of(server: Server | None) -> int | None:
    return server.pid if server and server.running else None
