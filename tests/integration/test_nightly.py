"""The loop of the container `backup`, run as docker-compose.yml has it, against a real server."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from local.postgres import INSTALLED
from tests.system import ROOT

KEPT = 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def run_once(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the container's command up to its first pause, which ends it here."""
    [shell, flag, text] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["backup"]["command"]
    once = text.replace("$$", "$").replace("sleep $pause", 'echo "pause: $pause"; exit')
    return subprocess.run(
        [shell, flag, once], env={**os.environ, **reaching(url), "BACKUPS": str(folder)}, capture_output=True, text=True, check=True
    )


def reaching(url: str) -> Mapping[str, str]:
    parts = urlsplit(url)
    given = {"PGHOST": parts.hostname, "PGPORT": parts.port, "PGUSER": parts.username, "PGPASSWORD": parts.password}
    path = f"{INSTALLED / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**{name: str(value) for name, value in given.items() if value}, "PGDATABASE": parts.path[1:], "PATH": path}


def test_a_backup_has_its_name_when_it_is_whole_and_the_newest_seven_stay(owner_url: str, folder: Path) -> None:
    for day in range(1, KEPT + 1):
        old = folder / f"teller-202601{day:02}T030000Z.dump"
        old.touch()
        os.utime(old, (day, day))

    printed = run_once(owner_url, folder).stdout

    backups = sorted(file.name for file in folder.iterdir())
    assert len(backups) == KEPT
    assert backups[0] == "teller-20260102T030000Z.dump"  # the oldest of eight is gone
    listed = subprocess.run(
        [INSTALLED / "bin" / "pg_restore", "--list", folder / backups[-1]], capture_output=True, text=True, check=True
    )
    assert "TABLE DATA public entries" in listed.stdout
    assert printed.splitlines() == [f"backup: {folder / backups[-1]}", "pause: 86400"]


def test_a_backup_that_fails_leaves_the_others_and_is_tried_again_in_an_hour(owner_url: str, folder: Path) -> None:
    (folder / "teller-20260101T030000Z.dump").touch()

    ran = run_once(urlsplit(owner_url)._replace(path="/no_such_database").geturl(), folder)

    assert [file.name for file in folder.iterdir()] == ["teller-20260101T030000Z.dump"]
    assert ran.stdout == "pause: 3600\n"
    assert "backup: failed" in ran.stderr
