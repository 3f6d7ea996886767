"""python -m bench [NAME …]: measure, print, write a record. Exits with 1 when a fault was found, not because Teller is slow."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import CannotBench, Skipped, UnexpectedAnswer
from bench.load import find_wrk
from bench.measurements import MEASUREMENTS, describe
from bench.pgbench import Pgbench
from bench.plan import FULL, QUICK
from bench.report import Report, Taken
from bench.servers import Servers, embedded
from bench.session import Session
from bench.system import System, running
from local import settings
from local.process import ROOT
from local.server import ServerFailed
from local.terminal import CannotRun, Stopped, StopSignals, say

RECORDS = ROOT / "docs" / "benchmarks"


def main() -> int:
    arguments = parse()
    if arguments.list:
        say("\n".join(f"{name:8}  {describe(name)}" for name in MEASUREMENTS))
        return 0
    signals = StopSignals()
    signals.listen()
    try:
        report = run(arguments.names or list(MEASUREMENTS), quick=arguments.quick, signals=signals)
        is_record = not arguments.quick and not arguments.names and not report.faults
        publish(report, arguments.out or (RECORDS if is_record else Path(tempfile.mkdtemp(prefix="teller-bench-report-"))))
    except (CannotBench, CannotRun, ServerFailed) as reason:
        sys.exit(f"bench: {reason}")
    except Stopped:
        say("stopped")
        return 1
    return 1 if report.faults else 0


def parse() -> argparse.Namespace:
    bench = parser()
    arguments = bench.parse_args()
    if unknown := [name for name in arguments.names if name not in MEASUREMENTS]:
        bench.error(f"there is no measurement {', '.join(unknown)}; --list lists them")
    return arguments


def parser() -> argparse.ArgumentParser:
    bench = argparse.ArgumentParser(prog="python -m bench", description="Measure Teller beside pgbench.")
    bench.add_argument(
        "names", nargs="*", metavar="NAME", help="take only these measurements; only a full run is written to docs/benchmarks"
    )
    bench.add_argument("--list", action="store_true", help="list the measurements")
    quick = "take a few seconds for each, to try out the benchmarks: the figures mean nothing"
    bench.add_argument("--quick", action="store_true", help=quick)
    bench.add_argument("--out", type=Path, metavar="FOLDER", help="write the report to this folder instead of docs/benchmarks")
    return bench


def run(names: Sequence[str], *, quick: bool, signals: StopSignals) -> Report:
    """Start the servers, take the measurements, stop the servers."""
    find_wrk()
    configured = settings.load()
    taken_at = datetime.now(UTC)
    plan = QUICK if quick else FULL
    with (
        system_or_servers(signals) as base,
        closing(Pgbench(base.admin_database_url, plan.pgbench_s, plan.pgbench_warm_s)) as pgbench,
    ):
        session = Session(plan, base, pgbench, configured)
        about = session.about()
        measurements = {name: measure(session, name) for name in names}
        return Report(taken_at, about, plan, measurements, pgbench.runs, session.faults)


@contextmanager
def system_or_servers(signals: StopSignals) -> Iterator[Servers | System]:
    """The system that the environment names, or embedded servers to run systems on; no signal interrupts their stop."""
    given = running(os.environ)
    if given:
        with closing(given):
            yield given
    else:
        with embedded(signals.ignore) as servers:
            yield servers


def measure(session: Session, name: str) -> Taken:
    began = time.monotonic()
    say(f"{name:8}  ", end="")
    try:
        result = MEASUREMENTS[name](session)
    except Skipped as reason:
        say(f"skipped: {reason}")
        return Taken(time.monotonic() - began, skipped=str(reason))
    except UnexpectedAnswer as fault:
        session.faults.append(str(fault))
        say(str(fault))
        return Taken(time.monotonic() - began, skipped=str(fault))
    seconds = time.monotonic() - began
    say(f"{seconds:4.0f} s")
    return Taken(seconds, result)


def publish(report: Report, folder: Path) -> None:
    """Print the report, and write it and its plot to the folder: under the name of the run, and as `latest`."""
    say("")
    for line in report.lines():
        say(line)
    file = report.write(folder)
    picture = draw(report, file.with_suffix(".png"))
    for made in (file, picture):
        shutil.copyfile(made, folder / f"latest{made.suffix}")
    say(f"\nwritten to {file} and {picture.name}")
    for fault in report.faults:
        say(f"WRONG: {fault}")
    say("something was wrong: the figures are void" if report.faults else "audit clean, every answer as expected")


def draw(report: Report, picture: Path) -> Path:
    """Draw the plot of the report. Only this needs matplotlib, which `make bench` installs: the rest can be imported without it."""
    from bench.plot import plot  # noqa: PLC0415

    plot(report, picture)
    return picture


if __name__ == "__main__":
    sys.exit(main())
