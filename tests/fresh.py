"""Wheels of this tree, and environments that hold one and what it needs, made without a package index."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
OFFLINE = ["--no-index", "--no-deps"]


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the project's wheel in this folder: the build system is one of the requirements for tests."""
    subprocess.run([*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", folder, project], check=True, timeout=60)
    [made] = folder.glob("*.whl")
    return made


def required(name: str) -> Iterator[Distribution]:
    """Yield the installed distribution of this name, and those that it requires."""
    found = distribution(name)
    yield found
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from required(requirement.name)


def link(needed: Distribution, packages: Path) -> None:
    """Make the distribution's modules importable from this folder, without a package index."""
    for top in {Path(str(file)).parts[0] for file in needed.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(needed.locate_file(top))))
