"""Redis as it runs in production: with other settings, as a cluster's only node, as a Sentinel."""

from collections.abc import Sequence
from pathlib import Path

from local.redis import Redis

SERVICE = "primary"
DOWN_AFTER_MS = 500
FAILOVER_TIMEOUT_MS = 2000


class ConfiguredRedis(Redis):
    """A Redis with more lines of configuration, and perhaps a password of the test's choice."""

    def __init__(self, data_dir: Path, *lines: str, password: str | None = None) -> None:
        super().__init__(data_dir)
        self._lines = lines
        self._chosen = password

    @property
    def password(self) -> str:
        return self._chosen or super().password

    def _settings(self, port: int) -> Sequence[str]:
        return [*super()._settings(port), *self._lines]


class Sentinel(ConfiguredRedis):
    """A Sentinel that watches the primary, with a quorum of one."""

    def __init__(self, data_dir: Path, primary: Redis) -> None:
        super().__init__(
            data_dir,
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 1",
            f"sentinel auth-pass {SERVICE} {primary.password}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
        )

    def _settings(self, port: int) -> Sequence[str]:
        return ["bind 127.0.0.1", f"port {port}", f"requirepass {self.password}", "set-proc-title no", *self._lines]

    def _command(self, port: int) -> Sequence[str]:
        return [*super()._command(port), "--sentinel"]
