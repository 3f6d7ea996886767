"""Runs the jobs of doorbells: RQ's worker, changed to stop between jobs, make fewer round trips and survive foreign data."""

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

POLL_S = 1  # with an empty queue a stop takes so long at most
REPLY_TIMEOUT_S = 3  # longer than a poll; a half-dead connection is noticed after this time (RQ's own timeout: 15 s)
TRIM_EVERY_S = 1.0  # a guess
JOBS_MAX = 1024  # SHARDS_MAX: Teller enqueues one job for each raised flag at most
PAUSE_WITHOUT_REDIS_S = 1.0  # a guess; the sweeper drains every second until Redis is back
PAUSE_AFTER_BAD_REPLY_S = 0.02  # a guess; without it, a list of bad ids would keep a core busy
LOG_EVERY_S = 1.0  # a guess; a million bad jobs need one line a second, with their number

logger = log.get(__name__)


def listen(stop: StopFlag, redis_url: str, queue_name: str, jobs: Jobs) -> None:
    """Run the queue's jobs until asked to stop. Without Redis, try again every second: the sweeper drains until then.

    May run in any thread, for one queue a call.
    """
    log_limit = LogLimit()
    while stop.goes_on():
        connection = client(redis_url, REPLY_TIMEOUT_S)
        try:
            delete_wrong_types(connection)
            queue = Queue(queue_name, connection=connection, serializer=SERIALIZER, job_class=job_class(jobs))
            listener = Listener(queue, stop, log_limit)
            listener.work(logging_level="WARNING")
            if listener.error is not None:
                raise listener.error
        except UNTRUSTED as error:
            fault = fault_of(error)
            log_limit.warning("queue out of reach", kind=fault.kind, error=type(error).__name__, advice=fault.advice)
        finally:
            connection.close()
        stop.pause(PAUSE_WITHOUT_REDIS_S)


class LogLimit:
    """Logs at most once a second, with the number of lines that it left out since."""

    def __init__(self) -> None:
        self._last = -LOG_EVERY_S
        self._left_out = 0

    def warning(self, event: str, **values: object) -> None:
        now = time.monotonic()
        if now < self._last + LOG_EVERY_S:
            self._left_out += 1
            return
        logger.warning(event, **values, left_out=self._left_out)
        self._last, self._left_out = now, 0


class Listener(SimpleWorker):
    """A worker on exactly one queue. It stores no state in Redis: state that is not there cannot be damaged there.

    RQ 3.0.0 raises out of the running Redis call at SIGTERM, and may lose the job that it was popping. This worker leaves signals
    to its process and looks for a stop between jobs. RQ's registries (its workers, its running jobs, their results) cost half of a
    job's round trips, and a key of the wrong type among them kept RQ's worker from starting. RQ's `suspended` flag and its commands
    would let any program that can write to Redis stop all workers. This worker reads neither.

    A popped job is lost when its worker dies; RQ would only mark it as failed. The shard's flag expires, and the sweeper drains it.

    The class overrides names that RQ does not promise to keep. So rq is pinned, and tests/faults/test_stopping.py stops workers
    repeatedly under load.
    """

    connection_timeout = REPLY_TIMEOUT_S

    def __init__(self, queue: Queue, stop: StopFlag, log_limit: LogLimit) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=queue.job_class,
            serializer=SERIALIZER,
            prepare_for_work=False,  # would list all clients of Redis
        )
        if threading.current_thread() is not threading.main_thread():
            self.death_penalty_class = TimerDeathPenalty  # signals are for the main thread
        self.error: Exception | None = None  # the fault of Redis that ended it
        self._stop_flag = stop
        self._log_limit = log_limit
        self._next_trim = 0.0

    def dequeue_job_and_maintain_ttl(self, *_: object) -> tuple[Job, Queue]:  # RQ's own has another loop
        """Wait for a job in polls of POLL_S. A popped job is always run."""
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
        """Whether to trim the queue. RQ reads it before each pop, when no popped job waits to be run: a stop here loses no job."""
        if not self._stop_flag.goes_on():
            raise StopRequested
        return time.monotonic() >= self._next_trim

    def run_maintenance_tasks(self) -> None:
        """Keep the newest JOBS_MAX jobs: behind millions of foreign ones, a job of Teller would wait for hours."""
        self._next_trim = time.monotonic() + TRIM_EVERY_S
        [queue] = self.queues
        self.connection.ltrim(queue.key, -JOBS_MAX, -1)

    def execute_job(self, job: Job, _queue: Queue) -> None:
        """Run the job in this process, then delete it."""
        try:
            with self.death_penalty_class(JOB_TIMEOUT_S, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:
            logger.exception("job failed", job=job.id)
        self._forget(job.key)

    def _pop(self, queue: Queue) -> Job | None:
        """Pop a job that may run. None if none came within POLL_S, or if the job was bad: a bad job is deleted."""
        job_id = self._pop_id(queue)
        if job_id is None:
            return None
        try:
            return queue.job_class.fetch(job_id, connection=self.connection, serializer=SERIALIZER)
        except NoSuchJobError:
            return None  # it has expired
        except (redis.ConnectionError, redis.TimeoutError):
            raise
        except (*UNTRUSTED, Refused) as error:
            self._log_limit.warning("job refused", kind=fault_of(error).kind, error=type(error).__name__)
            self._forget(queue.job_class.key_for(job_id))
            return None

    def _pop_id(self, queue: Queue) -> str | None:
        try:
            popped = self.connection.blpop([queue.key], POLL_S)
        except redis.InvalidResponse:  # an id beyond the bound of a reply: it is popped, and the connection is closed
            self._log_limit.warning("job refused", kind="malformed_reply")
            self._stop_flag.pause(PAUSE_AFTER_BAD_REPLY_S)
            return None
        if popped is None:
            return None
        job_id = popped[1]
        return job_id.decode(errors="replace") if isinstance(job_id, bytes) else job_id

    def _forget(self, key: str | bytes) -> None:
        try:
            self.connection.unlink(key)
        except redis.RedisError:
            self._log_limit.warning("job not deleted")  # it expires

    def _install_signal_handlers(self) -> None:
        """No-op: worker/process.py handles signals."""

    def subscribe(self) -> None:
        """No-op: commands through Redis are not read."""

    def register_birth(self) -> None:
        """No-op: no registry of workers."""

    def register_death(self) -> None:
        """No-op: no registry of workers."""

    def heartbeat(self, *_: object, **__: object) -> None:
        """No-op: health checks read the heartbeat file of worker/process.py."""

    def set_state(self, state: str, *_: object, **__: object) -> None:
        self._state = state

    def check_for_suspension(self, *_: object) -> None:
        """No-op: the flag `suspended` in Redis is not read."""
