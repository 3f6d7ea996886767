"""teller queue: what waits, for how long, and which worker applies it."""

from typing import Annotated

from cyclopts import Parameter

from cli import live, output
from cli.exits import WELL
from cli.options import DEFAULTS, Common
from cli.session import Json, Session, session

Watch = Annotated[bool, Parameter(name="--watch", negative="", help="show it again and again, until Ctrl-C")]
Every = Annotated[float, Parameter(name="--every", help="seconds between two looks (default: 2)")]
Times = Annotated[int | None, Parameter(name="--times", help="end after so many looks")]


def queue(*, watch: Watch = False, every: Every = 2.0, times: Times = None, common: Common = DEFAULTS) -> int:
    """Show how many transfers wait, by shard, for how long, and which worker has the shard."""
    with session(common) as api:
        live.repeat(lambda: show(api, common), max(every, 0.1), times if watch else 1)
    return WELL


def show(api: Session, common: Common) -> None:
    found = api.get("/v1/ops/queue")
    if common.json:
        output.json_line(found)
        return
    output.line(summary(found))
    if found["shards"]:
        output.line()
        shard_table(found["shards"])


def summary(queue: Json) -> str:
    oldest = "" if queue["oldest_seconds"] is None else f", the oldest for {seconds(queue['oldest_seconds'])}"
    due = queue["due_oldest_seconds"]
    late = "" if due is None else f", of which the first has been due for {seconds(due)}"
    return f"{queue['queued']} queued of at most {queue['limit']}{oldest}; {queue['scheduled']} scheduled{late}"


def shard_table(shards: list[Json]) -> None:
    rows = [(row["shard"], row["queued"], seconds(row["oldest_seconds"]), row["drained_by"]) for row in shards]
    output.table(("SHARD", "QUEUED", "OLDEST", "APPLIED BY"), rows, right=("SHARD", "QUEUED", "OLDEST"))


def seconds(given: float | None) -> str:
    """Return a duration for people: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if given is None:
        return output.NOTHING
    if given < 10:
        return f"{given:.1f} s"
    if given < 60:
        return f"{given:.0f} s"
    minutes, rest = divmod(round(given), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
