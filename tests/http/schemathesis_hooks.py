"""What Schemathesis loads: ids of what exists in the place of those that it makes up, so that good data gets good answers."""

import os
import re
from typing import Any

import schemathesis

TRANSPORT = {
    "request_timeout": "408",
    "body_too_large": "413",
    "unsupported_media_type": "415",
    "headers_too_large": "431",
}
KEY = "Idempotency-Key"
GOOD_KEY = re.compile(r"[!#-~][!-~]{0,149}")  # bare, and with room for the operation's name before it
EXISTING = {name.removeprefix("EXISTING_"): value for name, value in os.environ.items() if name.startswith("EXISTING_")}


def existing(value: Any, name: str = "") -> Any:
    """Return the value with ids of what exists, a source's apart from all others, and with all else as it is."""
    if isinstance(value, str):
        return EXISTING.get("source" if name == "source_wallet_id" and value.startswith("wal_") else value[:4], value)
    if isinstance(value, list):
        return [existing(item) for item in value]
    if isinstance(value, dict):
        return {name: existing(item, name) for name, item in value.items()}
    return value


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    return existing(body)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Take `preview` out of the query: a preview reads no key, and the document can only say that a POST requires one."""
    if case.query:
        case.query.pop("preview", None)


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    """Put the operation's name before a good key: Schemathesis draws `0` for each operation, and a key has one effect."""
    key = (headers or {}).get(KEY)
    if isinstance(key, str) and GOOD_KEY.fullmatch(key):
        headers[KEY] = f"{context.operation.label.replace(' ', '')}-{key}"
    return headers


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    return existing(path_parameters)


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Put the statuses that `default` stands for in its place: any other status would be allowed too."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            described = operation["responses"].pop("default")
            operation["responses"] |= {status: described for code, status in TRANSPORT.items() if code in described["description"]}
