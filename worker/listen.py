"""Runs the jobs of doorbells: RQ's worker, made safe to stop, with fewer round trips, and safe against foreign data in Redis."""

import threading
import time

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import Job
from rq.timeouts import JobTimeoutException, TimerDeathPenalty

from core import log
from core.redis.client import client
from core.redis.faults import fault_of
from core.redis.hints import UNTRUSTED
from core.redis.jobs import JOB_TIMEOUT_S, SERIALIZER
from core.redis.keys import delete_wrong_types
from worker.jobs import Jobs, Refused, job_class
from worker.process import StopFlag

POLL_S = 1  # how long a stop may take when the queue is empty
REPLY_TIMEOUT_S = 3  # longer than a poll; a connection that is half dead goes unseen for as long (by RQ's own: 15 s)
TRIM_EVERY_S = 1.0
JOBS_MAX = 1024  # more honest ones than any load brings: one for the flag of each shard that can be
PAUSE_WITHOUT_REDIS_S = 1.0
PAUSE_AFTER_BAD_REPLY_S = 0.02
SAY_EVERY_S = 1.0  # of bad jobs: a million of them is one thing to know

logger = log.get(__name__)


def listen(stop: StopFlag, redis_url: str, queue_name: str, jobs: Jobs) -> None:
    """Run the queue's jobs until asked to stop. Without Redis, wait for it to come back: the sweeper drains until then.

    Any thread may listen; one queue each.
    """
    saying = Saying()
    while stop.goes_on():
        connection = client(redis_url, REPLY_TIMEOUT_S)
        try:
            delete_wrong_types(connection)
            queue = Queue(queue_name, connection=connection, serializer=SERIALIZER, job_class=job_class(jobs))
            listener = Listener(queue, stop, saying)
            listener.work(logging_level="WARNING")
            if listener.error is not None:
                raise listener.error
        except UNTRUSTED as error:
            fault = fault_of(error)
            saying.warn("queue out of reach", kind=fault.kind, error=type(error).__name__, advice=fault.advice)
        finally:
            connection.close()
        stop.pause(PAUSE_WITHOUT_REDIS_S)


class Saying:
    """Logs at most once a second, and then how often it did not."""

    def __init__(self) -> None:
        self._last = -SAY_EVERY_S
        self._left_out = 0

    def warn(self, event: str, **values: object) -> None:
        now = time.monotonic()
        if now < self._last + SAY_EVERY_S:
            self._left_out += 1
            return
        logger.warning(event, **values, left_out=self._left_out)
        self._last, self._left_out = now, 0


class Listener(SimpleWorker):
    """A worker on exactly one queue. It keeps no books in Redis: what is not there cannot be damaged there.

    RQ 3.0.0 raises out of whatever Redis call is under way when SIGTERM comes, and may strand the job it was popping. This one
    leaves signals to its process and asks between jobs. RQ's books (which workers there are, which job runs where, what came of
    it) cost half of a job's round trips, and a key of the wrong type among them kept the worker from its start. RQ's `suspended`
    flag and its commands would let anything that can write to Redis stop all workers: neither is read.

    A popped job is lost when its worker dies (RQ would only mark it as failed). Its flag expires, and the sweeper comes.

    It leans on names that RQ does not promise to keep: rq is pinned, and tests/faults/test_stopping.py stops it again and again.
    """

    connection_timeout = REPLY_TIMEOUT_S

    def __init__(self, queue: Queue, stop: StopFlag, saying: Saying) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=queue.job_class,
            serializer=SERIALIZER,
            prepare_for_work=False,  # would list all clients of Redis
        )
        if threading.current_thread() is not threading.main_thread():
            self.death_penalty_class = TimerDeathPenalty  # signals are for the main thread
        self.error: Exception | None = None  # why it ended, when that was Redis' doing
        self._stop_flag = stop
        self._saying = saying
        self._next_trim = 0.0

    def dequeue_job_and_maintain_ttl(self, *_: object) -> tuple[Job, Queue]:  # RQ's own has another loop
        """Wait for a job, in short rounds. A job in hand is always run."""
        [queue] = self.queues
        try:
            while True:
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()
                job = self._pop(queue)
                if job is not None:
                    return job, queue
        except UNTRUSTED as error:
            self.error = error
            raise StopRequested from error

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Asked before each job and each attempt to pop one, when no job is in hand: the place to stop."""
        if not self._stop_flag.goes_on():
            raise StopRequested
        return time.monotonic() >= self._next_trim

    def run_maintenance_tasks(self) -> None:
        """Keep the newest JOBS_MAX jobs: behind millions that something else has put there, an honest one would wait for hours."""
        self._next_trim = time.monotonic() + TRIM_EVERY_S
        [queue] = self.queues
        self.connection.ltrim(queue.key, -JOBS_MAX, -1)

    def execute_job(self, job: Job, _queue: Queue) -> None:
        """Run the job at once, then forget it: a job is a hint, and no books are kept of it."""
        try:
            with self.death_penalty_class(JOB_TIMEOUT_S, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:
            logger.exception("job failed", job=job.id)
        self._forget(job.key)

    def _pop(self, queue: Queue) -> Job | None:
        """Pop a job that may run; None when there is none in time, or when it is a bad one, which is then gone."""
        id = self._pop_id(queue)
        if id is None:
            return None
        try:
            return queue.job_class.fetch(id, connection=self.connection, serializer=SERIALIZER)
        except NoSuchJobError:
            return None  # it has expired
        except (redis.ConnectionError, redis.TimeoutError):
            raise
        except (*UNTRUSTED, Refused) as error:
            self._saying.warn("job refused", kind=fault_of(error).kind, error=type(error).__name__)
            self._forget(queue.job_class.key_for(id))
            return None

    def _pop_id(self, queue: Queue) -> str | None:
        try:
            popped = self.connection.blpop([queue.key], POLL_S)
        except redis.InvalidResponse:  # an id beyond all bounds; it is popped, and the connection is closed
            self._saying.warn("job refused", kind="malformed_reply")
            self._stop_flag.pause(PAUSE_AFTER_BAD_REPLY_S)
            return None
        if popped is None:
            return None
        id = popped[1]
        return id.decode(errors="replace") if isinstance(id, bytes) else id

    def _forget(self, key: str | bytes) -> None:
        try:
            self.connection.unlink(key)
        except redis.RedisError:
            self._saying.warn("job not deleted")  # it expires

    def _install_signal_handlers(self) -> None:
        """The process has its own."""

    def subscribe(self) -> None:
        """Take no commands through Redis."""

    def register_birth(self) -> None:
        """Keep no book of workers."""

    def register_death(self) -> None:
        """Keep no book of workers."""

    def heartbeat(self, *_: object, **__: object) -> None:
        """The heartbeat file is for health checks; see worker/process.py."""

    def set_state(self, state: str, *_: object, **__: object) -> None:
        self._state = state

    def check_for_suspension(self, *_: object) -> None:
        """Do not ask whether something in Redis has suspended all workers."""
