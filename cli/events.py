"""teller events: the feed of what became final."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.amounts import money_in
from cli.exits import WELL
from cli.options import DEFAULTS, Common
from cli.session import PAGE_MAX, Json, Session, session

POLL_S = 1.0
After = Annotated[str | None, Parameter(name="--after", help="continue after this event (default: only events from now on)")]
FromStart = Annotated[bool, Parameter(name="--from-start", negative="", help="begin with the first event that there is")]
Count = Annotated[int | None, Parameter(name="--count", help="end after so many events")]


def tail(
    *,
    after: After = None,
    from_start: FromStart = False,
    count: Count = None,
    common: Common = DEFAULTS,
) -> int:
    """Print events as they come, oldest first, until Ctrl-C: a line each, or with --json an object a line.

    --after with the last id that you have seen misses none and repeats none.
    """
    with session(common) as api:
        for number, event in enumerate(following(api, after, from_start=from_start), 1):
            if common.json:
                output.json_line(event)
            else:
                output.line(event_in_words(event))
            if number == count:
                break
    return WELL


def following(api: Session, after: str | None, *, from_start: bool) -> Iterator[Json]:
    """Yield each event after `after`, or from the first on, or from now on, and never end."""
    last = after if after or from_start else newest(api)
    while True:
        page = api.get("/v1/events", after=last, limit=PAGE_MAX)
        for event in page["data"]:
            yield event
            last = event["id"]
        if not page["has_more"]:
            output.pause(POLL_S)


def newest(api: Session) -> str | None:
    """Return the last event that there is now; None where there is none.

    The feed is read from its beginning only. So the event of the newest applied transfer is the start, and what came after it is
    passed over, page by page.
    """
    applied = api.found("/v1/transfers", 1, status="applied")
    last = applied[0]["id"].replace("trf_", "evt_") if applied else None
    while True:
        page = api.get("/v1/events", after=last, limit=PAGE_MAX)
        if page["data"]:
            last = page["data"][-1]["id"]
        if not page["has_more"]:
            return last


def get(event: Annotated[str, Parameter(help="its id, evt_…")], /, *, common: Common = DEFAULTS) -> int:
    """Show an event."""
    with session(common) as api:
        show_event(api.get(f"/v1/events/{event}"), common)
    return WELL


def show_event(event: Json, common: Common) -> None:
    if common.json:
        output.json_document(event)
    else:
        output.line(event_in_words(event))


def event_in_words(event: Json) -> str:
    data = event["data"]
    begin = f"{output.instant(event['timestamp'])}  {event['id']}  {event['type']}"
    if "amount" not in data:
        return f"{begin}  {data['id']}"
    reason = f" ({data['failure']['code']})" if data["failure"] else ""
    reference = f"  {data['reference']}" if data["reference"] else ""
    return f"{begin}  {data['type']} of {money_in(data['amount'], data['currency'])}{reason}{reference}"
