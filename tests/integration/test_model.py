"""Teller's own road from a batch of requests to final transfers, on a real database, against a model that is a few dicts.

The order of what a drain made final is taken from the feed of events, and the model is asked what each of them should have become
there: so the model need not know how batches are cut, and the feed is held against it too.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple, TypeVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from api.http import idempotency
from api.intake import intake
from api.intake.intake import Accepted, Existing, OtherCurrency, SubmitResult, UnknownWallets
from core import ids, wallets
from core.admin.audit import audit
from core.currencies import USD
from core.ledger.lines import Lines
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.rules import Frozen
from core.postgres.connections import AsyncConnection
from core.postgres.limits import API_LIMITS, session_of
from core.postgres.queries import fetch_one
from core.postgres.statements import statement
from core.transfers import Submission, Terms
from core.wallets import NewWallet
from tests.databases import Databases
from tests.nemesis.verdict import statements_tile
from tests.world import (
    SHARDS,
    World,
    capture,
    capture_for,
    closure,
    deposit,
    hold,
    multi_leg,
    new_client,
    new_id,
    release,
    reversal,
    transfer,
    whole_reversal,
    withdrawal,
)
from worker.ledger.apply import Applier
from worker.ledger.batch_limit import BATCH_MAX

EXAMPLES = 9
EXAMPLES_WITH_VERBS = 6
EXAMPLES_WITH_TIMES = 6
EXAMPLES_WITH_CURRENCIES = 3
EXAMPLES_WITH_RULES = 8
EXAMPLES_WITH_LINES = 4
STEPS = 40
POISONS_MAX = 2  # or one more, an example: each costs as many attempts and pauses as it takes to give up on it

QUEUED_MAX = 16  # or a batch more: so few that a poison among them takes the usual number of attempts
HAS_ROOM = precondition(lambda self: len(self.queued) < self.queued_max)

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


Result = TypeVar("Result")


class Canceled(NamedTuple):
    """What the statement that cancels returns: None where it changed nothing."""

    webhooks_due: bool | None


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
        return self.run(lambda connection: intake.store_batch(connection, submissions))

    def run(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, Result]]) -> Result:
        return self.loop.run_until_complete(work(self.connection))

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
    funds = 0  # of each wallet at the beginning
    poisons_max = POISONS_MAX
    queued_max = 1000  # or a batch more

    wallets: Bundle[UUID] = Bundle("wallets")
    sent: Bundle[Submission] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.ground = new_ground(self.databases)
        self.outside: Counter[UUID] = Counter()  # the balances of the external wallets
        self.currencies: dict[UUID, str] = {}  # of clients' wallets
        self.balances: dict[UUID, int] = {}
        self.held: Counter[UUID] = Counter()
        self.movements: list[Submission] = []  # those that are applied, and no reversals
        self.placed: list[Submission] = []
        self.left: Counter[UUID] = Counter()  # what children may take, of each applied transfer
        self.ended: set[UUID] = set()  # holds that have expired
        self.too_late: set[UUID] = set()  # captures that were accepted after that
        self.scheduled: dict[UUID, Submission] = {}  # those whose time has not come
        self.late: set[UUID] = set()  # those whose deadline has passed in the queue
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
        shards = (1, 1, 2, 9)
        made = [self.ground.world.new_wallet(self.funds, shard=shard) for shard in shards]
        self.currencies |= dict.fromkeys(made, USD)
        self.balances |= dict.fromkeys(made, self.funds)
        if self.funds:
            self.versions.update(made)
            self.outside.subtract({ids.external_wallet(shard): self.funds * shards.count(shard) for shard in shards})
        self.seen = self._newest_moment()
        return multiple(*made)

    @HAS_ROOM
    @rule(target=sent, deposits=st.lists(st.tuples(wallets, DEPOSITS), min_size=1, max_size=4))
    def deposit(self, deposits: list[tuple[UUID, int]]) -> MultipleResults[Submission]:
        return self._submit([stamped(deposit(wallet, amount)) for wallet, amount in deposits])

    @HAS_ROOM
    @rule(target=sent, moves=st.lists(st.tuples(wallets, wallets, AMOUNTS), min_size=1, max_size=12))
    def transfer(self, moves: list[tuple[UUID, UUID, int]]) -> MultipleResults[Submission]:
        """A batch of several shards."""
        return self._submit([stamped(transfer(*move)) for move in moves if move[0] != move[1]])

    @HAS_ROOM
    @rule(source=wallets, known=st.booleans())
    def transfer_to_an_absent_wallet(self, source: UUID, known: bool) -> None:
        """It stands beside a good one in its batch, or alone, and stores nothing."""
        neighbours = [stamped(deposit(source, 1))] if known else []
        self._submit([stamped(transfer(source, new_id(), 1)), *neighbours])

    @HAS_ROOM
    @rule(again=st.lists(sent, min_size=1, max_size=4))
    def replay(self, again: list[Submission]) -> None:
        """The same requests, perhaps twice in one batch, with the ids that a repeated request is given."""
        self._submit([replace(one, id=new_id()) for one in again])

    @HAS_ROOM
    @rule(target=sent, first=sent, wallet=wallets)
    def reuse_a_key_and_send_a_new_request_twice(self, first: Submission, wallet: UUID) -> MultipleResults[Submission]:
        other = stamped(deposit(wallet, 7, idempotency_key=first.idempotency_key))
        new = stamped(deposit(wallet, 3))
        return self._submit([other, new, replace(new, id=new_id())])

    @precondition(lambda self: len(self.poisoned) < self.poisons_max and len(self.queued) < self.queued_max)
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
        rows = self.ground.owner.execute(
            "SELECT id, balance, held, version FROM wallets WHERE id = ANY(%s)", [list(self.balances)]
        ).fetchall()
        assert {id: stored for id, *stored in rows} == {
            id: [balance, self.held[id], self.versions[id]] for id, balance in self.balances.items()
        }

    @invariant()
    def balances_of_external_wallets_are_those_of_the_model(self) -> None:
        rows = self.ground.owner.execute("SELECT id, balance FROM wallets WHERE kind = 'external'").fetchall()
        used = [ids.external_wallet(shard, currency) for shard in range(SHARDS) for currency in {USD, *self.currencies.values()}]
        assert dict(rows) == {id: self.outside[id] for id in used}

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
        assert [*statements_tile(self.ground.owner)] == []
        self.drainer.close()
        self.ground.close()

    def _submit(self, batch: Sequence[Submission]) -> MultipleResults[Submission]:
        """Store a batch as the API does, and hold every answer against the model. Returns what was accepted, for a bundle."""
        batch = [self._in_its_currency(one) for one in batch]
        answers = self.ground.submit(batch) if batch else []
        accepted = []
        for one, answer in zip(batch, answers, strict=True):
            first = self.by_key.get(one.idempotency_key)
            named = [id for id, _ in lines_of(one)]
            nobody = {id for id in named if id not in self.balances and not ids.is_external_wallet(id)}
            if first is not None:
                assert isinstance(answer, Existing), answer
                self._check_existing(answer, first, one)
            elif nobody:
                assert answer == UnknownWallets(frozenset(nobody))
                self.met["unknown wallets"] += 1
            elif {self.currencies.get(id, one.currency) for id in (one.source, one.destination)} != {one.currency}:
                assert answer == OtherCurrency()
                self.met["two currencies"] += 1
            else:
                assert isinstance(answer, Accepted), answer
                self.by_key[one.idempotency_key] = one
                accepted.append(one)
                if one.type == "capture" and one.terms and one.terms.parent in self.ended:
                    self.too_late.add(one.id)
        self._take_places(accepted)
        return multiple(*accepted)

    def _in_its_currency(self, one: Submission) -> Submission:
        """Return the submission in the currency of the client's wallet that it debits or else credits, as the API would send it."""
        client = one.destination if ids.is_external_wallet(one.source) else one.source
        currency = self.currencies.get(client, USD)
        outside = ids.external_wallet(one.shard, currency)
        sides: dict[str, Any] = {name: outside for name in ("source", "destination") if ids.is_external_wallet(getattr(one, name))}
        return replace(one, currency=currency, **sides)

    def _check_existing(self, answer: Existing, first: Submission, one: Submission) -> None:
        """A key that was used leads to its transfer as it is, whatever the request; the fingerprints tell a replay from another."""
        found = answer.transfer
        status = (
            {"applied": "applied", "canceled": "canceled"}.get(outcome, "rejected")
            if (outcome := self.outcomes.get(first.id))
            else "queued"
        )
        assert (found.id, found.status) == (first.id, status)
        same = replace(first, id=one.id) == one
        assert (found.fingerprint == one.fingerprint) is same
        self.met["replayed" if same else "reused"] += 1

    def _take_places(self, accepted: Sequence[Submission]) -> None:
        """Places in the queue are given in the order of arrival, to all but those that are scheduled."""
        later = {one.id: one for one in accepted if one.terms and one.terms.scheduled_for}
        self.scheduled |= later
        accepted = [one for one in accepted if one.id not in later]
        rows = self.ground.owner.execute(
            "SELECT transfer_id, position FROM queue WHERE transfer_id = ANY(%s) ORDER BY position", [[one.id for one in accepted]]
        ).fetchall()
        assert [id for id, _ in rows] == [one.id for one in accepted]
        self.queued |= {one.id: Known(one, position) for one, (_, position) in zip(accepted, rows, strict=True)}

    def _cancel(self, one: Submission) -> None:
        """It is final then, unless it was before."""
        found = self.ground.run(lambda connection: fetch_one(connection, "transfers/cancel", {"id": one.id}, Canceled))
        assert found is not None
        if one.id not in self.queued and one.id not in self.scheduled:
            assert found.webhooks_due is None
            return
        assert self._new_events() == [(one.id, "canceled")]
        self.outcomes[one.id] = "canceled"
        self.met["canceled"] += 1
        if self.scheduled.pop(one.id, None):
            self.met["canceled before its time"] += 1
        else:
            del self.queued[one.id]

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
        if one.id in self.late:
            return "deadline_passed"
        terms = one.terms or Terms()
        left = self.left[terms.parent] if terms.parent else 0
        amount = left if terms.fit in {"rest", "rest_and_funds"} else self._asked(one)
        if refusal := self._refuse_child(one, left, amount):
            return refusal
        up_to = terms.fit in {"funds", "rest_and_funds"}
        if one.type not in {"capture", "release"} and not ids.is_external_wallet(one.source):
            for id, change in lines_of(one, amount):
                if change < 0 and self.balances[id] - self.held[id] < (1 if up_to else -change):
                    return "insufficient_funds"
            if not one.lines:
                amount = min(amount, self.balances[one.source] - self.held[one.source])
        if one.type not in {"hold", "release"} and self._is_beyond_limits(one, amount):
            return "balance_limit_exceeded"
        if one.id in self.poisoned:
            return "internal"
        self._do(one, terms, amount)
        return "applied"

    def _asked(self, one: Submission) -> int:
        return one.amount

    def _open_holds(self) -> list[Submission]:
        """The holds with something left, that have not expired."""
        return [one for one in self.placed if self.left[one.id] and one.id not in self.ended]

    def _refuse_child(self, one: Submission, left: int, amount: int) -> str | None:
        if one.type in {"capture", "release"}:
            if left == 0 or one.id in self.too_late:
                return "hold_closed"
            return "hold_exceeded" if amount > left else None
        return "reversal_exceeded" if one.type == "reversal" and (left == 0 or amount > left) else None

    def _is_beyond_limits(self, one: Submission, amount: int) -> bool:
        if ids.is_external_wallet(one.source) and self.outside[one.source] - amount < EXTERNAL_BALANCE_MIN:
            self.met["external wallet at its limit"] += 1
            return True
        if ids.is_external_wallet(one.destination):
            return self.outside[one.destination] + amount > BALANCE_MAX
        if any(self.balances[id] + change > BALANCE_MAX for id, change in lines_of(one, amount) if id in self.balances):
            self.met["client wallet at its limit"] += 1
            return True
        return False

    def _do(self, one: Submission, terms: Terms, amount: int) -> None:
        self.left[one.id] = amount
        if one.type not in {"hold", "release", "reversal", "closure"}:
            self.movements.append(one)
        if one.type == "hold":
            self.placed.append(one)
        if terms.parent:
            rest = self.left[terms.parent] - amount if terms.closes else 0
            self.left[terms.parent] -= amount + rest
            if one.type != "reversal":
                self.held[one.source] -= amount + rest
        if one.type == "hold":
            self.held[one.source] += amount
        if one.type in {"hold", "release"} or not amount:
            return
        if one.lines and len(one.lines) > 2:
            self.met["several legs"] += 1
        for wallet, change in lines_of(one, amount):
            if ids.is_external_wallet(wallet):
                self.outside[wallet] += change
            else:
                self.balances[wallet] += change
                self.versions[wallet] += 1


