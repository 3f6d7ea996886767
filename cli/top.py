"""teller top: the state of the whole system, live."""

from cli import live, output
from cli.exits import WELL
from cli.find import transfer_table
from cli.options import DEFAULTS, Common
from cli.queue import Every, Times, seconds, shard_table, summary
from cli.session import Json, Session, session

ROWS = 8
SIZES = ("B", "kB", "MB", "GB", "TB")


def top(*, every: Every = 2.0, times: Times = None, common: Common = DEFAULTS) -> int:
    """Show the queue, the processes, the database and the newest transfers, again and again, until Ctrl-C."""
    with session(common) as api:
        live.repeat(lambda: show(api, common), max(every, 0.1), times)
    return WELL


def show(api: Session, common: Common) -> None:
    parts = {name: api.get(f"/v1/ops/{name}") for name in ("queue", "processes", "database")}
    if common.json:
        output.json_line(parts)
        return
    output.line(f"{api.target.url}  {summary(parts['queue'])}")
    output.line(database_in_words(parts["database"]))
    if parts["queue"]["shards"]:
        output.line()
        shard_table(parts["queue"]["shards"][:ROWS])
    output.line()
    process_table(parts["processes"]["processes"])
    if parts["database"]["blocked"]:
        output.line()
        blocked_table(parts["database"]["blocked"])
    output.line()
    transfer_table(api.found("/v1/transfers", ROWS))


def database_in_words(database: Json) -> str:
    connections, audit = database["connections"], database["last_audit"]
    proved = "no audit is stored" if audit is None else audit_in_words(audit)
    return (
        f"PostgreSQL {database['version']}, schema {database['schema']}, {size(database['size_bytes'])},"
        f" {connections['used']} of {connections['allowed']} connections; {proved}{feed_in_words(database['feed'])}"
    )


def feed_in_words(feed: Json) -> str:
    """Return what keeps events back, where it has done so for a second or more."""
    if feed["horizon_seconds"] < 1:
        return ""
    holder = feed["holder"]
    of = f" of {holder['application']} (pid {holder['pid']})" if holder else ""
    return f"; an open transaction{of} has kept events back for {seconds(feed['horizon_seconds'])}"


def audit_in_words(audit: Json) -> str:
    verdict = "was clean" if audit["ok"] else f"found {audit['failures']} contradictions"
    return f"the last audit {verdict} ({output.instant(audit['finished_at'])})"


def size(given: float) -> str:
    """Return a number of bytes for people, in powers of 1000."""
    for unit in SIZES[:-1]:
        if given < 1000:
            return f"{given:.0f} {unit}"
        given /= 1000
    return f"{given:.1f} {SIZES[-1]}"


def process_table(rows: list[Json]) -> None:
    cells = [
        (row["kind"], row["name"], row["host"], row["state"], output.instant(row["since"]), output.instant(row["last_seen_at"]))
        for row in rows
    ]
    output.table(("PROCESS", "NAME", "HOST", "STATE", "SINCE", "LAST SEEN"), cells, none="no process is known")


def blocked_table(rows: list[Json]) -> None:
    cells = [
        (row["pid"], row["application"], seconds(row["waiting_seconds"]), ", ".join(map(str, row["blocked_by"])), row["state"])
        for row in rows
    ]
    output.table(("BLOCKED", "APPLICATION", "FOR", "BY", "STATE"), cells)
