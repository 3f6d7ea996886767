"""How a worker process shows that it is alive, and that it goes on where it cannot."""

from pathlib import Path

from structlog.testing import capture_logs

from worker.process import Rounds


def test_each_round_touches_the_heartbeat_file(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    rounds = Rounds(file)

    assert rounds.goes_on()
    assert file.exists()


def test_a_heartbeat_that_cannot_be_written_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "heartbeat"
    rounds = Rounds(file)

    with capture_logs() as logs:
        assert [rounds.goes_on() for _ in range(3)] == [True] * 3

    assert [(line["event"], line["log_level"], line["kind"]) for line in logs] == [
        ("heartbeat not written", "warning", "FileNotFoundError")
    ]
    file.parent.mkdir()
    assert rounds.goes_on()
    assert file.exists()


def test_a_process_that_is_to_stop_stops_also_without_a_heartbeat(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path / "gone" / "heartbeat")
    rounds.stopping = True

    assert not rounds.goes_on()