class TellerWithVerbs(Teller):
    """The same with the other verbs, for wallets that have something to begin with."""

    funds = 300
    queued_max = QUEUED_MAX

    holds: Bundle[Submission] = Bundle("holds")

    @HAS_ROOM
    @rule(target=Teller.sent, withdrawals=st.lists(st.tuples(Teller.wallets, AMOUNTS, st.booleans()), min_size=1, max_size=3))
    def withdraw(self, withdrawals: list[tuple[UUID, int, bool]]) -> MultipleResults[Submission]:
        """Of so much, or of up to so much."""
        asked = [
            withdrawal(wallet, amount, Terms(fit="funds", apply_within_s=3600) if up_to else None)
            for wallet, amount, up_to in withdrawals
        ]
        return self._submit([stamped(one) for one in asked])

    @HAS_ROOM
    @rule(
        target=holds,
        source=Teller.wallets,
        payee=st.one_of(Teller.wallets, st.none()),
        amounts=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    )
    def hold(self, source: UUID, payee: UUID | None, amounts: list[int]) -> MultipleResults[Submission]:
        """For another client, or for a payout."""
        return self._submit([stamped(hold(source, payee, amount)) for amount in amounts if payee != source])

    @HAS_ROOM
    @rule(
        target=Teller.sent, of=holds, parts=st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 30)), st.booleans()), max_size=3)
    )
    def capture(self, of: Submission, parts: list[tuple[int | None, bool]]) -> MultipleResults[Submission]:
        """In parts, or all that is left; finally perhaps. The hold may be queued, open, closed or refused."""
        return self._submit([stamped(capture(of, amount, closes=closes)) for amount, closes in parts])

    @HAS_ROOM
    @rule(of=holds, amount=st.one_of(st.none(), st.integers(1, 60)))
    def release(self, of: Submission, amount: int | None) -> None:
        self._submit([stamped(release(of, amount))])

    @HAS_ROOM
    @rule(which=st.integers(0, 99), amount=st.one_of(st.none(), st.integers(1, 60)), up_to=st.booleans())
    def reverse(self, which: int, amount: int | None, up_to: bool) -> None:
        """The API accepts this of what is applied."""
        if self.movements:
            of = self.movements[which % len(self.movements)]
            if of.lines and len(of.lines) > 2:
                self._submit([stamped(whole_reversal(of))])
                return
            fit: dict[str, Any] = {"fit": "funds" if amount else "rest_and_funds"} if up_to else {}
            self._submit([stamped(reversal(of, amount, **fit))])

    @rule(one=st.one_of(Teller.sent, holds))
    def cancel(self, one: Submission) -> None:
        self._cancel(one)

    @HAS_ROOM
    @precondition(lambda self: self._open_holds())
    @rule(which=st.integers(0, 99))
    def expire(self, which: int) -> None:
        """Its end was a second and more ago, after all that was accepted until now. The sweeper comes."""
        of = self._open_holds()[which % len(self._open_holds())]
        owner = self.ground.owner
        owner.execute("UPDATE transfers SET created_at = created_at - interval '1 hour' WHERE parent = %s", [of.id])
        owner.execute("UPDATE transfers SET expires_at = now() - interval '2 seconds' WHERE id = %s", [of.id])
        owner.execute(
            "UPDATE due SET due_at = t.expires_at + interval '1 second' FROM transfers t WHERE t.id = transfer_id AND t.id = %s",
            [of.id],
        )
        owner.execute(statement("sweep/queue_due"), {"most": 500, "least": 1})
        [(id, position)] = owner.execute(
            "SELECT t.id, q.position FROM transfers t JOIN queue q ON q.transfer_id = t.id"
            " WHERE t.parent = %s AND starts_with(t.idempotency_key, 'expiry ')",
            [of.id],
        ).fetchall()
        self.queued[id] = Known(replace(release(of), id=id), position)
        self.ended.add(of.id)
        self.met["expired"] += 1


