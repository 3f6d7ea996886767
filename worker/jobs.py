"""The only names that the queue may call. Whoever can write to Redis could otherwise run anything importable as us."""

from collections.abc import Callable, Mapping

from rq.job import Job

from core.doorbell import APPLY
from worker.apply import Applier

Jobs = Mapping[str, Callable[[int], None]]


def allowed(applier: Applier) -> Jobs:
    return {APPLY: applier.answer}


def job_class(jobs: Jobs) -> type[Job]:
    """Return a class of jobs that run nothing but these."""

    class AllowedJob(Job):
        @property
        def func(self) -> Callable[[int], None]:
            job = jobs.get(self.func_name or "")
            if job is None or self.instance is not None:
                raise PermissionError("a job of this name may not run")
            return job

    return AllowedJob
