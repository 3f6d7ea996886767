"""The TypeScript SDK, built once for all processes that run tests. `python -m tests.sdk.typescript` writes what is generated of it.

It needs Node 20 or later, and npm. Without them its tests are skipped; where CI is set they fail, because no run may leave them out
silently.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system import ROOT

PACKAGE = ROOT / "sdk" / "typescript"
BUILT = PACKAGE / ".test" / ".built"  # the digest of what was built
NODE_MIN = 20
INSTALL = "apt-get install nodejs npm, or see https://nodejs.org"


def run(*argv: str | Path, cwd: Path = PACKAGE, environment: dict[str, str] | None = None, allowed: Sequence[int] = (0,)) -> str:
    """Run a command and return what it printed; fail with all of it when its exit code is another one than those allowed."""
    done = subprocess.run(
        [str(each) for each in argv],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode in allowed, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def need_node() -> None:
    """Skip the test where there is no Node that the SDK runs on; fail it in CI."""
    missing = what_is_missing()
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing}: {INSTALL}")
    if missing:
        pytest.skip(f"{missing}: {INSTALL}")


def what_is_missing() -> str | None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"the TypeScript SDK needs {program}, which is not installed"
    version = run("node", "--version").strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < NODE_MIN:
        return f"the TypeScript SDK needs Node {NODE_MIN} or later, and this is {version}"
    return None


def build() -> None:
    """Install the pinned tools and build the package, unless another process has done so from the same sources."""
    need_node()
    with alone():
        install()
        wanted = digest(sources())
        if not BUILT.exists() or BUILT.read_text() != wanted:
            run("node", "scripts/build.mjs", "--test")
            BUILT.write_text(wanted)


@contextmanager
def alone(package: Path = PACKAGE) -> Iterator[None]:
    """Wait until no other process changes the package's folder."""
    with (package / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(package: Path = PACKAGE) -> None:
    """Run `npm ci` unless exactly the packages of the lock file are installed. No package's own script runs."""
    installed = package / "node_modules" / ".package-lock.json"
    if not installed.exists() or packages(installed) != packages(package / "package-lock.json"):
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=package)


def packages(lock: Path) -> dict[str, object]:
    """Return the packages of a lock file without the optional ones, some of which are for other systems."""
    found = json.loads(lock.read_text())["packages"]
    return {name: one for name, one in found.items() if name and not one.get("optional")}


def sources() -> Sequence[Path]:
    folders = [file for name in ("src", "test", "scripts") for file in sorted((PACKAGE / name).rglob("*")) if file.is_file()]
    return [*folders, *(PACKAGE / name for name in ("package.json", "package-lock.json", "tsconfig.json"))]


def digest(files: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.relative_to(PACKAGE)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def generate() -> None:
    """Write the types from the OpenAPI document, and the version."""
    if missing := what_is_missing():
        sys.exit(f"{missing}: {INSTALL}")
    with alone():
        install()
        print(run("node", "scripts/generate.mjs", environment={"TELLER_PYTHON": sys.executable}), end="")


if __name__ == "__main__":
    generate()