FREEZES: list[Frozen | None] = [None, "debits", "credits", "all"]
LIMITS = ("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max")
COUNTED = {"transfer", "withdrawal", "hold"}


class TellerWithRules(TellerWithVerbs):
    """The same with freezes, limits and closures, and without poisons. All that counts is of one day, which no midnight ends."""

    poisons_max = 0

    def __init__(self) -> None:
        super().__init__()
        self.frozen: dict[UUID, Frozen | None] = {}
        self.limits: dict[UUID, dict[str, int]] = {}  # of each wallet that has ever had one
        self.used: Counter[UUID] = Counter()
        self.counted: set[UUID] = set()
        self.shut: set[UUID] = set()

    @rule(wallet=Teller.wallets, frozen=st.sampled_from(FREEZES))
    def freeze(self, wallet: UUID, frozen: Frozen | None) -> None:
        if self._change(wallet, frozen=frozen):
            self.frozen[wallet] = frozen

    @rule(wallet=Teller.wallets, name=st.sampled_from(LIMITS), most=st.one_of(st.none(), st.integers(1, 400)))
    def limit(self, wallet: UUID, name: str, most: int | None) -> None:
        """The first limit begins to count, in a window that never ends."""
        if not self._change(wallet, limits={name: most}):
            return
        far = "UPDATE wallets SET counted_day = '2999-01-01' WHERE id = %s AND counted_since IS NOT NULL"
        self.ground.owner.execute(far, [wallet])
        if wallet in self.limits or most:
            limits = self.limits.setdefault(wallet, {})
            limits.pop(name, None)
            limits |= {name: most} if most else {}

    @HAS_ROOM
    @precondition(lambda self: len(self.shut) < 2)
    @rule(wallet=Teller.wallets, heir=st.one_of(Teller.wallets, st.none()), sweeps=st.booleans())
    def close(self, wallet: UUID, heir: UUID | None, sweeps: bool) -> None:
        if wallet != heir:
            self._submit([stamped(closure(wallet, heir, sweeps=sweeps or heir is not None))])

    @invariant()
    def wallets_have_the_rules_of_the_model(self) -> None:
        rows = self.ground.owner.execute(
            "SELECT id, status, frozen, debits_today, debits_this_month FROM wallets WHERE id = ANY(%s)", [list(self.balances)]
        ).fetchall()
        assert {id: tuple(rest) for id, *rest in rows} == {
            id: (
                "closed" if id in self.shut else "active",
                self.frozen.get(id),
                *([self.used[id]] * 2 if id in self.limits else [None] * 2),
            )
            for id in self.balances
        }

    def _change(self, wallet: UUID, **changes: Any) -> bool:
        """Change the wallet's rules as the API does; return whether it is open."""
        changed = self.ground.run(lambda connection: wallets.change(connection, wallet, changes, key_id=None, reason="r"))
        assert changed is not None
        assert (changed.status == "closed") == (wallet in self.shut)
        return changed.status == "active"

    def _finish(self, one: Submission) -> str:
        return self._standing(one) or super()._finish(one)

    def _standing(self, one: Submission) -> str | None:
        sweeps = one.terms is not None and one.terms.sweeps and self.balances[one.source] > 0
        touches_destination = one.type != "release" and (one.type != "closure" or sweeps)
        if one.source in self.shut or (touches_destination and one.destination in self.shut):
            return "wallet_closed"
        out, into = one.type in COUNTED, one.type not in {"release", "reversal"} and touches_destination
        stops = (out and self.frozen.get(one.source) in {"debits", "all"}) or (
            into and self.frozen.get(one.destination) in {"credits", "all"}
        )
        return "wallet_frozen" if stops else None

    def _asked(self, one: Submission) -> int:
        return self.balances[one.source] if one.type == "closure" else one.amount

    def _refuse_child(self, one: Submission, left: int, amount: int) -> str | None:
        return super()._refuse_child(one, left, amount) or self._refuse_closure(one, amount) or self._refuse_debit(one, amount)

    def _refuse_closure(self, one: Submission, amount: int) -> str | None:
        if one.type != "closure":
            return None
        if self.held[one.source]:
            return "wallet_has_holds"
        return "wallet_not_empty" if amount and not (one.terms and one.terms.sweeps) else None

    def _refuse_debit(self, one: Submission, amount: int) -> str | None:
        """Compare with the limits what it comes to."""
        if one.type not in COUNTED or one.source not in self.limits:
            return None
        if one.terms and one.terms.fit == "funds":
            amount = max(min(amount, self.balances[one.source] - self.held[one.source]), 1)
        limits, used = self.limits[one.source], self.used[one.source] + amount
        if amount > limits.get("debit_max", amount):
            return "debit_limit_exceeded"
        if used > limits.get("debits_per_day_max", used):
            return "daily_limit_exceeded"
        return "monthly_limit_exceeded" if used > limits.get("debits_per_month_max", AMOUNT_MAX) else None

    def _is_beyond_limits(self, one: Submission, amount: int) -> bool:
        if not amount:
            return False
        most = self.limits.get(one.destination, {}).get("balance_max", BALANCE_MAX)
        return super()._is_beyond_limits(one, amount) or (
            one.destination in self.balances and self.balances[one.destination] + amount > most
        )

    def _do(self, one: Submission, terms: Terms, amount: int) -> None:
        before = self.left[terms.parent] if terms.parent else 0
        super()._do(one, terms, amount)
        if one.type in COUNTED and one.source in self.limits:
            self.used[one.source] += amount
            self.counted.add(one.id)
        if one.type in {"capture", "release"} and terms.parent in self.counted:
            self.used[one.source] -= before - self.left[terms.parent] - (amount if one.type == "capture" else 0)
        if one.type == "closure":
            self.shut.add(one.source)


