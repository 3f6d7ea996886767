"""The only names that the queue may call, and how their jobs are read.

Anything that can write to Redis could otherwise run whatever is importable here, or fill this process's memory.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import Job

from core.ledger.sharding import SHARDS_MAX
from core.redis.jobs import APPLY, DELIVER

DATA_MAX_BYTES = 65_536  # unpacked; a job that names all of 1024 shards has 5 KB

Jobs = Mapping[str, Callable[..., object]]


class Refused(Exception):
    """A job that no process of Teller has written. Its text repeats nothing of the job."""


def of_worker(drain: Callable[[list[int]], object]) -> Jobs:
    return {APPLY: lambda *args: drain(shards_among(*args))}


def shards_among(shards: object = (), *_: object) -> list[int]:
    """Return what may be shards, each once: a duplicate would claim the same rows twice in one batch."""
    given = shards if isinstance(shards, list) else []
    return list(dict.fromkeys(shard for shard in given if type(shard) is int and 0 <= shard < SHARDS_MAX))


def of_deliverer(wake: Callable[[], object]) -> Jobs:
    return {DELIVER: lambda *_: wake()}


def job_class(jobs: Jobs) -> type[Job]:
    """Return a class of jobs that run nothing but these."""

    class AllowedJob(Job):
        @property
        def func(self) -> Callable[..., object]:
            job = jobs.get(self.func_name or "")
            if job is None or self.instance is not None:
                raise PermissionError("a job of this name may not run")
            return job

        def refresh(self) -> None:
            """Read the one field that is needed. Raises NoSuchJobError, Refused and RedisError."""
            data = self.connection.hget(self.key, "data")
            if not isinstance(data, bytes):
                raise NoSuchJobError
            self.restore({b"data": data})

        def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
            """Take a name and arguments from what is stored, and nothing else.

            RQ would unpack it without a bound, import what its callbacks name, and send its webhooks. Raises Refused.
            """
            name, arguments = call_in(raw_data.get(b"data", b""))
            if name not in jobs:
                raise Refused("a job of this name may not run")
            self.func_name, self.instance, self.args, self.kwargs = name, None, arguments, {}

    return AllowedJob


def call_in(data: bytes) -> tuple[str, list[Any]]:
    """Return the name and the arguments in a job's data, as RQ writes it by its JSON serializer. Raises Refused."""
    try:
        name, instance, arguments, keywords = json.loads(unpacked(data))
    except (ValueError, TypeError, RecursionError):
        raise Refused("a job's data is not RQ's JSON") from None
    if not isinstance(name, str) or instance is not None or not isinstance(arguments, list) or keywords:
        raise Refused("a job's data has another form than RQ's")
    return name, arguments


def unpacked(data: bytes) -> bytes:
    """Return what zlib packed, unless there is too much of it: 400 KB unpack to 400 MiB. Raises Refused."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(data, DATA_MAX_BYTES)
    except zlib.error:
        found = data
    if unpacking.unconsumed_tail or len(found) > DATA_MAX_BYTES:
        raise Refused("a job's data is too large")
    return found
