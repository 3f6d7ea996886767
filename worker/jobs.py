"""The only two functions that jobs may call, and a reader of jobs that is safe against foreign data.

RQ imports the name in a job and unpacks the job's data without a bound. So any program that can write to Redis could run any
importable function in this process, or fill its memory.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import Job

from core.ledger.sharding import SHARDS_MAX
from core.redis.jobs import APPLY, DELIVER

DATA_MAX_BYTES = 65_536  # unpacked; a job that names all 1024 shards has 5 KB

Jobs = Mapping[str, Callable[..., object]]


class Refused(Exception):
    """A job that no process of Teller has written. The error's text repeats nothing of the job."""


def jobs_of_worker(drain: Callable[[list[int]], object]) -> Jobs:
    """Return the jobs of a worker: one, which drains the shards that it names."""
    return {APPLY: lambda *args: drain(shards_among(*args))}


def shards_among(shards: object = (), *_: object) -> list[int]:
    """Return the valid shards among a job's arguments, without duplicates: one would claim the same rows twice in a batch."""
    given = shards if isinstance(shards, list) else []
    return list(dict.fromkeys(shard for shard in given if type(shard) is int and 0 <= shard < SHARDS_MAX))


def jobs_of_deliverer(wake: Callable[[], object]) -> Jobs:
    """Return the jobs of a deliverer: one, which wakes it. Its arguments are ignored."""
    return {DELIVER: lambda *_: wake()}


def job_class(jobs: Jobs) -> type[Job]:
    """Return a class of jobs that call these functions and no others."""

    class AllowedJob(Job):
        @property
        def func(self) -> Callable[..., object]:
            job = jobs.get(self.func_name or "")
            if job is None or self.instance is not None:
                raise PermissionError("a job of this name may not run")
            return job

        def refresh(self) -> None:
            """Read the job's field `data`. Raises NoSuchJobError, Refused and RedisError."""
            data = self.connection.hget(self.key, "data")
            if not isinstance(data, bytes):
                raise NoSuchJobError
            self.restore({b"data": data})

        def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
            """Take the name and the arguments from the stored data, and nothing else. Raises Refused.

            RQ's own method would unpack it without a bound, import the functions that callbacks name, and send RQ's webhooks.
            """
            name, arguments = call_in(raw_data.get(b"data", b""))
            if name not in jobs:
                raise Refused("a job of this name may not run")
            self.func_name, self.instance, self.args, self.kwargs = name, None, arguments, {}

    return AllowedJob


def call_in(data: bytes) -> tuple[str, list[Any]]:
    """Return the name and the arguments in a job's data, in the form of RQ's JSON serializer. Raises Refused."""
    try:
        name, instance, arguments, keywords = json.loads(unpacked(data))
    except (ValueError, TypeError, RecursionError):
        raise Refused("a job's data is not RQ's JSON") from None
    if not isinstance(name, str) or instance is not None or not isinstance(arguments, list) or keywords:
        raise Refused("a job's data has another form than RQ's")
    return name, arguments


def unpacked(data: bytes) -> bytes:
    """Return the data, unpacked if zlib packed it. Raises Refused beyond DATA_MAX_BYTES: 400 KB may unpack to 400 MiB."""
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(data, DATA_MAX_BYTES)
    except zlib.error:
        plain = data
    if unpacking.unconsumed_tail or len(plain) > DATA_MAX_BYTES:
        raise Refused("a job's data is too large")
    return plain