# How much, of different wallets.
PARTS = st.lists(st.tuples(Teller.wallets, st.integers(2, 60)), min_size=3, max_size=4, unique_by=lambda part: part[0])


class TellerWithLines(TellerWithVerbs):
    """The same with several debits and credits, and without poisons."""

    poisons_max = 0

    @HAS_ROOM
    @rule(target=Teller.sent, parts=PARTS, debits=st.integers(1, 2), absent=st.booleans())
    def pay_several(self, parts: list[tuple[UUID, int]], debits: int, absent: bool) -> MultipleResults[Submission]:
        """The first of them pays what a second one leaves, which pays a cent. Beside it perhaps one for an absent wallet."""
        credited = dict(parts[debits:])
        others = {wallet: 1 for wallet, _ in parts[1:debits]}
        asked = [multi_leg({parts[0][0]: sum(credited.values()) - len(others), **others}, credited)]
        if absent:
            asked.append(multi_leg({parts[0][0]: 2}, {new_id(): 1, new_id(): 1}))
        return self._submit([stamped(one) for one in asked])

    @HAS_ROOM
    @rule(of=TellerWithVerbs.holds, parts=PARTS, closes=st.booleans())
    def capture_for_several(self, of: Submission, parts: list[tuple[UUID, int]], closes: bool) -> None:
        self._submit([stamped(capture_for(of, {wallet: 1 for wallet, _ in parts if wallet != of.source}, closes=closes))])


