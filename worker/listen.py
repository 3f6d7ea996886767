"""Answers doorbells: RQ's worker, made safe to stop and cheaper a job."""

import threading
import time

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.timeouts import JobTimeoutException, TimerDeathPenalty

from core import doorbell, log
from core.doorbell import SERIALIZER
from worker.jobs import Jobs, job_class
from worker.process import Rounds

POLL_S = 1  # how long a stop may take when the queue is empty
HEARTBEAT_EVERY_S = 5.0
LOOK_FOR_SUSPENSION_EVERY_S = 1.0
WORKER_TTL_S = 20  # a lost connection to Redis goes unseen for about as long
MAINTENANCE_EVERY_S = 60
PAUSE_WITHOUT_REDIS_S = 1.0

logger = log.get(__name__)


def listen(rounds: Rounds, redis_url: str, queue_name: str, jobs: Jobs) -> None:
    """Run the queue's jobs until asked to stop. Without Redis, wait for it to come back: others look into Postgres meanwhile.

    Any thread may listen; one queue each.
    """
    while rounds.goes_on():
        try:
            connection = doorbell.client(redis_url)
            queue = Queue(queue_name, connection=connection, serializer=SERIALIZER, job_class=job_class(jobs))
            Listener(queue, rounds).work(logging_level="WARNING")
        except redis.RedisError as error:
            logger.warning("queue out of reach", kind=type(error).__name__)
        rounds.pause(PAUSE_WITHOUT_REDIS_S)


class Listener(SimpleWorker):
    """A worker on exactly one queue, so that jobs are popped with BLMOVE: with two queues RQ loses the job when it dies there.

    RQ 3.0.0 raises out of whatever Redis call is under way when SIGTERM comes, and may strand the job it was popping. This one
    leaves signals to its process and asks between jobs. It leans on names that RQ does not promise to keep: rq is pinned, and
    tests/faults/test_stopping.py stops it again and again.
    """

    max_connection_wait_time = PAUSE_WITHOUT_REDIS_S

    def __init__(self, queue: Queue, rounds: Rounds) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=queue.job_class,
            serializer=SERIALIZER,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_EVERY_S,
        )
        if threading.current_thread() is not threading.main_thread():
            self.death_penalty_class = TimerDeathPenalty  # signals are for the main thread
        self._rounds = rounds
        self._last_heartbeat = 0.0
        self._last_look = 0.0

    def _install_signal_handlers(self) -> None:
        """The process has its own."""

    def subscribe(self) -> None:
        """Take no commands through Redis: whoever can write there could stop us."""

    def dequeue_job_and_maintain_ttl(self, *_: object) -> tuple[Job, Queue]:  # the rounds are ours
        """Wait for a job, in short rounds. A job in hand is always run."""
        while True:
            popped = super().dequeue_job_and_maintain_ttl(POLL_S, POLL_S)
            if popped is not None:
                return popped

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Asked before each job and each attempt to pop one, Redis or no Redis, when no job is in hand: the place to stop."""
        if not self._rounds.goes_on():
            raise StopRequested
        return bool(super().should_run_maintenance_tasks)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job at once, then forget it.

        RQ's own books of it (who runs it, since when, what came of it) cost round trips before it begins and after it, and nobody
        reads them: a job is a hint.
        """
        try:
            with self.death_penalty_class(job.timeout, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:
            logger.exception("job failed", job=job.id)
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.delete(job.key)
            pipeline.execute()

    def heartbeat(self, timeout: int | None = None, pipeline: redis.client.Pipeline | None = None) -> None:
        """Send fewer of them: they are nearly half of a job's round trips."""
        now = time.monotonic()
        if pipeline is not None or now - self._last_heartbeat >= HEARTBEAT_EVERY_S:
            self._last_heartbeat = now
            super().heartbeat(timeout, pipeline)

    def set_state(self, state: str, pipeline: redis.client.Pipeline | None = None) -> None:
        if pipeline is not None or state != self._state:
            super().set_state(state, pipeline)

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001  # RQ's signature
        now = time.monotonic()
        if now - self._last_look >= LOOK_FOR_SUSPENSION_EVERY_S:
            self._last_look = now
            super().check_for_suspension(burst)
