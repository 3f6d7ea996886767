"""Teller's own road from a batch of requests to final transfers, on a real database, against a model that is a few dicts.

The order of what a drain made final is taken from the feed of events, and the model is asked what each of them should have become
there: so the model need not know how batches are cut, and the feed is held against it too.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from api.http import idempotency
from api.intake import intake
from api.intake.intake import Accepted, Existing, SubmitResult, UnknownWallets
from core import ids
from core.admin.audit import audit
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.postgres.connections import AsyncConnection
from core.postgres.limits import API_LIMITS, session_of
from core.transfers import Submission
from tests.databases import Databases
from tests.world import SHARDS, World, deposit, new_id, transfer
from worker.ledger.apply import Applier
from worker.ledger.batch_limit import BATCH_MAX

EXAMPLES = 9
STEPS = 40
POISONS_MAX = 2  # or one more, an example: each costs as many attempts and pauses as it takes to give up on it

# An unknown fault: whatever would give a poisoned transfer entries fails. A class of errors that only time heals would
# be no poison. Two bits of the machine's own, which the application may neither see nor change.
MAKE_POISONABLE = """
CREATE TABLE poison (transfer_id uuid PRIMARY KEY);
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM poison WHERE transfer_id = NEW.transfer_id) THEN RAISE EXCEPTION 'poison'; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER poison BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""

LARGE = st.sampled_from([BALANCE_MAX, BALANCE_MAX - 30])
AMOUNTS = st.one_of(st.integers(1, 60), LARGE)
DEPOSITS = st.one_of(*[st.integers(1, 60)] * 4, LARGE)  # a large one leaves its shard's external wallet next to nothing to give


@dataclass(frozen=True)
class Known:
    """What the model knows of an accepted transfer."""

    submission: Submission
    position: int


@dataclass
class Ground:
    """What an example stands on: a database of its own, with external wallets at 0, and the connections to it."""

    world: World
    owner: psycopg.Connection[Any]
    connection: AsyncConnection
    loop: asyncio.AbstractEventLoop
    applier: Applier

    def submit(self, submissions: Sequence[Submission]) -> list[SubmitResult]:
        return self.loop.run_until_complete(intake.store_batch(self.connection, submissions))

    def close(self) -> None:
        self.applier.close()
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()
        self.owner.close()


def new_ground(databases: Databases) -> Ground:
    url = databases.migrated()
    world = World(url, databases.owner_url(url))
    owner = psycopg.connect(world.owner_url, autocommit=True)
    owner.execute(MAKE_POISONABLE)
    loop = asyncio.new_event_loop()
    submitting = loop.run_until_complete(
        AsyncConnection.connect(
            world.url, limits=session_of(API_LIMITS), on_refusal=lambda _: None, autocommit=True, prepare_threshold=1
        )
    )
    return Ground(world, owner, submitting, loop, world.applier())


