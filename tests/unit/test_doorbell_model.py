"""The doorbell's protocol explored: every interleaving of two workers, callers, the sweeper, expiring keys and faults.

No wake-up is lost; a Redis that loses everything and a process that dies only delay; no transfer is drained by two workers at once.
Each deliberate break of the model is found, so the exploration is known to look where it should. The model's steps are the code's:
their order is read from its source.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.intake.intake import Intake
from api.intake.ringer import Ringer
from api.v1.cancel import cancel
from core.redis.batcher import Batcher
from core.redis.shard_doorbell import ShardDoorbell
from tests.doorbell_model import EVENTS, Caller, Model, State, Violation, Worker, explore, move_caller
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer
from worker.ledger.failures import CarefulApplier
from worker.ledger.shards import ShardSet
from worker.ledger.sweep import Sweeper

# Worlds small enough to be explored whole, and large enough for what is broken below.
WORLDS: dict[str, dict[str, Any]] = {
    "two transfers, a batch each": {"transfers": (0, 0)},
    "two transfers, one batch": {"transfers": (0, 0), "limit": 2},
    "a sweeper that comes unasked": {"transfers": (0,), "limit": 2, "sweeps": 1},
    "two shards": {"transfers": (0, 1), "shards": 2, "limit": 2, "expires": False},
}
LARGE: dict[str, dict[str, Any]] = {
    "two transfers and a sweeper": {"transfers": (0, 0), "limit": 2, "sweeps": 1, "expires": False},
}
FAULTY: dict[str, dict[str, Any]] = {
    "faults": {"transfers": (0, 0), "limit": 2, "faults": True},
}


def lost_wake_up(state: State) -> str | None:
    """Check a state at rest, without faults: no transfer waits, and nothing is left that silences the next ring."""
    redis = state.redis
    if state.waiting or redis.flags or redis.jobs or redis.handed_over:
        return f"at rest: queue {state.queue}, {redis}"
    return None


def prove(make: type[Model], world: dict[str, Any]) -> set[str]:
    """Explore a world. Raises Violation where a property does not hold; returns the titles of all that has happened."""
    model = make(**world)
    if not model.faults:
        return explore(model, lost_wake_up).titles
    explored = explore(model)
    stuck = explored.cannot_reach(state for state in explored.came_by if not state.waiting and not model.steps_and_sweep(state))
    for state in explored.came_by:  # the nearest first
        if state in stuck:
            raise Violation(f"never applied after {explored.path_to(state)}")
    return explored.titles


def prove_all(make: type[Model]) -> None:
    for world in (*WORLDS.values(), *FAULTY.values()):
        prove(make, world)


@pytest.mark.parametrize("world", [*WORLDS.values(), *LARGE.values()], ids=[*WORLDS, *LARGE])
def test_no_wake_up_is_lost_and_no_transfer_is_drained_by_two_at_a_time(world: dict[str, Any]) -> None:
    prove(Model, world)


@pytest.mark.parametrize("world", FAULTY.values(), ids=[*FAULTY])
def test_a_redis_that_loses_everything_and_a_process_that_dies_only_delay(world: dict[str, Any]) -> None:
    assert prove(Model, world) >= EVENTS | {"sweep"}


# The deliberate breaks


class NoSecondLook(Model):
    """The flag is lowered, and the worker ends without a last look."""

    def hand_over(self, state: State, worker: Worker) -> Iterator[Any]:
        _, redis = state.redis.hand_over(worker.held)
        yield redis, state.queue, worker._replace(step="end", held=0)


class LowersAfterTheClaim(Model):
    """The flag is lowered while the last look's transaction is open, after its claim."""

    def hand_over(self, state: State, worker: Worker) -> Iterator[Any]:
        is_handed_over, redis = state.redis.hand_over(worker.held)
        if is_handed_over:
            yield redis, state.queue, worker._replace(step="end", held=0)
        else:
            yield state.redis, state.queue, worker.look(is_last_look=True)

    def commit(self, state: State, worker: Worker) -> Iterator[Any]:
        for redis, queue, changed in super().commit(state, worker):
            yield redis.lower(worker.locked) if worker.is_last_look else redis, queue, changed


