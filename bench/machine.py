"""The commit, machine, versions and settings of a run: without them its figures mean nothing."""

import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import LiteralString

import psutil  # type: ignore[import-untyped]
import redis

from bench.system import System
from local.process import ROOT
from local.settings import Settings

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "psycopg", "redis", "rq")
SERVER_SETTINGS: tuple[LiteralString, ...] = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_sync_method",
    "commit_delay",
    "max_wal_size",
    "checkpoint_timeout",
    "shared_buffers",
    "autovacuum",
)


@dataclass(frozen=True)
class About:
    commit: Mapping[str, object]
    machine: Mapping[str, object]
    versions: Mapping[str, str]
    settings: Mapping[str, object]


def describe(system: System, folder: Path | None, settings: Settings | None) -> About:
    """`folder` holds the embedded servers' data, `settings` are those of `make run`; None for a system that runs already."""
    return About(describe_commit(), describe_machine(folder), describe_versions(system), describe_settings(system, settings))


def describe_machine(folder: Path | None) -> dict[str, object]:
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system(folder) if folder else None,
    }


def describe_commit() -> dict[str, object]:
    return {"commit": git("rev-parse", "--short=10", "HEAD"), "dirty": git("status", "--porcelain") != ""}


def describe_versions(system: System) -> dict[str, str]:
    return {
        "PostgreSQL": str(system.setting("server_version")),
        "Redis": redis_version(system.redis_url) if system.redis_url else "unknown",
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def describe_settings(system: System, settings: Settings | None) -> dict[str, object]:
    processes = {"api_processes": settings.api_processes, "workers": settings.workers} if settings else {}
    return {**processes, "shards": system.shards(), **{name: system.setting(name) for name in SERVER_SETTINGS}}


def cpu_model() -> str:
    return first_line(Path("/proc/cpuinfo"), lambda line: line.startswith("model name")).partition(": ")[2] or platform.machine()


def file_system(folder: Path) -> str:
    """The type of the file system that holds the folder: in tmpfs a COMMIT costs nothing."""
    mounts = {Path(part.mountpoint): str(part.fstype) for part in psutil.disk_partitions(all=True)}
    return next((mounts[parent] for parent in (folder, *folder.parents) if parent in mounts), "unknown")


def redis_version(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        return str(client.info("server")["redis_version"])


def git(*arguments: str) -> str:
    """Return the output of git; "" outside a repository."""
    ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return ended.stdout.strip()


def first_line(file: Path, wanted: Callable[[str], bool]) -> str:
    if not file.exists():
        return ""
    return next((line.strip() for line in file.read_text().splitlines() if wanted(line)), "")
