"""teller doctor: looks whether all is well, check by check, in words."""

import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from cli import local_login, output, profiles
from cli.exits import CANNOT, WELL, Cannot
from cli.options import DEFAULTS, Common
from cli.queue import summary
from cli.session import Session, client
from cli.top import audit_in_words
from core.version import VERSION

if TYPE_CHECKING:
    import httpx

WITHIN_S = 10.0
CLOCK_MAX_S = 5.0  # a signed webhook may be 300 s off; a clock that is 5 s off is set by nothing
DISK_MIN = 1_000_000_000  # bytes; an embedded PostgreSQL writes up to 1 GB of its log before it removes any
PROBE = 1  # minor unit, of the transfer that is only previewed

State = Literal["ok", "warning", "BAD"]


@dataclass(frozen=True)
class Finding:
    """What a check found, in words."""

    state: State
    check: str
    text: str


def doctor(*, common: Common = DEFAULTS) -> int:
    """Look whether all is well: settings, disk, the API and its checks, clock, version, key, a dry transfer, queue, audit.

    Nothing is changed. Exits with 2 when something is bad.
    """
    findings = []
    for finding in examined(common):
        findings.append(finding)
        if not common.json:
            output.line(f"{finding.state:7}  {finding.check}: {finding.text}")
    is_well = all(finding.state != "BAD" for finding in findings)
    if common.json:
        output.json_document({"ok": is_well, "findings": [vars(finding) for finding in findings]})
    else:
        output.line("all is well" if is_well else "something is bad: see above")
    return WELL if is_well else CANNOT


def examined(common: Common) -> Iterator[Finding]:
    """Yield the findings. A check that cannot be made without an earlier one is left out when that one is bad."""
    try:
        target = local_login.target_or_login(common)
    except Cannot as reason:
        yield Finding("BAD", "settings", str(reason))
        return
    yield Finding("ok", "settings", f"{target.url}, from {target.said_by}")
    yield from disk()
    reached = yield from api_checks(target.url)
    if not reached:
        return
    with client(target.url, target.key, common.retry_within) as teller:
        session = Session(teller, target)
        for name, check in (("key", key), ("transfer", dry_transfer), ("queue", queue), ("audit", last_audit)):
            yield from guarded(name, check, session)


def guarded(name: str, check: Callable[[Session], Iterator[Finding]], session: Session) -> Iterator[Finding]:
    """Yield what the check finds; an error of the API is a finding too."""
    from teller_client import Forbidden, NotFound, TellerError

    try:
        yield from check(session)
    except Forbidden:
        yield Finding("ok", name, "not looked at: this key may not")
    except NotFound:
        yield Finding("warning", name, "not looked at: this API is older, or hides it from this key")
    except TellerError as error:
        yield Finding("BAD", name, str(error))


def api_checks(url: str) -> Generator[Finding, None, bool]:
    """Yield what the API says without a key. Return whether it can be asked more."""
    import httpx

    base = url.rstrip("/")
    with httpx.Client(timeout=WITHIN_S) as http:
        try:
            began = time.time()
            ready = http.get(f"{base}/readyz")
            took_s = time.time() - began
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            yield Finding(
                "BAD", "API", f"it does not answer ({error or type(error).__name__}); does it run, and is this its address?"
            )
            return False
        yield from readiness(ready)
        yield clock(ready, began + took_s / 2)
        yield version(http, base)
    return bool(ready.status_code == httpx.codes.OK)


def readiness(answer: "httpx.Response") -> Iterator[Finding]:
    """Yield the API's readiness, check by check."""
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        body = {}
    if answer.status_code != 200:
        yield Finding("BAD", "API", str(body.get("detail") or f"it answers {answer.status_code}, and is perhaps no Teller"))
        return
    for name, passed in body.get("checks", {}).items():
        redis = name.startswith("redis")
        state: State = "ok" if passed else "warning" if redis else "BAD"
        slower = ": transfers are applied by the sweeper, up to a second later" if redis and not passed else ""
        yield Finding(state, name.replace("_", " "), f"{'yes' if passed else 'no'}{slower}")
    if body.get("redis_fault"):
        yield Finding("warning", "redis", str(body["redis_fault"]))


def clock(answer: "httpx.Response", now: float) -> Finding:
    try:
        off_s = parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - now  # its Date has whole seconds
    except (KeyError, ValueError):
        return Finding("warning", "clock", "the API's answer has no Date")
    if abs(off_s) > CLOCK_MAX_S:
        return Finding(
            "BAD", "clock", f"the API's is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} that of this machine"
        )
    return Finding("ok", "clock", "as the API's")


def version(http: "httpx.Client", base: str) -> Finding:
    """Compare this command's version with the API's."""
    import httpx

    try:
        theirs = str(http.get(f"{base}/openapi.json").json()["info"]["version"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        theirs = ""
    if not re.fullmatch(r"\d+\.\d+\.\d+.*", theirs):
        return Finding("ok", "version", f"this command is {VERSION}; the API does not say its own")
    if theirs != VERSION:
        return Finding("warning", "version", f"this command is {VERSION} and the API {theirs}: newer fields may be missing here")
    return Finding("ok", "version", VERSION)


def disk() -> Iterator[Finding]:
    """Yield the room for the data of the system that runs in this folder."""
    folder = profiles.data_dir()
    if folder is None:
        return
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free for {folder}"
    yield Finding("ok" if free >= DISK_MIN else "BAD", "disk", text)


def key(session: Session) -> Iterator[Finding]:
    from teller_client import Forbidden

    session.get("/v1/events", limit=1)
    try:
        session.get("/v1/clients", limit=1)
        yield Finding("ok", "key", "it opens all clients")
    except Forbidden:
        yield Finding("ok", "key", "it is a client's, and opens that client's wallets")


def dry_transfer(session: Session) -> Iterator[Finding]:
    """Preview a deposit of one minor unit into the newest client's wallet: it is calculated as a real one, and not stored."""
    newest = session.found("/v1/clients", 1)
    if not newest:
        yield Finding("ok", "dry transfer", "not tried: there is no client yet")
        return
    wallet = newest[0]["wallet"]
    body = {"wallet_id": wallet["id"], "amount": PROBE, "currency": wallet["currency"]}
    preview = session.teller.request("POST", "/v1/deposits", body, query={"preview": True})
    why = f" ({preview['failure']['code']})" if preview["failure"] else ""
    yield Finding("ok", "dry transfer", f"a deposit of one minor unit into {wallet['id']} would be {preview['status']}{why}")


def queue(session: Session) -> Iterator[Finding]:
    found = session.get("/v1/ops/queue")
    undrained = [str(row["shard"]) for row in found["shards"] if row["drained_by"] is None and row["oldest_seconds"] > WITHIN_S]
    if undrained:
        yield Finding("BAD", "queue", f"{summary(found)}; no worker is at the shards {', '.join(undrained)}: do workers run?")
    else:
        yield Finding("ok", "queue", summary(found))


def last_audit(session: Session) -> Iterator[Finding]:
    audit = session.get("/v1/ops/database")["last_audit"]
    if audit is None:
        yield Finding("warning", "audit", "none is stored: `teller audit` proves the ledger")
    else:
        yield Finding("ok" if audit["ok"] else "BAD", "audit", audit_in_words(audit))
