"""How a worker process shows that it is alive, and that it goes on where it cannot."""

from pathlib import Path

from structlog.testing import capture_logs

from worker.process import StopFlag


def test_each_round_touches_the_heartbeat_file(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    stop = StopFlag(file)

    assert stop.goes_on()
    assert file.exists()


def test_a_heartbeat_that_cannot_be_written_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "heartbeat"
    stop = StopFlag(file)

    with capture_logs() as logs:
        assert [stop.goes_on() for _ in range(3)] == [True] * 3

    assert [(line["event"], line["log_level"], line["kind"]) for line in logs] == [
        ("heartbeat not written", "warning", "FileNotFoundError")
    ]
    file.parent.mkdir()
    assert stop.goes_on()
    assert file.exists()


def test_a_process_that_is_to_stop_stops_also_without_a_heartbeat(tmp_path: Path) -> None:
    stop = StopFlag(tmp_path / "gone" / "heartbeat")
    stop.stopping = True

    assert not stop.goes_on()
