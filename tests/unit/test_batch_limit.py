"""How large batches are, how a drain closes in on the one transfer that makes them fail, and how many it may give up on."""

from uuid import UUID

from core.ledger.sharding import SHARDS_MAX
from worker.allowance import GIVEN_UP_MAX, GIVEN_UP_WITHIN_S, Allowance
from worker.ledger.batch_limit import ATTEMPTS_MAX, BATCH_MAX, PART_MIN, BatchLimit, BatchLimits, share_of

BAD, OTHER = UUID(int=1), UUID(int=2)


def test_each_failure_halves_the_next_batch_down_to_one() -> None:
    limit = BatchLimit()

    limits = []
    while limit.limit > 1:
        limits.append(limit.limit)
        limit.record_failure(BAD)
    limit.record_failure(BAD)

    assert limits == [500, 250, 125, 62, 31, 15, 7, 3]
    assert limit.limit == 1


def test_each_success_doubles_it_up_to_the_full_batch() -> None:
    limit = BatchLimit(limit=1)

    limits = []
    for _ in range(11):
        limits.append(limit.limit)
        limit.record_success()

    assert limits == [1, 2, 4, 8, 16, 32, 64, 128, 256, BATCH_MAX, BATCH_MAX]


def test_a_batch_that_took_too_long_is_halved_and_counted_against_no_transfer() -> None:
    limit = BatchLimit(limit=2, suspect=BAD)

    for _ in range(2 * ATTEMPTS_MAX):
        limit.record_timeout()

    assert (limit.limit, limit.exhausted) == (1, False)


def test_a_failure_in_company_is_counted_against_no_transfer() -> None:
    limit = BatchLimit()

    while limit.limit > 1:
        limit.record_failure(BAD)

    assert (limit.suspect, limit.failures, limit.exhausted) == (None, 0, False)


def test_a_transfer_that_fails_alone_is_given_up_on_after_so_many_attempts() -> None:
    limit = BatchLimit(limit=1)

    exhausted = []
    for _ in range(ATTEMPTS_MAX):
        limit.record_failure(BAD)
        exhausted.append(limit.exhausted)

    assert limit.suspect == BAD
    assert exhausted == [False] * (ATTEMPTS_MAX - 1) + [True]


def test_the_failures_of_another_are_counted_anew() -> None:
    limit = BatchLimit(limit=1)

    for _ in range(ATTEMPTS_MAX - 1):
        limit.record_failure(BAD)
    limit.record_failure(OTHER)

    assert (limit.suspect, limit.failures, limit.exhausted) == (OTHER, 1, False)


def test_shards_share_a_batch_and_many_of_them_leave_each_one_enough() -> None:
    assert [share_of(shards) for shards in (1, 2, 3, 16, 64, SHARDS_MAX)] == [BATCH_MAX, 250, 167, 32, PART_MIN, PART_MIN]


def test_the_shard_that_had_its_turn_longest_ago_comes_first_and_one_that_is_well_again_has_no_limit_of_its_own() -> None:
    limits = BatchLimits()
    for shard in (3, 5, 7):
        limits.keep(shard, BatchLimit(shard))

    limits.keep(3, limits.of(3))
    limits.drop(5)

    assert limits.by_turn([3, 5, 7, 9]) == [7, 3]
    assert limits.without([3, 5, 7, 9]) == [5, 9]
    assert [limits.of(shard).limit for shard in (3, 5)] == [3, BATCH_MAX]


def test_only_so_many_are_given_up_on_within_the_time() -> None:
    allowance = Allowance()

    spent = []
    for second in range(GIVEN_UP_MAX):
        spent.append(allowance.is_spent(second))
        allowance.spend(second)

    assert spent == [False] * GIVEN_UP_MAX
    assert allowance.is_spent(GIVEN_UP_MAX)
    assert allowance.is_spent(GIVEN_UP_WITHIN_S - 0.1)


def test_each_that_is_long_ago_allows_another_one() -> None:
    allowance = Allowance()
    for second in range(GIVEN_UP_MAX):
        allowance.spend(second)

    assert not allowance.is_spent(GIVEN_UP_WITHIN_S)
    allowance.spend(GIVEN_UP_WITHIN_S)
    assert allowance.is_spent(GIVEN_UP_WITHIN_S)
    assert not allowance.is_spent(GIVEN_UP_WITHIN_S + 1)