# From, to, how much, and something about its deadline.
MOVES = st.lists(st.tuples(Teller.wallets, Teller.wallets, st.integers(1, 60), st.booleans()), min_size=1, max_size=3)


class TellerWithTimes(Teller):
    """The same with appointments and deadlines, and without poisons, so that more examples fit into the time."""

    funds = 300
    queued_max = QUEUED_MAX
    poisons_max = 0

    @HAS_ROOM
    @rule(target=Teller.sent, moves=MOVES)
    def schedule(self, moves: list[tuple[UUID, UUID, int, bool]]) -> MultipleResults[Submission]:
        """Beside a plain one; with a deadline perhaps. They get no place in the queue yet."""
        at = datetime.now(UTC) + timedelta(hours=1)
        later = [
            transfer(source, destination, amount, terms=Terms(scheduled_for=at, apply_within_s=3600 if is_urgent else None))
            for source, destination, amount, is_urgent in moves
            if source != destination
        ]
        return self._submit([stamped(one) for one in [*later, deposit(moves[0][0], 1)]])

    @HAS_ROOM
    @rule(target=Teller.sent, moves=MOVES)
    def hurry(self, moves: list[tuple[UUID, UUID, int, bool]]) -> MultipleResults[Submission]:
        """With deadlines, some of which pass before a drain begins."""
        sent = [
            (stamped(transfer(source, destination, amount, terms=Terms(apply_within_s=3600))), is_late)
            for source, destination, amount, is_late in moves
            if source != destination
        ]
        accepted = self._submit([one for one, _ in sent])
        self._pass_deadlines([one.id for one, is_late in sent if is_late])
        return accepted

    @HAS_ROOM
    @precondition(lambda self: self.scheduled)
    @rule(which=st.integers(0, 99))
    def come_due(self, which: int) -> None:
        """The time of one has come. The sweeper gives it a place behind all that wait."""
        id = list(self.scheduled)[which % len(self.scheduled)]
        owner = self.ground.owner
        owner.execute("UPDATE transfers SET scheduled_for = now() WHERE id = %s", [id])
        owner.execute("UPDATE due SET due_at = now() WHERE transfer_id = %s", [id])
        owner.execute(statement("sweep/queue_due"), {"most": 500, "least": 1})
        [(position,)] = owner.execute("SELECT position FROM queue WHERE transfer_id = %s", [id]).fetchall()
        assert position > max((known.position for known in self.queued.values()), default=0)
        self.queued[id] = Known(self.scheduled.pop(id), position)
        self.met["came due"] += 1

    @rule(one=Teller.sent)
    def cancel(self, one: Submission) -> None:
        self._cancel(one)

    @precondition(lambda self: self.scheduled)
    @rule(which=st.integers(0, 99))
    def cancel_before_its_time(self, which: int) -> None:
        self._cancel(list(self.scheduled.values())[which % len(self.scheduled)])

    def _pass_deadlines(self, ids: list[UUID]) -> None:
        self.ground.owner.execute("UPDATE transfers SET apply_by = now() - interval '1 second' WHERE id = ANY(%s)", [ids])
        self.late.update(ids)


