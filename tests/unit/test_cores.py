"""How many processes of the API a machine, or a container, gets where no setting says so."""

from pathlib import Path

import pytest

from core import cores
from core.cores import API_PROCESSES_MAX, allowed, default_api_processes, usable
from core.settings import Settings


def limited(folder: Path, membership: str, **files: str) -> int:
    """The cores that count where /proc/self/cgroup says this and these files say limits; `__` stands for `/`, `_dot_` for `.`."""
    (folder / "membership").write_text(membership)
    for name, text in files.items():
        file = folder / "groups" / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return usable(folder / "membership", folder / "groups")


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "allowed", lambda: 8)


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("max 100000", 8),
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("200000 100000", 2),
        ("25000 10000", 3),
        ("1600000 100000", 8),
        ("", 8),
        ("swordfish", 8),
    ],
)
def test_a_container_counts_the_cores_that_its_limit_leaves(tmp_path: Path, quota: str, count: int) -> None:
    assert limited(tmp_path, "0::/\n", cpu_dot_max=quota) == count


def test_the_smallest_limit_of_all_groups_above_counts(tmp_path: Path) -> None:
    groups = {
        "a__b__c__cpu_dot_max": "max 100000",
        "a__b__cpu_dot_max": "300000 100000",
        "a__cpu_dot_max": "500000 100000",
        "other__cpu_dot_max": "100000 100000",
    }
    assert limited(tmp_path, "0::/a/b/c\n", **groups) == 3


def test_a_container_that_sees_the_path_of_its_host_finds_its_limit_at_the_root(tmp_path: Path) -> None:
    assert limited(tmp_path, "0::/docker/4f0c\n", cpu_dot_max="200000 100000") == 2


@pytest.mark.parametrize(("quota", "count"), [("-1", 8), ("100000", 1), ("250000", 3)])
def test_version_1_has_its_limit_in_two_files(tmp_path: Path, quota: str, count: int) -> None:
    files = {"cpu__a__cpu_dot_cfs_quota_us": quota, "cpu__a__cpu_dot_cfs_period_us": "100000"}
    assert limited(tmp_path, "4:memory:/b\n3:cpuset:/b\n1:cpu,cpuacct:/a\n0::/\n", **files) == count


def test_without_control_groups_the_cores_of_the_machine_count(tmp_path: Path) -> None:
    assert usable(tmp_path / "missing", tmp_path) == 8


@pytest.mark.parametrize(("count", "processes"), [(1, 1), (2, 2), (3, 3), (4, 4), (8, 4), (96, 4)])
def test_the_api_has_a_process_a_core_and_four_at_most(monkeypatch: pytest.MonkeyPatch, count: int, processes: int) -> None:
    monkeypatch.setattr(cores, "usable", lambda: count)
    monkeypatch.delenv("TELLER_API_PROCESSES", raising=False)

    assert API_PROCESSES_MAX == 4
    assert default_api_processes() == processes
    assert Settings.model_validate({"DATABASE_URL": "postgresql://127.0.0.1/teller"}).api_processes == processes


def test_this_process_may_use_at_least_one_core_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert 1 <= usable() <= allowed()
