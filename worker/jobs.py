"""The only names that the queue may call. Whoever can write to Redis could otherwise run anything importable as us."""

from collections.abc import Callable, Mapping, Sequence

from rq.job import Job

from core.doorbell import APPLY, DELIVER
from core.sharding import SHARDS_MAX
from worker.drain import Drainer

Jobs = Mapping[str, Callable[..., object]]


def of_worker(drainer: Drainer) -> Jobs:
    return {APPLY: lambda shards: drainer.answer(shards_among(shards))}


def shards_among(shards: Sequence[object]) -> list[int]:
    """Return what may be shards: anything else that is in Redis would fail again and again, and ring for itself each time."""
    return [shard for shard in shards if type(shard) is int and 0 <= shard < SHARDS_MAX]


def of_deliverer(answer: Callable[[], object]) -> Jobs:
    return {DELIVER: answer}


def job_class(jobs: Jobs) -> type[Job]:
    """Return a class of jobs that run nothing but these."""

    class AllowedJob(Job):
        @property
        def func(self) -> Callable[..., object]:
            job = jobs.get(self.func_name or "")
            if job is None or self.instance is not None:
                raise PermissionError("a job of this name may not run")
            return job

        def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
            """Take the job alone from Redis: RQ would import what its callbacks name, and send its webhooks."""
            super().restore(raw_data)
            self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
            self.webhooks = []

    return AllowedJob