class TellerWithCurrencies(TellerWithVerbs):
    """The same in currencies of no, two and three digits. Wallets of two currencies meet often, and then nothing is stored."""

    poisons_max = 0

    @initialize(target=Teller.wallets)
    def begin(self) -> MultipleResults[UUID]:
        """Two wallets of each currency, the second one a later wallet of a client that has another."""
        made = []
        for shard, currency in ((1, "JPY"), (2, USD), (9, "BHD")):
            first, second = self.ground.world.insert_clients([new_client(1, currency=currency), new_client(shard, currency="EUR")])
            another = new_id(shard)
            new = NewWallet(another, second.id, currency, None, None)
            assert self.ground.run(lambda connection, new=new: wallets.insert(connection, new))  # type: ignore[misc]
            self.currencies |= {first.wallet.id: currency, another: currency, second.wallet.id: "EUR"}
            made += [first.wallet.id, another]
        self.balances |= dict.fromkeys(self.currencies, 0)
        self._submit([stamped(deposit(wallet, self.funds)) for wallet in made])
        self.ground.world.drain()
        self._follow()
        return multiple(*made)

    @HAS_ROOM
    @rule(
        target=Teller.sent, which=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 60)), min_size=1, max_size=4)
    )
    def transfer_within_a_currency(self, which: list[tuple[int, bool, int]]) -> MultipleResults[Submission]:
        pairs = [[id for id, its in self.currencies.items() if its == currency] for currency in ("JPY", USD, "BHD")]
        sides = [(pairs[number][::-1] if turned else pairs[number], amount) for number, turned, amount in which]
        return self._submit([stamped(transfer(source, destination, amount)) for (source, destination), amount in sides])


