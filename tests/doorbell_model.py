"""A model of the doorbell: two workers, callers of the API, Redis and the queue, in steps as small as the code's.

| step of the model | code that it stands for |
| --- | --- |
| submit | Intake._store: the INSERT, to its COMMIT |
| raise_flags, enqueue | ShardDoorbell._ring, which Intake._store calls after COMMIT |
| take_job | Listener._pop, ShardSet.begin |
| lock_shards, claim_queue, commit | Applier._claim and Applier._apply: each statement sees what was committed before it |
| ask_rerun | Drainer._drain: the wish, then the second try |
| decide | next_step itself, called by the model |
| become | ShardSet.may_wait |
| take_over, acquire | ShardSet.wait_for_more; ShardSet.take_over after a full batch |
| pass_on | ShardSet.share |
| release, hand_over | ShardSet.hand_over |
| rerun_asked | ShardSet.is_asked_again; a cancellation has the same steps as a worker that ends: ShardDoorbell.ring_if_asked |
| lower_again, raise_again, enqueue_again | ShardSet.ring_again |
| end | ShardSet.end |
| defer | CarefulApplier.defer |
| sweep | Sweeper.run_once |

`Redis` does what the two Lua scripts and the commands of core/redis do: tests/integration/test_doorbell.py holds it to a real one.
Sets of shards are the bits of an integer. Time is not modelled: whether a deadline has passed, whether many transfers were
finished, and whether a key expires is decided both ways.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from worker.ledger.drain import Step, next_step


class Violation(Exception):
    """A step did what must never happen."""


class Redis(NamedTuple):
    """What Redis holds for shards: each command returns its reply and what Redis holds after it."""

    flags: int = 0
    wishes: int = 0
    jobs: tuple[int, ...] = ()  # sorted: a job may be taken in any order
    has_batcher: bool = False
    handed_over: int = 0

    def raise_flags(self, shards: int) -> tuple[int, "Redis"]:
        return shards & ~self.flags, self._replace(flags=self.flags | shards)

    def enqueue(self, shards: int) -> "Redis":
        return self._replace(jobs=tuple(sorted((*self.jobs, shards))))

    def ring(self, shards: int) -> "Redis":
        raised, redis = self.raise_flags(shards)
        return redis.enqueue(raised) if raised else redis

    def pop(self, job: int) -> "Redis":
        jobs = list(self.jobs)
        jobs.remove(job)
        return self._replace(jobs=tuple(jobs))

    def lower(self, shards: int) -> "Redis":
        return self._replace(flags=self.flags & ~shards)

    def ask_rerun(self, shards: int) -> "Redis":
        return self._replace(wishes=self.wishes | shards)

    def rerun_asked(self, shards: int) -> tuple[bool, "Redis"]:
        return bool(self.wishes & shards), self._replace(wishes=self.wishes & ~shards)

    def become(self) -> tuple[bool, "Redis"]:
        return not self.has_batcher, self._replace(has_batcher=True)

    def hand_over(self, shards: int) -> tuple[bool, "Redis"]:
        if self.has_batcher:
            return True, self._replace(handed_over=self.handed_over | shards)
        return False, self.lower(shards)

    def take_over(self) -> tuple[int, "Redis"]:
        return self.handed_over, self._replace(handed_over=0)

    def release(self) -> tuple[int, "Redis"]:
        return self.handed_over, self._replace(handed_over=0, has_batcher=False)


class Worker(NamedTuple):
    """A worker: its next step, and what it knows."""

    step: str = "idle"
    held: int = 0
    target: int = 0  # the shards of the transaction that comes or is under way
    locked: int = 0
    claimed: tuple[int, ...] = ()  # how many transfers, by shard
    is_second_try: bool = False
    full: bool = False
    finished: bool = False
    is_batcher: bool = False
    is_last_look: bool = False
    waits: bool = True
    passes_on: bool = False
    to_ring: int = 0
    memo: int = 0  # used by broken variants alone

    def look(self, **changes: Any) -> "Worker":
        """Begin a batch of all the shards that are held, or end where none is."""
        worker = self._replace(**changes)
        step = "lock_shards" if worker.held else "end"
        return worker._replace(step=step, target=worker.held, is_second_try=False, full=False, finished=False, passes_on=False)


class Caller(NamedTuple):
    """A request that submits one transfer."""

    step: str
    shard: int


class State(NamedTuple):
    queue: tuple[int, ...]  # how many committed transfers wait, by shard
    redis: Redis
    callers: tuple[Caller, ...]
    workers: tuple[Worker, ...]
    sweeps: int

    @property
    def waiting(self) -> int:
        return sum(1 << shard for shard, count in enumerate(self.queue) if count)


Move = tuple[str, State]

EXPIRIES = {"a flag expires", "the batcher's place expires"}
FAULTS = {"Redis loses everything", "an API process dies", "a worker dies", "Postgres ends a transaction"}
EVENTS = EXPIRIES | FAULTS  # what nothing has to wait for: all else that a model does are its steps


class Model:
    """The protocol. A subclass breaks it in one place."""

    first_step = "submit"  # of a caller

    def __init__(
        self,
        transfers: Iterable[int],
        *,
        shards: int = 1,
        limit: int = 1,
        sweeps: int = 0,
        expires: bool = True,
        faults: bool = False,
    ) -> None:
        """`transfers` names a shard each. `limit` is the size of a full batch of a shard, `sweeps` how often a sweeper comes
        unasked. With `expires`, keys expire at any moment. With `faults`, all that may go wrong may do so at any moment, and the
        sweeper comes when nothing else happens.
        """
        self.limit, self.expires, self.faults = limit, expires, faults
        self.all_shards = (1 << shards) - 1
        callers = tuple(sorted(Caller(self.first_step, shard) for shard in transfers))
        self.start = State((0,) * shards, Redis(), callers, (Worker(), Worker()), sweeps)

    def events(self, state: State) -> Iterator[Move]:
        """Yield what may happen beside the steps: keys that expire, and faults."""
        if self.expires:
            yield from self.expiries(state)
        if self.faults:
            yield from self.all_faults(state)

    def steps_and_sweep(self, state: State) -> list[Move]:
        """Return the steps where faults may have happened: a sweeper's, when there is no other."""
        return self.steps(state) or (list(self.sweep(state)) if self.faults else [])

    def steps(self, state: State) -> list[Move]:
        """Return the steps of the protocol alone. Where there is none, the system is at rest."""
        found = []
        for number, caller in enumerate(state.callers):
            if number == 0 or caller != state.callers[number - 1]:
                found += [(f"caller: {caller.step}", after) for after in getattr(self, caller.step)(state, caller)]
        for number, worker in enumerate(state.workers):
            if number == 0 or worker != state.workers[number - 1]:
                for redis, queue, changed in getattr(self, worker.step)(state, worker):
                    step = "take_job" if worker.step == "idle" else worker.step
                    found.append((f"worker: {step}", put(state, worker, changed, redis, queue)))
        if state.sweeps:
            found += [(title, after._replace(sweeps=state.sweeps - 1)) for title, after in self.sweep(state)]
        return found

    # The API

    def submit(self, state: State, caller: Caller) -> Iterator[State]:
        queue = tuple(count + (shard == caller.shard) for shard, count in enumerate(state.queue))
        yield move_caller(state._replace(queue=queue), caller, "raise_flags")

    def raise_flags(self, state: State, caller: Caller) -> Iterator[State]:
        raised, redis = state.redis.raise_flags(1 << caller.shard)
        yield move_caller(state._replace(redis=redis), caller, "enqueue" if raised else None)

    def enqueue(self, state: State, caller: Caller) -> Iterator[State]:
        yield move_caller(state._replace(redis=state.redis.enqueue(1 << caller.shard)), caller, None)

    # A worker. Each step yields what Redis and the queue hold after it, and the worker.

    def idle(self, state: State, worker: Worker) -> Iterator[Any]:
        for job in set(state.redis.jobs):
            yield state.redis.pop(job), state.queue, worker.look(held=job)

    def lock_shards(self, state: State, worker: Worker) -> Iterator[Any]:
        free = worker.target
        for other in state.workers:
            free &= ~other.locked
        yield state.redis, state.queue, worker._replace(step="claim_queue", locked=free)

    def claim_queue(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker._replace(step="commit", claimed=self.claim(state, worker.locked))

    def claim(self, state: State, locked: int) -> tuple[int, ...]:
        """Return how many transfers of these shards are claimed. Raises Violation where another transaction has claimed them."""
        claimed = tuple(min(count, self.limit) if locked >> shard & 1 else 0 for shard, count in enumerate(state.queue))
        for other in state.workers:
            if any(mine and others for mine, others in zip(claimed, other.claimed, strict=False)):
                raise Violation("two drain a shard at a time")
        return claimed

    def commit(self, state: State, worker: Worker) -> Iterator[Any]:
        queue = tuple(count - claimed for count, claimed in zip(state.queue, worker.claimed, strict=True))
        if min(queue) < 0:
            raise Violation("a transfer is drained twice")
        busy = worker.target & ~worker.locked
        worker = worker._replace(
            locked=0,
            claimed=(),
            full=worker.full or any(count >= self.limit for count in worker.claimed),
            finished=worker.finished or any(worker.claimed),
        )
        if busy and not worker.is_second_try:
            yield state.redis, queue, worker._replace(step="ask_rerun", target=busy)
            return
        for decided in self.decide(worker._replace(held=worker.held & ~busy)):
            yield state.redis, queue, decided

    def ask_rerun(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis.ask_rerun(worker.target), state.queue, worker._replace(step="lock_shards", is_second_try=True)

    def decide(self, worker: Worker) -> Iterator[Worker]:
        """Choose what comes after a batch, by the code's own function."""
        if not worker.held:
            yield worker._replace(step="end")
            return
        steps = {
            next_step(full=worker.full, is_over=is_over, is_last_look=worker.is_last_look, waits=worker.waits)
            for is_over in (False, True)
        }
        for step in steps:
            yield from self.after(step, worker)

    def after(self, step: Step, worker: Worker) -> Iterator[Worker]:
        if step is Step.RING_AGAIN:
            yield worker._replace(step="lower_again", to_ring=worker.held)
        elif step is Step.GO_ON:
            for passes_on in (False, True):
                yield worker._replace(step="take_over", passes_on=passes_on)
        elif step is Step.END:
            yield worker._replace(step="rerun_asked")
        else:
            yield worker._replace(step="release")
            if step is Step.WAIT and worker.finished:
                yield worker._replace(step="become")

    def become(self, state: State, worker: Worker) -> Iterator[Any]:
        became, redis = (True, state.redis) if worker.is_batcher else state.redis.become()
        for step in ("take_over", "release"):  # it waits, if need be beside the batcher; or a job waits for a worker
            yield redis, state.queue, worker._replace(step=step, is_batcher=became)

    def take_over(self, state: State, worker: Worker) -> Iterator[Any]:
        handed_over, redis = state.redis.take_over() if worker.is_batcher else (0, state.redis)
        worker = worker._replace(held=worker.held | handed_over)
        if not worker.full:
            yield redis, state.queue, worker._replace(step="acquire")
        elif worker.passes_on and worker.held & (worker.held - 1):
            yield redis, state.queue, worker._replace(step="pass_on")
        else:
            yield redis, state.queue, worker.look()

    def acquire(self, state: State, worker: Worker) -> Iterator[Any]:
        acquired, redis = state.redis.raise_flags(self.all_shards & ~worker.held)
        yield redis, state.queue, worker.look(held=worker.held | acquired)

    def pass_on(self, state: State, worker: Worker) -> Iterator[Any]:
        passed_on = worker.held & (worker.held - 1)  # all but the first: with two shards, half of them
        yield state.redis.enqueue(passed_on), state.queue, worker.look(held=worker.held & ~passed_on)

    def release(self, state: State, worker: Worker) -> Iterator[Any]:
        handed_over, redis = state.redis.release() if worker.is_batcher else (0, state.redis)
        yield redis, state.queue, worker._replace(step="hand_over", held=worker.held | handed_over, is_batcher=False)

    def hand_over(self, state: State, worker: Worker) -> Iterator[Any]:
        is_handed_over, redis = state.redis.hand_over(worker.held)
        yield redis, state.queue, worker._replace(step="end", held=0) if is_handed_over else worker.look(is_last_look=True)

    def rerun_asked(self, state: State, worker: Worker) -> Iterator[Any]:
        is_asked, redis = state.redis.rerun_asked(worker.held)
        yield redis, state.queue, worker.look(is_last_look=False) if is_asked else worker._replace(step="end")

    def lower_again(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis.lower(worker.to_ring), state.queue, worker._replace(step="raise_again")

    def raise_again(self, state: State, worker: Worker) -> Iterator[Any]:
        raised, redis = state.redis.raise_flags(worker.to_ring)
        yield redis, state.queue, worker._replace(step="enqueue_again" if raised else "end", to_ring=raised)

    def enqueue_again(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis.enqueue(worker.to_ring), state.queue, worker._replace(step="end")

    def defer(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis.lower(worker.held), state.queue, worker._replace(step="end")

    def end(self, state: State, worker: Worker) -> Iterator[Any]:
        if not worker.is_batcher:
            yield state.redis, state.queue, Worker()
            return
        handed_over, redis = state.redis.release()
        worker = worker._replace(is_batcher=False, to_ring=handed_over)
        yield redis, state.queue, worker._replace(step="lower_again") if handed_over else Worker()

    # The sweeper: a worker that was not rung for, and does not wait

    def sweep(self, state: State) -> Iterator[Move]:
        if state.waiting and Worker() in state.workers:
            swept = Worker().look(held=state.waiting, waits=False)
            yield "sweep", put(state, Worker(), swept, state.redis, state.queue)

    # Time

    def expiries(self, state: State) -> Iterator[Move]:
        redis = state.redis
        for shard in range(len(state.queue)):
            if redis.flags >> shard & 1:
                yield "a flag expires", state._replace(redis=redis.lower(1 << shard))
        if redis.has_batcher:
            yield "the batcher's place expires", state._replace(redis=redis._replace(has_batcher=False))

    # Faults

    def all_faults(self, state: State) -> Iterator[Move]:
        if state.redis != Redis():
            yield "Redis loses everything", state._replace(redis=Redis())
        for caller in set(state.callers):
            if caller.step != self.first_step:
                yield "an API process dies", move_caller(state, caller, None)
        for worker in set(state.workers):
            if worker != Worker():
                yield "a worker dies", put(state, worker, Worker(), state.redis, state.queue)
            if worker.step in ("claim_queue", "commit"):
                failed = worker._replace(step="defer", locked=0, claimed=())
                yield "Postgres ends a transaction", put(state, worker, failed, state.redis, state.queue)


def put(state: State, before: Worker, after: Worker, redis: Redis, queue: tuple[int, ...]) -> State:
    """Return the state after a worker's step. Workers are sorted: which one does a step makes no difference."""
    workers = list(state.workers)
    workers.remove(before)
    if after.step == "end" and not after.is_batcher:
        after = Worker()
    return State(queue, redis, state.callers, tuple(sorted([*workers, after])), state.sweeps)


def move_caller(state: State, caller: Caller, step: str | None) -> State:
    """Return the state after a caller's step; without a next one the caller is done."""
    callers = list(state.callers)
    callers.remove(caller)
    if step is not None:
        callers.append(caller._replace(step=step))
    return state._replace(callers=tuple(sorted(callers)))


class Explored(NamedTuple):
    """All states that can be reached, each with the move that led there first, and from which others a step leads there."""

    came_by: dict[State, tuple[State | None, str]]
    before: dict[State, list[State]]  # by one step of the protocol, or of the sweeper; empty for a model without faults
    titles: set[str]

    def cannot_reach(self, goals: Iterable[State]) -> set[State]:
        """Return the states from which steps alone lead to none of the goals."""
        leading = set(goals)
        ahead = list(leading)
        while ahead:
            for state in self.before.get(ahead.pop(), ()):
                if state not in leading:
                    leading.add(state)
                    ahead.append(state)
        return set(self.came_by) - leading

    def path_to(self, state: State | None) -> list[str]:
        """Return the shortest series of moves to a state."""
        path: list[str] = []
        while state is not None:
            state, title = self.came_by[state]
            path.append(title)
        return path[-2::-1]


def explore(model: Model, check: Callable[[State], str | None] = lambda _: None) -> Explored:
    """Visit every reachable state, breadth first. Raises Violation, with the shortest path, where a step finds one, or `check` in
    a state at rest.
    """
    explored = Explored({model.start: (None, "start")}, {}, set())
    ahead = deque([model.start])
    while ahead:
        state = ahead.popleft()
        try:
            steps = model.steps_and_sweep(state)
        except Violation as violation:
            raise Violation(f"{violation} after {explored.path_to(state)}") from violation
        if not steps and (wrong := check(state)):
            raise Violation(f"{wrong} after {explored.path_to(state)}")
        for title, after in [*steps, *model.events(state)]:
            explored.titles.add(title)
            if model.faults and title not in EVENTS:
                explored.before.setdefault(after, []).append(state)
            if after not in explored.came_by:
                explored.came_by[after] = (state, title)
                ahead.append(after)
    return explored
