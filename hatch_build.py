"""What the installed package requires: what `make run` installs, and what the command `teller` needs besides, as pinned."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LISTS = ("requirements-run.txt", "requirements-cli.txt")


class Dependencies(MetadataHookInterface):
    """Fills in `dependencies` of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        lines = [line.strip() for name in LISTS for line in (Path(self.root) / name).read_text().splitlines()]
        metadata["dependencies"] = [line for line in lines if line and not line.startswith(("#", "-"))]
