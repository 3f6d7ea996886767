"""How many attempts of a receiver may be in flight, and which is next: no receiver waits for ever, whatever the others do."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from worker.webhooks.fairness import IN_FLIGHT_MAX, PER_OWNER_MAX, PER_RECEIVER_MAX, Slot, SlotLimits


class To(NamedTuple):
    """Something due for a receiver of an owner."""

    owner: str
    receiver: str


def many(owner: str, count: int, kind: str = "dead") -> list[To]:
    return [To(owner, f"{kind} {number}") for number in range(count)]


def attempt(free: SlotLimits, at: Iterable[To], *outcomes: bool) -> None:
    """Attempt once for each of these outcomes, at each of these receivers."""
    for succeeded in outcomes:
        for one in at:
            slot = free.take(one)
            free.record(slot, succeeded=succeeded)
            free.give_back(slot)


def fill(free: SlotLimits, due: Iterable[To]) -> list[Slot]:
    """Take slots until no receiver is chosen any more; all are always due, in this order."""
    due, taken = list(due), list[Slot]()
    while chosen := free.choose(free.admit(due)):
        taken += [free.take(one) for one in chosen]
    return taken


def counts(taken: Iterable[Slot]) -> Counter[str]:
    """How many slots each kind of receiver has."""
    return Counter(slot.receiver.partition(" ")[0] for slot in taken)


def test_the_healthy_alone_may_have_all_the_places_of_their_owner() -> None:
    free = SlotLimits()
    fit = many("operator", 100, "fit")
    attempt(free, fit, True)

    assert len(fill(free, fit)) == PER_OWNER_MAX


def test_a_half_is_for_the_unknown_a_quarter_for_the_failing_and_the_healthy_have_the_rest_at_least() -> None:
    free = SlotLimits()
    dead, new, fit = (many("operator", 100, kind) for kind in ("dead", "new", "fit"))
    attempt(free, dead, False)
    attempt(free, fit, True)

    others = fill(free, dead + new)
    assert counts(others) == {"new": PER_OWNER_MAX // 2, "dead": PER_OWNER_MAX // 4}
    assert counts(fill(free, dead + new + fit)) == {"fit": PER_OWNER_MAX // 4}


def test_of_the_process_too_under_all_owners() -> None:
    free = SlotLimits()
    dead, new, fit = ([To(f"{kind}'s {number}", kind) for number in range(300)] for kind in ("dead", "new", "fit"))
    attempt(free, dead, False)
    attempt(free, fit, True)

    assert counts(fill(free, dead + new)) == {"new": IN_FLIGHT_MAX // 2, "dead": IN_FLIGHT_MAX // 4}
    assert counts(fill(free, dead + new + fit)) == {"fit": IN_FLIGHT_MAX // 4}


def test_a_healthy_receiver_has_many_places_and_another_has_one() -> None:
    free = SlotLimits()
    dead, fit = To("operator", "dead"), To("operator", "fit")
    attempt(free, [dead], False)
    attempt(free, [fit], True)

    assert counts(fill(free, [dead, To("operator", "new"), fit])) == {"dead": 1, "new": 1, "fit": PER_RECEIVER_MAX}


def test_one_failure_makes_a_healthy_receiver_unknown_and_the_next_a_failing_one() -> None:
    free = SlotLimits(per_owner_max=8)
    down = many("operator", 8, "down")
    attempt(free, down, True, False)
    assert len(fill(free, down)) == 4

    free = SlotLimits(per_owner_max=8)
    attempt(free, down, True, False, False)
    assert len(fill(free, down)) == 2


def test_attempts_that_began_together_fail_as_one() -> None:
    """Of a healthy receiver many are in flight: when it is restarted, all of them fail."""
    free = SlotLimits(per_owner_max=8)
    down = many("operator", 8, "down")
    attempt(free, down, True)
    for one in down:
        together = [free.take(one) for _ in range(4)]
        for slot in together:
            free.record(slot, succeeded=False)
            free.give_back(slot)

    assert len(fill(free, down)) == 4


def test_each_of_the_failing_has_its_turn_before_any_has_a_second() -> None:
    free = SlotLimits()
    dead = many("operator", 100)
    attempt(free, dead, False)
    turns: list[str] = []
    for _ in range(7):
        for slot in fill(free, dead):
            turns.append(slot.receiver)
            free.record(slot, succeeded=False)
            free.give_back(slot)

    assert set(Counter(turns[:100]).values()) == {1}


def test_a_receiver_never_tried_comes_before_one_that_failed_once_and_the_longest_due_first() -> None:
    free = SlotLimits(per_owner_max=2)
    old, new = many("operator", 3, "old"), many("operator", 3, "new")
    attempt(free, old, True, False)

    assert free.choose(free.admit(old + new)) == new[:1]


def test_the_one_with_fewest_places_is_next_among_owners_and_among_the_receivers_of_an_owner() -> None:
    free = SlotLimits()
    ada, ben = To("ada", "slow"), To("ben", "slow")
    quick = To("ada", "quick")
    attempt(free, [ada, ben, quick], True)
    for one in [ada] * 3 + [quick, ben]:
        free.take(one)

    assert free.choose(free.admit([ada, quick, ben])) == [ben, quick]


def test_a_healthy_receiver_may_have_as_many_at_once_as_it_has_places_and_any_other_one() -> None:
    free = SlotLimits()
    fit, new, dead = To("ada", "fit"), To("ben", "new"), To("cy", "dead")
    attempt(free, [fit], True)
    attempt(free, [dead], False, False)
    free.take(fit)

    assert free.counts([fit, new, dead]) == [PER_RECEIVER_MAX - 1, 1, 1]


def test_places_that_are_left_are_given_out_in_turns() -> None:
    free = SlotLimits(in_flight_max=8)
    fit = [To(owner, "fit") for owner in ("ada", "ben", "cy")]
    attempt(free, fit, True)

    assert free.counts(fit) == [3, 3, 2]


@pytest.mark.parametrize("owners", [4, 8])
def test_owners_whose_healthy_receivers_are_slow_do_not_keep_the_places_that_become_free(owners: int) -> None:
    free = SlotLimits()
    slow = [To(f"slow {owner}", f"slow {number}") for owner in range(owners) for number in range(PER_OWNER_MAX)]
    quick = To("quick", "quick")
    attempt(free, [*slow, quick], True)
    taken = fill(free, slow)
    assert not free.any_free()
    free.give_back(taken[0])

    assert [one for one in fill(free, [*slow, quick]) if one.owner == "quick"]


def test_freeing_a_place_returns_whether_a_receiver_lacked_it() -> None:
    free = SlotLimits(in_flight_max=8, per_owner_max=4, per_receiver_max=2)
    fit, other = To("ada", "fit"), To("ben", "fit")
    attempt(free, [fit, other], True)
    taken, [elsewhere] = fill(free, [fit]), [free.take(other)]
    free.admit([fit, other])

    assert [free.give_back(slot) for slot in (elsewhere, *taken)] == [False, True, True]


def test_a_receiver_that_lacks_a_place_because_others_of_its_kind_have_them_is_reported_too() -> None:
    free = SlotLimits(per_owner_max=4)
    taken = fill(free, many("operator", 3, "new"))
    assert [free.give_back(slot) for slot in taken] == [True, True]


def test_nothing_is_left_of_places_that_were_given_back() -> None:
    free = SlotLimits()
    everybody = [To(str(number % 10), str(number)) for number in range(500)]
    outcomes = random.Random(20261127)
    for _ in range(10):
        for slot in fill(free, everybody):
            free.record(slot, succeeded=outcomes.random() < 0.5)
            free.give_back(slot)
    attempt(free, everybody, True)

    assert len(fill(free, everybody)) == IN_FLIGHT_MAX


def test_so_many_receivers_are_remembered_and_the_one_of_longest_ago_is_forgotten() -> None:
    free = SlotLimits(remembered_max=3)
    forgotten, *others = many("operator", 4, "fit")
    attempt(free, [others[0], forgotten, *others], True)

    assert [len(fill(free, [one])) for one in (*others, forgotten)] == [PER_RECEIVER_MAX] * 3 + [1]