def lines_of(one: Submission, amount: int | None = None) -> Lines:
    """Its lines, or the two of a transfer of this amount."""
    moved = one.amount if amount is None else amount
    return one.lines or ((one.source, -moved), (one.destination, moved))


def stamped(one: Submission) -> Submission:
    """With the fingerprint that the API would give it."""
    fields = {"source": one.source, "destination": one.destination, "amount": min(one.amount, AMOUNT_MAX), "terms": one.terms}
    return replace(one, fingerprint=idempotency.fingerprint(one.type, fields))


@pytest.mark.long
def test_whatever_callers_and_workers_do_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(Teller):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES)

    assert_all_met(met, ["applied", "insufficient_funds", "balance_limit_exceeded", "internal"])
    assert_all_met(met, ["client wallet at its limit", "external wallet at its limit"])
    assert_all_met(met, ["replayed", "reused", "unknown wallets"])


@pytest.mark.long
def test_whatever_is_held_captured_reversed_or_canceled_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(TellerWithVerbs):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES_WITH_VERBS)

    assert_all_met(met, ["applied", "insufficient_funds", "hold_closed", "reversal_exceeded", "canceled", "expired"])


@pytest.mark.long
def test_whatever_is_frozen_limited_or_closed_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(TellerWithRules):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES_WITH_RULES)

    assert_all_met(met, ["applied", "wallet_frozen", "wallet_closed", "debit_limit_exceeded", "daily_limit_exceeded"])
    assert_all_met(met, ["wallet_not_empty", "balance_limit_exceeded"])


