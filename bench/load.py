"""Load from wrk, which is compiled: a client in Python would be the bottleneck."""

import json
import os
import resource
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from bench.errors import CannotBench

Mode = Literal["get", "batch", "mixed", "pairs", "uniform", "into-one", "out-of-one", "zipf"]

CONNECTIONS = 64
THREADS = 1  # of wrk; one sends several times what a Teller on the same two cores can answer
BATCH = 500  # transfers in a request of mode "batch"
BATCH_CONNECTIONS = 4  # enough to keep the API busy: a request of 500 takes it a good part of a second
TIMEOUT_S = 10  # the API itself answers within two seconds

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What wrk counted: answers with a status below 400, latencies by percentile, errors by kind, its own CPU time."""

    requests: int
    seconds: float
    percentiles_ms: Mapping[str, float]
    errors: Mapping[str, int]
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds


def find_wrk() -> str:
    """Return the path of wrk. Raises CannotBench with the command that installs it."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise CannotBench("wrk, which makes the load, is not installed. On Debian and Ubuntu: apt-get install wrk")
    return wrk


def send(url: str, operator_key: str, mode: Mode, ids: Sequence[str], *, seconds: int, connections: int) -> Load:
    """Send requests for `seconds`; each connection sends the next one when the one before is answered.

    At the end wrk drops the requests that are not answered yet: up to one a connection is processed but not counted.
    """
    cpu_before_s = cpu_of_children_s()
    with NamedTemporaryFile("w", prefix="teller-bench-ids-") as file:
        file.write("\n".join(ids) + "\n")
        file.flush()
        output = run_wrk(
            [f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_S}s", f"-s{SCRIPT}", url],
            {
                "BENCH_MODE": mode,
                "BENCH_IDS": file.name,
                "BENCH_OPERATOR_KEY": operator_key,
                "BENCH_PREFIX": secrets.token_hex(8),
                "BENCH_BATCH": str(BATCH),
            },
        )
    return parse(output, cpu_of_children_s() - cpu_before_s)


def run_wrk(options: Sequence[str], environment: Mapping[str, str]) -> str:
    command = [find_wrk(), *options]
    ended = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode != 0:
        raise CannotBench(f"wrk failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def parse(output: str, cpu_s: float) -> Load:
    printed = json.loads(output.splitlines()[-1])
    return Load(
        requests=printed["requests"] - printed["errors"]["status"],
        seconds=printed["duration_us"] / 1e6,
        percentiles_ms={percent: us / 1e3 for percent, us in printed["percentiles_us"].items()},
        errors={kind: count for kind, count in printed["errors"].items() if count},
        cpu_s=cpu_s,
    )


def cpu_of_children_s() -> float:
    """CPU seconds of all children that have ended. Between two calls only wrk ends."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
