"""Failpoints exist for tests: without the setting they do nothing, and only known names are accepted."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID

import pytest

from core import failpoint
from core.failpoint import POINTS, Reached, armed_in
from core.ledger.book import Closed, Counted, Counters, Outcome, Parent, Shortfall
from tests.waiting import wait_for
from worker.ledger.writes import writes_of

ROOT = Path(__file__).parents[2]
HERE = "apply.before_commit"


def test_in_a_process_that_was_not_started_for_them_a_point_is_an_empty_function() -> None:
    assert failpoint.failpoint is failpoint.no_op
    failpoint.announce()


def test_every_point_of_the_table_is_somewhere_in_the_code_and_every_one_in_the_code_is_in_the_table() -> None:
    sources = "".join(file.read_text() for folder in ("api", "core", "worker") for file in sorted((ROOT / folder).rglob("*.py")))
    named = set(re.findall(r'\bfailpoint\("([^"]+)"\)', sources))
    hold = Parent(UUID(int=1), "hold", UUID(int=2), UUID(int=3), True, 1, 0, 0, 0)
    everything = Outcome(
        [],
        [],
        [],
        parents=[hold],
        opened=[hold],
        closed=[hold],
        counted=[Counted(UUID(int=1), 0)],
        counters=[Counters(UUID(int=2), 0, 0, 0)],
        closures=[Closed(UUID(int=2), UUID(int=1))],
        shortfalls=[Shortfall(UUID(int=1), 0, 1)],
    )
    after_writes = {f"apply.after_{write.name.removeprefix('drain/')}" for write in writes_of([], everything)}

    assert sorted(named | after_writes) == sorted(POINTS)


def test_an_armed_point_acts_once_a_file_the_smallest_number_first(tmp_path: Path) -> None:
    reach = armed_in(tmp_path)
    for name in (f"{HERE}:0:raise", f"{HERE}:1:raise", "apply.after_claim:0:raise"):
        (tmp_path / name).touch()

    for left in (2, 1):
        with pytest.raises(Reached, match=HERE):
            reach(HERE)
        assert len(list(tmp_path.glob("apply.*"))) == left
    reach(HERE)

    assert (tmp_path / "apply.after_claim:0:raise").exists()


def test_a_point_that_is_in_no_table_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        armed_in(tmp_path)("apply.somewhere")


def test_a_pause_ends_when_its_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{HERE}:0:pause").touch()
    paused = threading.Thread(target=armed_in(tmp_path), args=[HERE])
    paused.start()
    taken = tmp_path / f"taken:{HERE}:0:pause"
    wait_for(taken.exists, "the point to be reached")
    assert paused.is_alive()

    taken.unlink()

    paused.join(20)
    assert not paused.is_alive()


def test_a_killed_process_has_no_time_for_anything(tmp_path: Path) -> None:
    (tmp_path / f"{HERE}:0:kill").touch()
    code = f"from core.failpoint import failpoint\ntry: failpoint({HERE!r})\nfinally: print('not dead')"

    ended = run(tmp_path, "-c", code)

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "")


@pytest.mark.parametrize("module", [("worker", "sweep"), ("worker", "apply"), ("api",)], ids=" ".join)
def test_no_process_starts_when_the_variable_is_set_by_accident(tmp_path: Path, module: tuple[str, ...]) -> None:
    ended = run(tmp_path / "nowhere", "-m", *module)

    assert ended.returncode == 1
    assert "TELLER_FAILPOINTS is for tests only" in ended.stderr


def test_a_process_in_which_points_can_be_armed_says_so(tmp_path: Path) -> None:
    ended = run(tmp_path, "-c", "from core import failpoint, log\nlog.configure('ERROR')\nfailpoint.announce()")

    assert ended.returncode == 0
    assert '"level": "critical"' in ended.stderr
    assert "is for tests only" in ended.stderr


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process in which points can be armed by files in the folder."""
    given = {"TELLER_FAILPOINTS": str(folder), "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False
    )