def test_whatever_is_paid_by_several_or_to_several_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(TellerWithLines):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES_WITH_LINES)

    assert_all_met(met, ["applied", "insufficient_funds", "unknown wallets", "several legs"])


@pytest.mark.long
def test_whatever_is_scheduled_or_hurried_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(TellerWithTimes):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES_WITH_TIMES)

    assert_all_met(met, ["applied", "insufficient_funds", "came due", "deadline_passed", "canceled", "canceled before its time"])


@pytest.mark.long
def test_whatever_moves_in_three_currencies_in_turn_the_database_agrees_with_a_few_dicts(databases: Databases) -> None:
    class OnThisServer(TellerWithCurrencies):
        pass

    met = run_examples(OnThisServer, databases, EXAMPLES_WITH_CURRENCIES)

    assert_all_met(met, ["applied", "insufficient_funds", "two currencies", "replayed"])


def run_examples(machine: type[Teller], databases: Databases, examples: int) -> Counter[str]:
    """Return what the model has met."""
    machine.databases, machine.met = databases, Counter()
    bounded = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # a failure is shown as it was found: making it smaller would take minutes
    )
    run_machine(machine, settings=bounded)
    return machine.met


def assert_all_met(met: Counter[str], wanted: Iterable[str]) -> None:
    missed = [what for what in wanted if not met[what]]
    assert not missed, met
