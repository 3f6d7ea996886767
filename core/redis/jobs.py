"""The jobs that Teller enqueues by RQ: their names, their form, and for how long Redis keeps them."""

from rq import Queue
from rq.job import Job

__all__ = ["APPLY", "DELIVER", "JOB_TIMEOUT_S", "SERIALIZER", "enqueue"]

APPLY = "worker.jobs.apply"  # functions in worker/jobs.py, the only two jobs, each on its own queue
DELIVER = "worker.jobs.deliver"
SERIALIZER = "json"  # loading a pickle would execute code from Redis

# RQ ends a longer job by a signal, perhaps during a statement. Far above each limit of PostgreSQL, so that it never happens.
JOB_TIMEOUT_S = 120
JOB_TTL_S = 30  # of a job that no worker took: the sweeper looks each second, and has drained its shards by then
FAILURE_TTL_S = 3600  # of jobs whose worker died before they began; RQ's default of a year would fill Redis


def enqueue(queue: Queue, job: str, *args: object) -> Job:
    """Enqueue a job. It expires whether it runs, fails or waits. Raises RedisError."""
    return queue.enqueue(
        job,
        *args,
        job_timeout=JOB_TIMEOUT_S,
        failure_ttl=FAILURE_TTL_S,
        ttl=JOB_TTL_S,
        description=job,
    )
