"""What the benchmark computes from what it has measured."""

import pytest

from bench.burst import KINDS, STANDSTILL, Burst, longest_gap, rate, standstill
from bench.compare import ratios_of, setting
from bench.latency import Latencies
from bench.load import Load
from bench.measurements import MEASUREMENTS, describe
from bench.pairs import Pair
from bench.pgbench import Run
from bench.report import row
from bench.session import Submitted
from bench.verbs import HOLDS, RELEASED, Flood, figures_of


@pytest.mark.parametrize(
    ("instants", "gap"),
    [
        ([], 0.0),
        ([5.0], 0.0),
        ([5.0, 5.0], 0.0),
        ([1.0, 1.5, 4.0, 4.5], 2.5),
        ([1.0, 4.0, 4.0, 5.0], 3.0),
        ([1.0, 1.5, 2.0, 9.0], 7.0),
    ],
)
def test_the_longest_standstill_counts_from_the_first_acceptance_to_the_last_verdict(instants: list[float], gap: float) -> None:
    assert longest_gap(instants) == gap


def a_burst(per_s: float, standstill_s: float) -> Pair[Run, Burst]:
    submitted = Submitted(per_s, 1, 1.0, 0.0, Load(1, 1.0, {}, {}, 0.0))
    return Pair(Run(900.0, 1.0), Burst(submitted, standstill_s), Run(1100.0, 1.0))


@pytest.mark.parametrize(
    ("place", "per_s", "is_reached"), [(0, 2000.0, True), (0, 1999.0, False), (1, 1000.0, True), (1, 999.0, False)]
)
def test_a_burst_of_batches_must_reach_twice_pgbench_and_one_of_singles_once(place: int, per_s: float, *, is_reached: bool) -> None:
    figure = rate(KINDS[place], 2, a_burst(per_s, 0.1))

    assert figure.target
    assert figure.target.reached(figure.judged, figure.target.must) is is_reached


@pytest.mark.parametrize(("standstill_s", "mark"), [(0.2, "✓"), (1.0, "✓"), (1.1, "✗")])
def test_a_second_without_a_verdict_is_too_long(standstill_s: float, mark: str) -> None:
    figure = standstill(KINDS[0], 1, a_burst(1.0, standstill_s))

    assert figure.target == STANDSTILL
    what, measured, *_, must, _ = row(figure)
    assert what == "longest without a verdict, batches by 1 worker"
    assert measured == f"{standstill_s:.1f} s"
    assert must == f"≤ 1 s {mark}"


@pytest.mark.parametrize(("last_s", "mark"), [(0.9, "✓"), (3.0, "✓"), (3.1, "✗")])
def test_an_expired_hold_must_be_free_within_three_seconds_and_other_callers_are_compared_with_themselves(
    last_s: float, mark: str
) -> None:
    flooded = Flood(100_000, last_s, alone=Latencies([5.0] * 100), beside=Latencies([10.0] * 100))

    after, p99 = figures_of(HOLDS, "100,000 holds", "last release", flooded, RELEASED)

    assert row(after)[5] == f"≤ 3 s {mark}"
    assert (p99.value, p99.ratio, p99.to) == (10.0, 2.0, "alone")


def test_two_checkouts_are_compared_by_neighbours() -> None:
    assert ratios_of([100.0, 200.0, 400.0], [150.0, 150.0]) == [1.0, 0.5]


def test_a_setting_for_the_base_has_a_name_and_a_value() -> None:
    assert setting("NAME=a=b") == ("NAME", "a=b")
    with pytest.raises(ValueError, match="not enough values"):
        setting("NAME")


def test_every_measurement_says_what_it_measures() -> None:
    assert {"burst", "snapshot", "verbs"} <= MEASUREMENTS.keys()
    assert [name for name in MEASUREMENTS if not describe(name)] == []