class Teller(RuleBasedStateMachine):
    """Every rule is something that callers or workers may do at any moment; the model says what must come of it."""

    databases: ClassVar[Databases]
    met: ClassVar[Counter[str]]

    wallets: Bundle[UUID] = Bundle("wallets")
    sent: Bundle[Submission] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.ground = new_ground(self.databases)
        self.outside: Counter[int] = Counter()  # the balances of the external wallets, by their shard
        self.balances: dict[UUID, int] = {}
        self.versions: Counter[UUID] = Counter()
        self.by_key: dict[str, Submission] = {}
        self.queued: dict[UUID, Known] = {}
        self.outcomes: dict[UUID, str] = {}
        self.poisoned: set[UUID] = set()
        self.seen = self._newest_moment()
        self.drainer = self.ground.world.drainer()  # one drainer may give up on so many alone

    @initialize(target=wallets)
    def begin(self) -> MultipleResults[UUID]:
        """Some wallets in few shards, so that batches share shards and cross between them."""
        made = [self.ground.world.new_wallet(shard=shard) for shard in (1, 1, 2, 9)]
        self.balances |= dict.fromkeys(made, 0)
        return multiple(*made)

    @rule(target=sent, deposits=st.lists(st.tuples(wallets, DEPOSITS), min_size=1, max_size=4))
    def deposit(self, deposits: list[tuple[UUID, int]]) -> MultipleResults[Submission]:
        return self._submit([stamped(deposit(wallet, amount)) for wallet, amount in deposits])

    @rule(target=sent, moves=st.lists(st.tuples(wallets, wallets, AMOUNTS), min_size=1, max_size=12))
    def transfer(self, moves: list[tuple[UUID, UUID, int]]) -> MultipleResults[Submission]:
        """A batch of several shards."""
        return self._submit([stamped(transfer(*move)) for move in moves if move[0] != move[1]])

    @rule(source=wallets, known=st.booleans())
    def transfer_to_an_absent_wallet(self, source: UUID, known: bool) -> None:
        """It stands beside a good one in its batch, or alone, and stores nothing."""
        neighbours = [stamped(deposit(source, 1))] if known else []
        self._submit([stamped(transfer(source, new_id(), 1)), *neighbours])

    @rule(again=st.lists(sent, min_size=1, max_size=4))
    def replay(self, again: list[Submission]) -> None:
        """The same requests, perhaps twice in one batch, with the ids that a repeated request is given."""
        self._submit([replace(one, id=new_id()) for one in again])

    @rule(target=sent, first=sent, wallet=wallets)
    def reuse_a_key_and_send_a_new_request_twice(self, first: Submission, wallet: UUID) -> MultipleResults[Submission]:
        other = stamped(deposit(wallet, 7, idempotency_key=first.idempotency_key))
        new = stamped(deposit(wallet, 3))
        return self._submit([other, new, replace(new, id=new_id())])

    @precondition(lambda self: len(self.poisoned) < POISONS_MAX)
    @rule(target=sent, into=st.lists(wallets, min_size=1, max_size=5), bad=st.sets(st.integers(0, 4), min_size=1, max_size=2))
    def poison(self, into: list[UUID], bad: set[int]) -> MultipleResults[Submission]:
        """One or two poisons in a batch, among others of their shards and of other shards."""
        batch = [stamped(deposit(wallet, 1)) for wallet in into]
        for one in [one for number, one in enumerate(batch) if number in bad]:
            self.ground.owner.execute("INSERT INTO poison VALUES (%s)", [one.id])
            self.poisoned.add(one.id)
        return self._submit(batch)

    @rule(shards=st.sets(st.sampled_from([1, 2, 9, 4]), min_size=1), limit=st.integers(1, 5))
    def apply_one_batch(self, shards: set[int], limit: int) -> None:
        """One transaction: so many of each shard, in the order of their acceptance over all of them, or nothing at all."""
        heads = [known for shard in shards for known in self._waiting(shard)[:limit]]
        expected = [known.submission.id for known in sorted(heads, key=lambda known: known.position)]
        try:
            batch = self.ground.applier.apply(shards, limit)
        except psycopg.errors.RaiseException:
            assert self.poisoned & set(expected)
            expected = []
        else:
            assert batch.finished == len(expected)
        assert self._follow() == expected

    @rule(shards=st.one_of(st.just(set(range(SHARDS))), st.sets(st.sampled_from([1, 2, 9]), min_size=1)))
    def answer(self, shards: set[int]) -> None:
        """Drained to the end, poisons and all; within each shard in the order of acceptance."""
        waited = {shard: [known.submission.id for known in self._waiting(shard)] for shard in shards}
        assert sum(map(len, waited.values())) < BATCH_MAX // SHARDS  # else a poison would take more attempts

        assert self.drainer.run(sorted(shards)) == sum(map(len, waited.values()))

        finished = self._follow()
        for shard, expected in waited.items():
            assert [id for id in finished if id in set(expected)] == expected, shard
            assert not self._waiting(shard)

    @invariant()
    def balances_and_versions_are_those_of_the_model(self) -> None:
        rows = self.ground.owner.execute("SELECT id, balance, version FROM wallets WHERE id = ANY(%s)", [list(self.balances)])
        assert {id: (balance, version) for id, balance, version in rows} == {
            id: (balance, self.versions[id]) for id, balance in self.balances.items()
        }

    @invariant()
    def balances_of_external_wallets_are_those_of_the_model(self) -> None:
        rows = self.ground.owner.execute("SELECT id, balance FROM wallets WHERE kind = 'external'").fetchall()
        assert dict(rows) == {ids.external_wallet(shard): self.outside[shard] for shard in range(SHARDS)}

    @invariant()
    def exactly_what_the_model_has_queued_is_queued(self) -> None:
        rows = self.ground.owner.execute("SELECT transfer_id FROM queue")
        assert {id for (id,) in rows} == set(self.queued)

    @invariant()
    def the_audit_is_clean(self) -> None:
        report = audit(self.ground.world.url)
        assert report.clean, "\n".join(report.lines())

    @invariant()
    def an_outcome_is_what_the_model_says_and_stays_so(self) -> None:
        rows = self.ground.owner.execute(
            "SELECT id, coalesce(failure_code, status) FROM transfers WHERE id = ANY(%s)", [list(self.outcomes)]
        )
        assert dict(rows.fetchall()) == self.outcomes

    def teardown(self) -> None:
        self.drainer.close()
        self.ground.close()

    def _submit(self, batch: Sequence[Submission]) -> MultipleResults[Submission]:
        """Store a batch as the API does, and hold every answer against the model. Returns what was accepted, for a bundle."""
        answers = self.ground.submit(batch) if batch else []
        accepted = []
        for one, answer in zip(batch, answers, strict=True):
            first = self.by_key.get(one.idempotency_key)
            nobody = {id for id in (one.source, one.destination) if id not in self.balances and one.type == "transfer"}
            if first is not None:
                assert isinstance(answer, Existing), answer
                self._check_existing(answer, first, one)
            elif nobody:
                assert answer == UnknownWallets(frozenset(nobody))
                self.met["unknown wallets"] += 1
            else:
                assert isinstance(answer, Accepted), answer
                self.by_key[one.idempotency_key] = one
                accepted.append(one)
        self._take_places(accepted)
        return multiple(*accepted)

    def _check_existing(self, answer: Existing, first: Submission, one: Submission) -> None:
        """A key that was used leads to its transfer as it is, whatever the request; the fingerprints tell a replay from another."""
        found = answer.transfer
        status = {"applied": "applied"}.get(outcome, "rejected") if (outcome := self.outcomes.get(first.id)) else "queued"
        assert (found.id, found.status) == (first.id, status)
        same = (first.type, first.source, first.destination, first.amount) == (one.type, one.source, one.destination, one.amount)
        assert (found.fingerprint == one.fingerprint) is same
        self.met["replayed" if same else "reused"] += 1

    def _take_places(self, accepted: Sequence[Submission]) -> None:
        """Places in the queue are given in the order of arrival."""
        rows = self.ground.owner.execute(
            "SELECT transfer_id, position FROM queue WHERE transfer_id = ANY(%s) ORDER BY position", [[one.id for one in accepted]]
        ).fetchall()
        assert [id for id, _ in rows] == [one.id for one in accepted]
        self.queued |= {one.id: Known(one, position) for one, (_, position) in zip(accepted, rows, strict=True)}

    def _waiting(self, shard: int) -> list[Known]:
        return sorted(
            (known for known in self.queued.values() if known.submission.shard == shard), key=lambda known: known.position
        )

    def _follow(self) -> list[UUID]:
        """Go through the events that are new, let the model do each, compare the outcomes; return the transfers in that order."""
        finished = []
        for id, outcome in self._new_events():
            assert outcome == self._finish(self.queued.pop(id).submission), id
            self.outcomes[id] = outcome
            self.met[outcome] += 1
            finished.append(id)
        return finished

    def _new_events(self) -> list[tuple[UUID, str]]:
        rows = self.ground.owner.execute(
            "SELECT t.moment, t.id, coalesce(t.failure_code, t.status) FROM events e"
            " JOIN transfers t ON t.id = ANY(e.transfer_ids) WHERE e.moment > %s ORDER BY t.moment, t.ordinal",
            [self.seen],
        ).fetchall()
        self.seen = max((moment for moment, _, _ in rows), default=self.seen)
        return [(id, outcome) for _, id, outcome in rows]

    def _newest_moment(self) -> int:
        row = self.ground.owner.execute("SELECT coalesce(max(moment), 0) FROM events").fetchone()
        assert row is not None
        return int(row[0])

    def _finish(self, one: Submission) -> str:
        """Do in the model what must become of it now. A poison that would be refused anyway never gets to poison anything."""
        if one.type == "transfer" and self.balances[one.source] < one.amount:
            return "insufficient_funds"
        if one.type == "deposit" and self.outside[one.shard] - one.amount < EXTERNAL_BALANCE_MIN:
            self.met["external wallet at its limit"] += 1
            return "balance_limit_exceeded"
        if self.balances[one.destination] + one.amount > BALANCE_MAX:
            self.met["client wallet at its limit"] += 1
            return "balance_limit_exceeded"
        if one.id in self.poisoned:
            return "internal"
        if one.type == "transfer":
            self.balances[one.source] -= one.amount
            self.versions[one.source] += 1
        else:
            self.outside[one.shard] -= one.amount
        self.balances[one.destination] += one.amount
        self.versions[one.destination] += 1
        return "applied"


def stamped(one: Submission) -> Submission:
    """With the fingerprint that the API would give it."""
    fields = {"source": one.source, "destination": one.destination, "amount": min(one.amount, AMOUNT_MAX)}
    return replace(one, fingerprint=idempotency.fingerprint(one.type, fields))


@pytest.mark.long
def test_whatever_callers_and_workers_do_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(Teller):
        pass

    OnThisServer.databases, OnThisServer.met = databases, Counter()
    bounded = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # a failure is shown as it was found: making it smaller would take minutes
    )

    run_machine(OnThisServer, settings=bounded)

    assert_all_met(OnThisServer.met, ["applied", "insufficient_funds", "balance_limit_exceeded", "internal"])
    assert_all_met(OnThisServer.met, ["client wallet at its limit", "external wallet at its limit"])
    assert_all_met(OnThisServer.met, ["replayed", "reused", "unknown wallets"])


def assert_all_met(met: Counter[str], wanted: Iterable[str]) -> None:
    missed = [what for what in wanted if not met[what]]
    assert not missed, met
