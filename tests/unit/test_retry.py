"""When a failed webhook is sent again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.webhooks.retry import ATTEMPTS_MAX, next_delay_s, read_retry_after

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)
DAY_S = 24 * 3600.0


def delays(jitter: float) -> list[float | None]:
    return [next_delay_s(attempts, 500, None, jitter) for attempts in range(1, ATTEMPTS_MAX + 1)]


def test_ten_attempts_are_made_as_the_specification_suggests() -> None:
    assert delays(jitter=0) == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, None]
    assert timedelta(seconds=sum(delay or 0 for delay in delays(jitter=0))) == timedelta(hours=75, minutes=35, seconds=5)


def test_jitter_only_lengthens_and_by_a_fifth_at_most() -> None:
    for plain, shaken in zip(delays(jitter=0)[:-1], delays(jitter=1)[:-1], strict=True):
        assert plain is not None
        assert shaken == pytest.approx(1.2 * plain)


@pytest.mark.parametrize("attempts", range(1, ATTEMPTS_MAX + 1))
def test_a_receiver_that_is_gone_is_given_up_on_whatever_else_it_says(attempts: int) -> None:
    assert next_delay_s(attempts, 410, 60, 0) is None


@pytest.mark.parametrize("status", [None, 302, 400, 404, 409, 418, 429, 500, 502, 503, 504])
def test_every_other_failure_is_tried_again(status: int | None) -> None:
    assert next_delay_s(1, status, None, 0) == 5


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_more_time_gets_it_and_one_that_asks_for_less_does_not(status: int) -> None:
    assert next_delay_s(1, status, 60, 0) == 60
    assert next_delay_s(1, status, 60, 1) == pytest.approx(72)
    assert next_delay_s(2, status, 60, 0) == 300
    assert next_delay_s(1, status, 0, 0) == 5


@pytest.mark.parametrize("status", [None, 500, 302])
def test_only_a_busy_receiver_may_ask_for_time(status: int | None) -> None:
    assert next_delay_s(1, status, 60, 0) == 5


def test_asking_for_time_adds_no_attempt() -> None:
    assert next_delay_s(ATTEMPTS_MAX, 429, 60, 0) is None


RETRY_AFTERS = {
    "0": 0,
    "1": 1,
    "120": 120,
    " \t120 ": 120,
    "0120": 120,
    "86400": DAY_S,
    "86401": DAY_S,
    "9" * 5000: DAY_S,
    "Fri, 06 Nov 2026 08:50:37 GMT": 60,
    "Friday, 06-Nov-26 08:50:37 GMT": 60,
    "Fri Nov  6 08:50:37 2026": 60,
    "Fri, 06 Nov 2026 08:49:37 GMT": 0,
    "Sun, 06 Nov 1994 08:49:37 GMT": 0,
    "Sat, 06 Nov 2027 08:49:37 GMT": DAY_S,
    "Fri, 31 Dec 9999 23:59:59 GMT": DAY_S,
    "": None,
    "soon": None,
    "-1": None,
    "+1": None,
    "1.5": None,
    "1e3": None,
    "1 2": None,
    "0x10": None,
    "inf": None,
    "NaN": None,
    "\u0661\u0662": None,
    "\xb2": None,
    "Fri, 99 Nov 2026 08:50:37 GMT": None,
    "Fri, 06 Nov 2026 99:99:99 GMT": None,
    "Fri, 06 Nov 2026 08:50:37 +99999999": None,
}


@pytest.mark.parametrize("header", RETRY_AFTERS, ids=lambda header: ascii(header[:40]))
def test_retry_after_is_a_number_of_seconds_or_a_date_and_a_day_at_most(header: str) -> None:
    assert read_retry_after(header, NOW) == RETRY_AFTERS[header]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.integers(min_value=0, max_value=86_400))
def test_any_date_within_a_day_is_waited_for(seconds: int) -> None:
    assert read_retry_after(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True), NOW) == seconds


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{2},? \d{1,4}[ -][A-Z][a-z]{2}[ -]\d{1,6} \d+:\d+(:\d+)? ?([-+]\d+|[A-Z]+)?"))
)
def test_whatever_a_receiver_writes_is_read_without_a_fault(header: str) -> None:
    wait_s = read_retry_after(header, NOW)

    assert wait_s is None or 0 <= wait_s <= DAY_S
