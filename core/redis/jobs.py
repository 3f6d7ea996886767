"""The jobs that Teller enqueues by RQ: their names, their form, and for how long Redis keeps them."""

from rq import Queue
from rq.job import Job

__all__ = ["APPLY", "DELIVER", "JOB_TIMEOUT_S", "SERIALIZER", "enqueue"]

APPLY = "worker.jobs.apply"  # names in worker/jobs.py; the only jobs there are, each on its own queue
DELIVER = "worker.jobs.deliver"
SERIALIZER = "json"  # a pickle in Redis would run as code

JOB_TIMEOUT_S = 120  # a signal in the middle of a statement; far above every limit of Postgres, so that it never comes
JOB_TTL_S = 30  # of a job that no worker took: by then the sweeper has been there many times
FAILURE_TTL_S = 3600  # of jobs whose worker died before it began; the default of a year fills Redis


def enqueue(queue: Queue, job: str, *args: object) -> Job:
    """Enqueue a job that expires, whatever becomes of it. Raises RedisError."""
    return queue.enqueue(
        job,
        *args,
        job_timeout=JOB_TIMEOUT_S,
        failure_ttl=FAILURE_TTL_S,
        ttl=JOB_TTL_S,
        description=job,
    )
