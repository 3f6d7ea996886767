"""A statement as CSV, as the API streams it."""

import sys
from datetime import UTC, datetime

from cli import output
from cli.exits import WELL, Cannot
from cli.profiles import Target

READ_S = 30.0


def print_csv(target: Target, wallet_id: str, begins: datetime, ends: datetime) -> int:
    """Print the CSV of a period, byte for byte as the API sends it; on a terminal line by line, like all other texts.

    Raises Cannot when it ends too early. The API writes a `'` before what a spreadsheet would run as a formula.
    """
    import httpx

    headers = {"Authorization": f"Bearer {target.key}", "Accept": "text/csv"}
    query = {name: time.astimezone(UTC).isoformat() for name, time in (("from", begins), ("to", ends))}
    url = f"{target.url.rstrip('/')}/v1/wallets/{wallet_id}/statement"
    try:
        with httpx.stream("GET", url, params=query, headers=headers, timeout=READ_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Cannot(detail_of(answer))
            if sys.stdout.isatty():
                for line in answer.iter_lines():
                    output.line(line)
                return WELL
            for part in answer.iter_bytes():
                sys.stdout.buffer.write(part)
    except httpx.HTTPError as error:
        raise Cannot(f"the statement is not whole: {error or type(error).__name__}") from None
    sys.stdout.flush()
    return WELL


def detail_of(answer: "httpx.Response") -> str:  # type: ignore[name-defined]  # noqa: F821 - imported where it is used
    answer.read()
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the API answered {answer.status_code}"
