"""The ends of log files, for error messages."""

from pathlib import Path

TAIL_LINES = 15


def tail(path: Path, start: int = 0) -> str:
    """The last lines of what was written after the byte `start`."""
    written = path.read_bytes()[start:]
    return "\n".join(written.decode(errors="replace").splitlines()[-TAIL_LINES:])
