"""The deadline of a request: one for all of its questions to the database, and one for each request."""

from contextvars import Context

import pytest

from core.postgres import deadline


def test_the_first_question_starts_the_deadline_and_later_ones_share_it() -> None:
    def ask_twice() -> tuple[float, float]:
        first = deadline.answer_by()
        deadline.start_once()
        return first, deadline.answer_by()

    first, second = Context().run(ask_twice)

    assert first == second


def test_a_loop_starts_it_anew_for_each_piece_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def work_twice() -> tuple[float, float]:
        monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", -1)
        deadline.start()
        late = deadline.left_s()
        monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 1000)
        deadline.start()
        return late, deadline.left_s()

    late, left_s = Context().run(work_twice)

    assert late == 0
    assert 900 < left_s <= 1000


def test_requests_do_not_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", -1)
    assert Context().run(deadline.left_s) == 0

    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 1000)
    assert Context().run(deadline.left_s) > 900
