"""The tables by rate of the page about sizing are what bench.sizing makes of the record that they name."""

import re
from pathlib import Path

from bench import sizing
from bench.sizing import Bytes, Record
from tests.system import ROOT

PAGE = sizing.PAGE.read_text()
MADE_UP = Record("made-up", "a processor", {"API": 120.0, "workers": 30.0, "Postgres": 60.0, "Redis": 6.0}, 10_000.0)


def test_the_page_shows_what_its_record_gives() -> None:
    [name] = re.findall(r"^From the record `([^`]+)`", sizing.tables_in(PAGE), re.MULTILINE)
    record = sizing.read(sizing.RECORDS / f"{name}.json")

    assert sizing.tables_in(PAGE) == "\n".join(sizing.lines(record, sizing.bytes_in(PAGE))) + "\n"


def test_cores_are_the_rate_times_the_cpu_time_at_sixty_percent() -> None:
    rate, api, workers, postgres, redis, count, connections = sizing.needs(MADE_UP, 50_000)

    assert (rate, api, workers, postgres, redis) == ("50,000", "10.0", "2.5", "5.0", "0.5")
    assert count == "9"  # 50,000 of 6,000 each
    assert connections == str(10 * 10 + 9 + 32)


def test_two_workers_run_however_low_the_rate_is() -> None:
    assert sizing.workers_for(MADE_UP, 1) == 2


def test_bytes_are_read_from_the_measured_table_and_multiplied() -> None:
    size = sizing.bytes_in("| in all | | 1,000 | | | 2,000 | |\n| write-ahead log | | 3,000 | | | 4,000 | |\n")

    assert size == Bytes((1000, 2000), (3000, 4000))
    assert sizing.grows(size, 10_000) == ("10,000", "30 to 40 MB", "2.6 to 3.5 TB", "0.86 to 1.73 TB")


def test_the_newest_record_is_the_one_of_the_latest_time(tmp_path: Path) -> None:
    for name in ("2026-11-27T143139Z-aaaa", "2026-12-01T000000Z-0000", "latest"):
        (tmp_path / f"{name}.json").touch()

    assert sizing.newest(tmp_path).stem == "2026-12-01T000000Z-0000"


def test_writing_replaces_what_was_written_before_and_nothing_else() -> None:
    page = f"before\n{sizing.BEGIN}old\n{sizing.END}after\n"

    assert sizing.with_tables(page, "new\n") == f"before\n{sizing.BEGIN}new\n{sizing.END}after\n"


def test_every_file_that_the_page_says_leans_on_postgresql_exists() -> None:
    named = re.findall(r"`(core/[\w/.]+)`", PAGE)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
