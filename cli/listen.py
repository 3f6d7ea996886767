"""teller webhooks listen: forward events to a program on this machine, as the deliverer would send them.

The API stays as it is: no endpoint is made, and the deliverer need not be opened to private addresses.
"""

import json
import os
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli import output
from cli.events import After, Count, FromStart, following
from cli.exits import WELL, Cannot
from cli.options import DEFAULTS, Common
from cli.session import Json, session

if TYPE_CHECKING:
    import httpx

WITHIN_S = 15.0  # as the deliverer: WITHIN_S in worker/webhooks/send.py
HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Teller-Webhooks/1",
}  # the deliverer's, but for what it asks of answers
SECRET = "TELLER_WEBHOOK_SECRET"  # noqa: S105 - the name of the variable


def listen(
    *,
    forward: Annotated[str, Parameter(help="the URL of your program, such as http://localhost:3000/hook")],
    secret: Annotated[
        str | None, Parameter(help="what signs, whsec_… (default: TELLER_WEBHOOK_SECRET, or a fresh one, which is printed)")
    ] = None,
    after: After = None,
    from_start: FromStart = False,
    count: Count = None,
    common: Common = DEFAULTS,
) -> int:
    """Forward each event to a URL as it comes, with the body, the headers and a signature like the real webhook's, until Ctrl-C.

    An event is sent once: the answer is printed, and nothing is tried again. To send events again, use --after.
    """
    from core.webhooks.signing import BadSecret, key_of, make_secret

    used = secret or os.environ.get(SECRET) or make_secret()
    try:
        key_of(used)
    except BadSecret as error:
        raise Cannot(str(error)) from None
    if not forward.startswith(("http://", "https://")):
        raise Cannot("--forward takes a URL that begins with http:// or https://")
    output.note(f"signing with {used if secret is None else 'the given secret'}; forwarding to {forward}")
    return forward_all(common, forward, used, after, count, from_start=from_start)


def forward_all(common: Common, url: str, secret: str, after: str | None, count: int | None, *, from_start: bool) -> int:
    import httpx

    with session(common) as api, httpx.Client(timeout=WITHIN_S, trust_env=False) as client:
        for number, event in enumerate(following(api, after, from_start=from_start), 1):
            began = time.monotonic()
            status, error = sent(client, url, event, secret)
            report(common, event, status, error, time.monotonic() - began)
            if number == count:
                break
    return WELL


def sent(client: "httpx.Client", url: str, event: Json, secret: str) -> tuple[int | None, str | None]:
    """Send the event, and return the status of the answer, or why there is none."""
    import httpx

    from core.webhooks.signing import sign

    body = body_of(event)
    headers = HEADERS | sign(event["id"], int(time.time()), body, [secret])
    try:
        return client.post(url, content=body, headers=headers).status_code, None
    except httpx.HTTPError as error:
        return None, str(error) or type(error).__name__


def body_of(event: Json) -> bytes:
    """Return the bytes that the deliverer sends: the event without its id, which is a header."""
    return json.dumps({name: event[name] for name in ("type", "timestamp", "data")}, separators=(",", ":")).encode()


def report(common: Common, event: Json, status: int | None, error: str | None, took_s: float) -> None:
    if common.json:
        output.json_line({"event_id": event["id"], "type": event["type"], "status_code": status, "error": error})
    else:
        output.line(f"{event['id']}  {event['type']}  {error or status} in {took_s * 1000:.0f} ms")
