"""Many webhooks to many receivers: no receiver waits for another, and the result of each attempt is stored."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from core.errors import Unavailable
from core.webhooks.signing import make_secret
from tests.receivers import Behaviour, Receiver, answer, hang, in_turn, receiving, wait_for_all
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.delivery import Delivery
from worker.webhooks.fairness import PER_RECEIVER_MAX, SlotLimits
from worker.webhooks.send import Attempt, Fault, Sender

SECRET = make_secret()
NUMBERS = count(1)
LONG_S = 60.0  # nothing here is meant to run out of time


class Kept:
    """Deliveries in memory, as the protocol has it; what is to be tried again is only noted."""

    goes_on = False

    def __init__(self, *due: Delivery) -> None:
        self.due = list(due)
        self.claimed: list[list[str]] = []
        self.marked: dict[UUID, tuple[Attempt, float | None]] = {}
        self.marks: asyncio.Queue[str] = asyncio.Queue()  # the receiver of each delivery, in the order in which they ended

    async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
        firsts: dict[tuple[str, str], Delivery] = {}
        for delivery in self.due:
            firsts.setdefault((delivery.owner, delivery.receiver), delivery)
        claim = slots.choose(slots.admit(firsts.values()))
        self.due = [delivery for delivery in self.due if delivery not in claim]
        self.claimed.append([delivery.receiver for delivery in claim])
        return claim

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        self.marked[delivery.id] = attempt, retry_in_s
        self.marks.put_nowait(delivery.receiver)


def due(receiver: Receiver, name: str, owner: str | None = None, failures: int = 0) -> Delivery:
    number = next(NUMBERS)
    body = json.dumps({"type": "transfer.applied", "data": number}).encode()
    url = f"http://127.0.0.1:{receiver.port}/"
    until = datetime.now(UTC)
    return Delivery(UUID(int=number), owner or f"owner of {name}", name, url, f"evt_{number}", body, [SECRET], failures, until)


def recorded(slots: SlotLimits, attempted: Sequence[Delivery], succeeded: bool | None) -> SlotLimits:
    """The slots, after an attempt at each of these receivers; with None there was none."""
    for delivery in attempted if succeeded is not None else ():
        slot = slots.take(delivery)
        slots.record(slot, succeeded=bool(succeeded))
        slots.give_back(slot)
    return slots


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def deliver_one(behaviour: Behaviour, failures: int = 0, within_s: float = LONG_S) -> tuple[Attempt, float | None]:
    async with receiving(behaviour) as receiver, Sender(allow_private=True, within_s=within_s) as sender:
        delivery = due(receiver, "one", failures=failures)
        kept = Kept(delivery)
        deliverer = Deliverer(kept, sender)
        assert await deliverer.run_once() == 1
        await deliverer.finish()
    return kept.marked[delivery.id]


async def ended(kept: Kept, count: int) -> list[str]:
    """The receivers of the first deliveries that end; fewer when that takes too long."""
    receivers: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while len(receivers) < count:
                receivers.append(await kept.marks.get())
    return receivers


async def all_ended(kept: Kept, receiver: str, count: int) -> bool:
    """Whether so many deliveries to this receiver end, whatever ends beside them."""
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while count:
                count -= await kept.marks.get() == receiver
    return not count


def test_what_arrives_is_signed_for_its_receiver_under_the_events_id() -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            delivery = due(receiver, "one")
            deliverer = Deliverer(Kept(delivery), sender)
            await deliverer.run_once()
            await deliverer.finish()

        head, _, body = receiver.requests[0].decode().partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert headers["webhook-id"] == delivery.event_id
        assert body.encode() == delivery.body
        Webhook(SECRET).verify(body, headers)

    run(test)


@pytest.mark.parametrize(
    ("behaviour", "failures", "status", "earliest_s"),
    [
        (answer("200 OK"), 0, 200, None),
        (answer("500 Internal Server Error"), 0, 500, 5),
        (answer("500 Internal Server Error"), 1, 500, 300),
        (answer("500 Internal Server Error"), 8, 500, 86_400),
        (answer("500 Internal Server Error"), 9, 500, None),
        (answer("429 Too Many Requests", "Retry-After: 60\r\n"), 0, 429, 60),
        (answer("302 Found", "Location: https://example.com/\r\n"), 0, 302, 5),
        (answer("410 Gone"), 0, 410, None),
    ],
)
def test_what_became_of_an_attempt_is_kept_with_when_the_next_is_due(
    behaviour: Behaviour, failures: int, status: int, earliest_s: float | None
) -> None:
    attempt, retry_in_s = asyncio.run(deliver_one(behaviour, failures))

    assert attempt.status == status
    assert retry_in_s is None if earliest_s is None else retry_in_s is not None and earliest_s <= retry_in_s <= 1.2 * earliest_s


def test_a_receiver_that_does_not_answer_is_tried_again() -> None:
    attempt, retry_in_s = asyncio.run(deliver_one(hang, within_s=0.2))

    assert attempt.fault == Fault.TIMED_OUT
    assert retry_in_s is not None


@pytest.mark.parametrize("owner", [None, "ada"], ids=["of another owner", "of the same owner"])
def test_a_dead_receiver_with_a_thousand_due_holds_up_no_other(owner: str | None) -> None:
    """The deliveries of the dead one are due first, and would hang until the test gives up."""

    async def test() -> None:
        async with (
            receiving(hang) as dead,
            receiving(answer("200 OK")) as alive,
            Sender(allow_private=True, within_s=LONG_S) as sender,
        ):
            kept = Kept(*(due(dead, "dead", owner) for _ in range(1000)), *(due(alive, "alive", owner) for _ in range(50)))
            async with running(Deliverer(kept, sender, slots=SlotLimits(8))):
                assert await ended(kept, 50) == ["alive"] * 50
                assert dead.connected == 1

    run(test)


def test_an_owner_with_a_thousand_dead_receivers_holds_up_no_other() -> None:
    async def test() -> None:
        async with (
            receiving(hang) as dead,
            receiving(answer("200 OK")) as alive,
            Sender(allow_private=True, within_s=LONG_S) as sender,
        ):
            kept = Kept(
                *(due(dead, f"dead {number}", "eve") for number in range(1000)), *(due(alive, "alive", "ada") for _ in range(50))
            )
            async with running(Deliverer(kept, sender, slots=SlotLimits(8, per_owner_max=5))):
                assert await ended(kept, 50) == ["alive"] * 50
                assert dead.connected == 2

    run(test)


@pytest.mark.parametrize(
    ("known", "others", "within_s"),
    [
        (True, False, LONG_S),
        (None, False, LONG_S),
        (False, False, 0.5),
        (True, None, LONG_S),
        (None, None, 0.5),
        (False, None, LONG_S),
    ],
    ids=[f"{one}, the others {rest}" for rest in ("dead", "new") for one in ("healthy", "new", "back again")],
)
def test_more_dead_receivers_than_an_owner_has_places_hold_up_none_of_its_others(
    known: bool | None, others: bool | None, within_s: float
) -> None:
    """The dead ones have all their slots, and more is always due. Only receivers of the same health wait for an attempt to end."""

    async def test() -> None:
        async with (
            receiving(hang) as dead,
            receiving(answer("200 OK")) as alive,
            Sender(allow_private=True, within_s=within_s) as sender,
        ):
            deaf = [due(dead, f"dead {number % 100}", "operator") for number in range(10_000)]
            healthy = [due(alive, "alive", "operator") for _ in range(50)]
            slots = recorded(recorded(SlotLimits(), deaf[:100], others), healthy[:1], known)
            kept = Kept(*deaf)
            deliverer = Deliverer(kept, sender, slots=slots)
            while await deliverer.run_once():
                pass
            kept.due += healthy
            async with running(deliverer):
                assert await all_ended(kept, "alive", 50)
                assert dead.connected

    run(test)


def test_more_than_fifty_are_in_flight_at_once() -> None:
    """None of the receivers answers before all have been asked."""

    async def test() -> None:
        everybody = asyncio.Event()

        async def answer_together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await everybody.wait()
            await answer("200 OK")(reader, writer)

        async with receiving(answer_together) as receiver, Sender(allow_private=True, within_s=LONG_S) as sender:
            kept = Kept(*(due(receiver, f"receiver {number}") for number in range(100)))
            deliverer = Deliverer(kept, sender)
            assert await deliverer.run_once() == 100
            await wait_for_all(receiver.arrivals, 100)
            everybody.set()
            await deliverer.finish()

        assert [attempt.status for attempt, _ in kept.marked.values()] == [200] * 100

    run(test)


def test_more_than_fifty_of_one_owner_are_in_flight_at_once() -> None:
    async def test() -> None:
        async with receiving(hang) as receiver, Sender(allow_private=True, within_s=LONG_S) as sender:
            kept = Kept(*(due(receiver, f"receiver {number}", owner="operator") for number in range(100)))
            async with running(Deliverer(kept, sender, slots=recorded(SlotLimits(), kept.due, True))):
                await wait_for_all(receiver.arrivals, 51)

    run(test)


@pytest.mark.parametrize("scarce", ["in_flight_max", "per_owner_max", "per_receiver_max"])
def test_the_next_goes_as_soon_as_there_is_a_place(scarce: str) -> None:
    """There is no other look: it neither stays, nor looks by itself before the test gives up."""

    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Kept(*(due(receiver, "one") for _ in range(60)))
            deliverer = Deliverer(kept, sender, slots=SlotLimits(**{scarce: 1}), poll_s=LONG_S, stay_s=0.0)
            async with running(deliverer):
                assert await ended(kept, 60) == ["one"] * 60

    run(test)


def test_a_receiver_that_has_come_back_gets_the_next_as_soon_as_that_is_known() -> None:
    """The success makes its one slot many, so that it is not full any more when it ends."""

    async def test() -> None:
        statuses = answer("500 Internal Server Error"), answer("200 OK")
        async with receiving(in_turn(*statuses)) as receiver, Sender(allow_private=True) as sender:
            kept = Kept(due(receiver, "one"))
            deliverer = Deliverer(kept, sender, poll_s=LONG_S, stay_s=0.0)
            await deliverer.run_once()
            await deliverer.finish()
            kept.due += [due(receiver, "one") for _ in range(4)]
            async with running(deliverer):
                assert await ended(kept, 5) == ["one"] * 5

    run(test)


def test_what_became_due_while_the_flag_was_up_is_found_by_the_look_after_it_was_lowered() -> None:
    """There is no other look: no ring comes, and the next look is far away."""

    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Kept()
            late = [due(receiver, "late"), due(receiver, "later still")]

            async def lower() -> None:
                kept.due += late[:1]
                del late[:1]

            deliverer = Deliverer(kept, sender, poll_s=LONG_S, stay_s=0.05, lower=lower)
            async with running(deliverer):
                deliverer.wake()
                async with asyncio.timeout(20):
                    assert [await kept.marks.get() for _ in range(2)] == ["late", "later still"]

    run(test)


def test_a_flag_stays_up_while_there_is_something_to_find() -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Kept(*(due(receiver, "one") for _ in range(20)))
            lowered = asyncio.Event()

            async def lower() -> None:
                lowered.set()

            deliverer = Deliverer(kept, sender, slots=SlotLimits(per_receiver_max=1), poll_s=0.01, stay_s=LONG_S, lower=lower)
            async with running(deliverer):
                async with asyncio.timeout(20):
                    for _ in range(20):
                        await kept.marks.get()

                assert not lowered.is_set()

    run(test)


def test_a_flag_is_lowered_once_and_not_by_every_look_that_finds_nothing() -> None:
    async def test() -> None:
        async with Sender(allow_private=True) as sender:
            looks: asyncio.Queue[None] = asyncio.Queue()
            lowered: asyncio.Queue[None] = asyncio.Queue()

            async def lower() -> None:
                lowered.put_nowait(None)

            deliverer = Deliverer(Kept(), sender, poll_s=0.01, stay_s=0.05, beat=lambda: looks.put_nowait(None), lower=lower)
            async with running(deliverer):
                deliverer.wake()
                await wait_for_all(lowered, 1)
                await wait_for_all(looks, looks.qsize() + 5)

                assert lowered.empty()

    run(test)


def test_no_more_are_in_flight_than_there_are_places() -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            receivers = [await stack.enter_async_context(receiving(hang)) for _ in range(5)]
            sender = await stack.enter_async_context(Sender(allow_private=True))
            kept = Kept(*(due(one, str(one.port)) for one in receivers))
            deliverer = Deliverer(kept, sender, slots=recorded(SlotLimits(3), kept.due, True))

            assert [await deliverer.run_once(), await deliverer.run_once()] == [3, 0]
            assert [len(claim) for claim in kept.claimed] == [3]

            await abandon()

    run(test)


def test_a_receiver_that_failed_last_gets_one_at_a_time_until_it_succeeds() -> None:
    async def test() -> None:
        statuses = iter(["500 Internal Server Error", "200 OK"])

        async def next_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if status := next(statuses, None):
                await answer(status)(reader, writer)
            else:
                await hang(reader, writer)

        async with receiving(next_answer) as receiver, Sender(allow_private=True) as sender:
            deliverer = Deliverer(Kept(*(due(receiver, "one") for _ in range(10))), sender, slots=SlotLimits(per_receiver_max=3))

            assert await deliverer.run_once() == 1
            await deliverer.finish()
            assert [await deliverer.run_once() for _ in range(2)] == [1, 0]
            await deliverer.finish()
            assert [await deliverer.run_once() for _ in range(4)] == [1, 1, 1, 0]

            await abandon()

    run(test)


def test_a_receiver_that_succeeded_last_gets_many_at_once_and_an_unknown_one_gets_one() -> None:
    async def test() -> None:
        statuses = iter(["200 OK"])

        async def next_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if status := next(statuses, None):
                await answer(status)(reader, writer)
            else:
                await hang(reader, writer)

        async with receiving(next_answer) as receiver, Sender(allow_private=True) as sender:
            deliverer = Deliverer(Kept(*(due(receiver, "one") for _ in range(100))), sender)

            async def claim_all() -> int:
                count = 0
                while await deliverer.run_once():
                    count += 1
                return count

            assert await claim_all() == 1
            await deliverer.finish()
            assert await claim_all() == PER_RECEIVER_MAX

            await abandon()

    run(test)


def test_each_claim_serves_each_owner_once() -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Kept(*(due(receiver, name) for name in "aaabbc"))
            deliverer = Deliverer(kept, sender)
            while await deliverer.run_once():
                await deliverer.finish()

        assert kept.claimed == [["a", "b", "c"], ["a", "b"], ["a"], []]

    run(test)


def test_what_cannot_be_kept_harms_no_other() -> None:
    class Forgetful(Kept):
        async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
            if delivery.receiver == "forgotten":
                raise Unavailable
            await super().mark(delivery, attempt, retry_in_s)

    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Forgetful(*(due(receiver, name) for name in ("forgotten", "kept", "forgotten", "kept")))
            deliverer = Deliverer(kept, sender, slots=SlotLimits(1))
            while await deliverer.run_once():
                await deliverer.finish()

        assert (len(kept.marked), receiver.connected) == (2, 4)

    run(test)


def test_it_goes_on_when_the_deliveries_are_in_reach_again() -> None:
    class Away(Kept):
        away = 1

        async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
            self.away -= 1
            if self.away >= 0:
                raise Unavailable
            return await super().claim(slots)

    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept = Away(due(receiver, "one"))
            deliverer = Deliverer(kept, sender)
            assert [await deliverer.run_once(), await deliverer.run_once()] == [0, 1]
            await deliverer.finish()

        assert len(kept.marked) == 1

    run(test)


def test_looks_that_go_on_rest_while_the_deliveries_are_out_of_reach() -> None:
    class Away(Kept):
        goes_on = True

        def __init__(self) -> None:
            super().__init__()
            self.looks: asyncio.Queue[None] = asyncio.Queue()

        async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
            self.looks.put_nowait(None)
            if len(self.claimed) == 2:
                raise Unavailable
            return await super().claim(slots)

    async def test() -> None:
        async with Sender(allow_private=True) as sender:
            kept = Away()
            running = asyncio.create_task(Deliverer(kept, sender, poll_s=LONG_S).run(asyncio.Event()))
            await wait_for_all(kept.looks, 3)
            assert not (await asyncio.wait({running}, timeout=0.2))[0]
            assert kept.looks.empty()
            await abandon()

    run(test)


def test_a_stop_ends_what_is_in_flight_and_claims_nothing_more() -> None:
    async def test() -> None:
        go_on = asyncio.Event()

        async def answer_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await go_on.wait()
            await answer("200 OK")(reader, writer)

        async with receiving(answer_later) as receiver, Sender(allow_private=True) as sender:
            kept = Kept(*(due(receiver, "one") for _ in range(2)))
            stopping = asyncio.Event()
            running = asyncio.create_task(Deliverer(kept, sender).run(stopping))
            await wait_for_all(receiver.arrivals, 1)
            stopping.set()
            assert not (await asyncio.wait({running}, timeout=0.2))[0]  # it waits for what is in flight
            go_on.set()
            await asyncio.wait_for(running, 20)

        assert Counter(attempt.status for attempt, _ in kept.marked.values()) == {200: 1}
        assert len(kept.due) == 1

    run(test)


@asynccontextmanager
async def running(deliverer: Deliverer) -> AsyncIterator[None]:
    """It delivers during the block. At the end of the block it still runs, and is abandoned."""
    task = asyncio.create_task(deliverer.run(asyncio.Event()))
    yield
    assert not task.done()
    await abandon()


async def abandon() -> None:
    """End what hangs, as the end of a process would."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Faulty(Kept):
    """Its first claims fail for a reason that is not foreseen."""

    def __init__(self, *due: Delivery, faults: int) -> None:
        super().__init__(*due)
        self.faults = faults

    async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
        if self.faults:
            self.faults -= 1
            raise ValueError("a row of a kind that is not foreseen")
        return await super().claim(slots)


def test_a_claim_that_fails_is_logged_and_made_again() -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True) as sender:
            kept, stopping = Faulty(due(receiver, "one"), faults=2), asyncio.Event()
            deliverer = Deliverer(kept, sender, poll_s=0.01)
            running = asyncio.create_task(deliverer.run(stopping))
            assert await ended(kept, 1) == ["one"]
            stopping.set()
            await running

    with capture_logs() as logs:
        run(test)

    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["deliveries put off: a claim failed"] * 2