class AsksForNothing(Model):
    """A worker that finds a shard locked leaves no wish."""

    def ask_rerun(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker._replace(step="lock_shards", is_second_try=True)


class TriesOnce(Model):
    """A worker that finds a shard locked leaves a wish, and does not try the lock again."""

    def ask_rerun(self, state: State, worker: Worker) -> Iterator[Any]:
        for decided in self.decide(worker._replace(held=worker.held & ~worker.target)):
            yield state.redis.ask_rerun(worker.target), state.queue, decided


class AsksAfterTheSecondTry(Model):
    """The wish is left when the second try has failed, not before it."""

    def ask_rerun(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker._replace(step="lock_shards", is_second_try=True)

    def commit(self, state: State, worker: Worker) -> Iterator[Any]:
        busy = worker.target & ~worker.locked if worker.is_second_try else 0
        for redis, queue, changed in super().commit(state, worker):
            yield redis.ask_rerun(busy), queue, changed


class ReadsTheWishTooSoon(Model):
    """The wish is read while the last look's lock is held."""

    def claim_queue(self, state: State, worker: Worker) -> Iterator[Any]:
        for redis, queue, changed in super().claim_queue(state, worker):
            asked, without = redis.rerun_asked(worker.held)
            yield (without, queue, changed._replace(memo=asked)) if worker.is_last_look else (redis, queue, changed)

    def rerun_asked(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker.look(is_last_look=False, memo=0) if worker.memo else worker._replace(step="end")


class EndsWithoutRinging(Model):
    """A batcher whose time is over ends without a ring for what was handed over to it."""

    def end(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis.release()[1] if worker.is_batcher else state.redis, state.queue, Worker()


class DropsWhatWasHandedOver(Model):
    """A batcher that releases its place drains nothing of what was handed over to it since."""

    def release(self, state: State, worker: Worker) -> Iterator[Any]:
        for redis, queue, changed in super().release(state, worker):
            yield redis, queue, changed._replace(held=worker.held)


class HandsOverToNoBatcher(Model):
    """Shards are handed over, flags up, where there is no batcher."""

    def hand_over(self, state: State, worker: Worker) -> Iterator[Any]:
        _, redis = state.redis._replace(has_batcher=True).hand_over(worker.held)
        yield redis._replace(has_batcher=state.redis.has_batcher), state.queue, worker._replace(step="end", held=0)


class HandsOverInTwoSteps(Model):
    """Whether there is a batcher is read first, and the shards are added to its set after that."""

    def hand_over(self, state: State, worker: Worker) -> Iterator[Any]:
        if state.redis.has_batcher:
            yield state.redis, state.queue, worker._replace(step="add")
        else:
            yield from super().hand_over(state, worker)

    def add(self, state: State, worker: Worker) -> Iterator[Any]:
        added = state.redis._replace(handed_over=state.redis.handed_over | worker.held)
        yield added, state.queue, worker._replace(step="end", held=0)


class ReleasesInTwoSteps(Model):
    """A batcher takes what was handed over, and frees its place after that."""

    def release(self, state: State, worker: Worker) -> Iterator[Any]:
        if not worker.is_batcher:
            yield from super().release(state, worker)
            return
        handed_over, redis = state.redis.take_over()
        yield redis, state.queue, worker._replace(step="free", held=worker.held | handed_over)

    def free(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis._replace(has_batcher=False), state.queue, worker._replace(step="hand_over", is_batcher=False)


class LocksNothing(Model):
    """Shards are drained without their locks."""

    def lock_shards(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker._replace(step="claim_queue", locked=worker.target)


class ClaimsBeforeItLocks(Model):
    """One statement locks and claims: what it claims is older than the lock."""

    def lock_shards(self, state: State, worker: Worker) -> Iterator[Any]:
        seen = tuple(min(count, self.limit) for count in state.queue)
        yield state.redis, state.queue, worker._replace(step="lock_late", memo=seen[0])

    def lock_late(self, state: State, worker: Worker) -> Iterator[Any]:
        for redis, queue, changed in super().lock_shards(state, worker):
            claimed = worker.memo if changed.locked & 1 else 0
            yield redis, queue, changed._replace(step="commit", claimed=(claimed,), memo=0)


class RingsBeforeTheCommit(Model):
    """The API rings, and commits after that."""

    first_step = "raise_flags"

    def raise_flags(self, state: State, caller: Caller) -> Iterator[State]:
        raised, redis = state.redis.raise_flags(1 << caller.shard)
        yield move_caller(state._replace(redis=redis), caller, "enqueue" if raised else "submit")

    def enqueue(self, state: State, caller: Caller) -> Iterator[State]:
        yield move_caller(state._replace(redis=state.redis.enqueue(1 << caller.shard)), caller, "submit")

    def submit(self, state: State, caller: Caller) -> Iterator[State]:
        for after in super().submit(state, caller):
            yield move_caller(after, caller._replace(step="raise_flags"), None)


class RingsAgainFlagsUp(Model):
    """A worker whose time is over rings for its shards without lowering their flags."""

    def lower_again(self, state: State, worker: Worker) -> Iterator[Any]:
        yield state.redis, state.queue, worker._replace(step="raise_again")


class NoSweeper(Model):
    """No process looks for shards that were not rung for."""

    def sweep(self, state: State) -> Iterator[tuple[str, State]]:
        return iter(())


BROKEN = (
    *(NoSecondLook, LowersAfterTheClaim, AsksForNothing, TriesOnce, AsksAfterTheSecondTry, ReadsTheWishTooSoon),
    *(EndsWithoutRinging, DropsWhatWasHandedOver, HandsOverToNoBatcher, HandsOverInTwoSteps, ReleasesInTwoSteps),
    *(LocksNothing, ClaimsBeforeItLocks, RingsBeforeTheCommit, RingsAgainFlagsUp, NoSweeper),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_protocol_is_found(broken: type[Model]) -> None:
    with pytest.raises(Violation):
        prove_all(broken)


def test_every_break_is_tried() -> None:
    assert {*BROKEN} == {*Model.__subclasses__()}


# The model's steps are the code's

CODE: tuple[tuple[Callable[..., object], tuple[str, ...]], ...] = (
    (Intake._store, ("await self._database.run(", "self._ringer.ring(")),
    (ShardDoorbell._ring, ("self._raise_flags(shards)", "if silent:", "self._enqueue(silent)")),
    (ShardDoorbell.ring_if_asked, ("if self.rerun_asked(", "self.lower(", "self.ring(")),
    (Ringer._send, ("self._doorbell.ring_if_asked(", "self._doorbell.ring(")),
    (cancel, ("await transfers.cancel(", "finally:", "shared.intake.ring_if_asked(")),
    (ShardDoorbell.acquire, ("self._raise_flags(shards)",)),
    (Applier._claim, ('"drain/lock_shards"', '"drain/claim_queue"')),
    (Applier._apply, ("connection.transaction()", "self._claim(", "self._write(")),
    (Drainer._drain, ("self._applier.apply(shards", "self._doorbell.ask_rerun(", "self._applier.apply(batch.busy")),
    (
        Drainer._run,
        (
            *("self._drain(", "shards.drop(batch)", "next_step(", "Step.RING_AGAIN", "shards.ring_again()", "break"),
            *("Step.GO_ON", "shards.take_over()", "self._share(batch)"),
            *("Step.WAIT and shards.may_wait(", "shards.wait_for_more()"),
            *("shards.hand_over()", "is_last_look = True", "shards.is_asked_again()", "is_last_look = False", "break"),
        ),
    ),
    (Drainer.run, ("self._shards.begin(", "self._run(", "self._applier.defer(", "finally:", "self._shards.end()")),
    (ShardSet.may_wait, ("self._is_or_becomes_batcher()", "self._doorbell.is_silent()")),
    (ShardSet._is_or_becomes_batcher, ("self._batcher.become()",)),
    (ShardSet.wait_for_more, ("self.take_over()", "self._doorbell.acquire(self._others())")),
    (ShardSet.take_over, ("if self._is_batcher:", "self._batcher.take_over()")),
    (ShardSet.share, ("self._doorbell.pass_on(", "self.held = self.held[:half]")),
    (ShardSet.hand_over, ("self._release()", "self._batcher.hand_over(self.held)", "self.held = []")),
    (ShardSet._release, ("if not self._is_batcher:", "self._is_batcher = False", "self._batcher.release()")),
    (Batcher._take_over, ("self._hints.redis.pipeline() as transaction:", "spop(", "expire(", "transaction.execute()")),
    (ShardSet.is_asked_again, ("self._doorbell.rerun_asked(self.held)",)),
    (ShardSet.end, ("self._release()", "if handed_over:", "self._ring_again(handed_over)")),
    (ShardSet.ring_again, ("self._ring_again(self.held)",)),
    (ShardSet._ring_again, ("self._doorbell.lower(", "self._doorbell.ring(")),
    (CarefulApplier.defer, ("self._doorbell.lower(",)),
    (Sweeper.run_once, ("self._waiting_shards()", "self._drainer.run(", "waits=False")),
)


@pytest.mark.parametrize(("function", "steps"), CODE, ids=lambda value: getattr(value, "__qualname__", ""))
def test_the_code_takes_the_steps_of_the_model_in_their_order(function: Callable[..., object], steps: tuple[str, ...]) -> None:
    source, at = inspect.getsource(function), 0
    for step in steps:
        at = source.find(step, at)
        assert at >= 0, f"{step} is missing, or comes too early"


def test_the_model_has_every_command_of_the_doorbell_and_of_the_batcher() -> None:
    called = "".join(step for _, steps in CODE for step in steps)

    commands = [name for kind in (ShardDoorbell, Batcher) for name in vars(kind) if not name.startswith("_")]
    assert [name for name in commands if f"_doorbell.{name}(" not in called and f"_batcher.{name}(" not in called] == []
    assert len(commands) == 12
