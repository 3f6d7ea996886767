"""The wheel of Teller, installed into an environment that holds the packages of `make run` alone: `teller` runs from any folder."""

import json
import os
import re
import signal
import subprocess
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from core.admin.migrate import migration_names
from core.version import VERSION
from local.orphans import stop_orphans
from local.server import free_port
from tests.fresh import PIP, build_wheel, link, required
from tests.system import ROOT
from tests.waiting import wait_for

STARTS_WITHIN_S = 90.0
PACKAGES = ("api", "core", "worker", "console", "local", "cli", "teller")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def teller(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command, in an environment that holds requirements-run.txt, requirements-cli.txt, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    subprocess.run(
        [*PIP, "--python", folder / "bin" / "python", "install", "--no-index", "--no-deps", wheel], check=True, timeout=60
    )
    [packages] = folder.glob("lib/python*/site-packages")
    for name in listed("requirements-run.txt"):
        link(distribution(name), packages)
    for name in listed("requirements-cli.txt"):
        for needed in required(name):
            link(needed, packages)
    return folder / "bin" / "teller"


def listed(name: str) -> Iterator[str]:
    """The packages of this list, on this Python."""
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-")):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement.name


@pytest.fixture
def misleading(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with other packages of Teller's names, each of which fails when it is imported."""
    folder = tmp_path / "misleading"
    for name in PACKAGES[:-1]:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise SystemExit('this is the {name} of another project')\n")
    return folder


def environment(folder: Path, misleading: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL|XDG_", name)}
    return {**inherited, "XDG_DATA_HOME": str(folder / "share"), "PYTHONPATH": str(misleading), **more}


def run(teller: Path, *arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([teller, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES, "sdk/python/src"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert wheel.name == f"teller-{VERSION}-py3-none-any.whl"
    assert held == {name.removeprefix("sdk/python/src/") for name in tracked if (ROOT / name).exists()}
    assert {f"core/admin/migrations/{name}.sql" for name in migration_names()} <= held


def test_the_installed_command_says_its_version_and_what_it_can_do(teller: Path, tmp_path: Path, misleading: Path) -> None:
    env = environment(tmp_path, misleading)

    assert VERSION in run(teller, "version", cwd=tmp_path, env=env).stdout
    assert VERSION in run(teller, "--version", cwd=tmp_path, env=env).stdout
    assert " db" in run(teller, "--help", cwd=tmp_path, env=env).stdout
    assert run(teller, "rnu", cwd=tmp_path, env=env).returncode == 2


@pytest.mark.long
def test_the_installed_command_runs_from_another_folder_to_a_first_transfer(teller: Path, tmp_path: Path, misleading: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    port, console_port = free_port(), free_port()
    ports = {"TELLER_PORT": str(port), "TELLER_CONSOLE_PORT": str(console_port)}
    env = environment(tmp_path, misleading, **ports, TELLER_WORKERS="1", TELLER_API_PROCESSES="1")
    with running(teller, elsewhere, env) as (process, said):
        wait_for(lambda: "Ctrl-C stops everything" in said() or process.poll() is not None, "the system", STARTS_WITHIN_S)
        assert process.poll() is None, said()
        key = re.findall(r"^operator key: (\S+)", said(), re.MULTILINE)[0]
        url = f"http://127.0.0.1:{port}"

        ada = post(f"{url}/v1/clients", key, {"name": "Ada"})["wallet"]["id"]
        bob = post(f"{url}/v1/clients", key, {"name": "Bob"})["wallet"]["id"]
        post(f"{url}/v1/deposits", key, {"wallet_id": ada, "amount": 500})
        moved = post(f"{url}/v1/transfers", key, {"source_wallet_id": ada, "destination_wallet_id": bob, "amount": 120})
        assert moved["status"] == "applied"
        console = re.findall(r"^ready .*  console (\S+)", said(), re.MULTILINE)[0]
        assert console == f"http://127.0.0.1:{console_port}"
        with urllib.request.urlopen(f"{console}/login", timeout=30) as page:
            assert "Log in with a key" in page.read().decode()

        audited = run(teller, "db", "audit", cwd=tmp_path, env=env)
        assert audited.returncode == 0, audited.stderr
        assert "2 transfers, 4 entries" in audited.stdout
        assert f"on the system that runs in {tmp_path / 'share' / 'teller'}" in audited.stderr
        assert "operator" in run(teller, "db", "keys", "list", cwd=elsewhere, env=env).stdout

        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert list(elsewhere.iterdir()) == []


@contextmanager
def running(teller: Path, folder: Path, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """`teller run` in this folder, and what it has said so far; in the end nothing of it is left."""
    said = folder.parent / "said"
    with said.open("wb") as output:
        process = subprocess.Popen([teller, "run"], cwd=folder, env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        yield process, said.read_text
    finally:
        process.kill()
        process.wait()
        stop_orphans(Path(env["XDG_DATA_HOME"]) / "teller", print)


def post(url: str, key: str, body: dict[str, object]) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": os.urandom(8).hex(),
        "Prefer": "wait=20",
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        read: dict[str, Any] = json.load(answer)
        return read
