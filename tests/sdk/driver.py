"""The driver of the Python SDK: `python -m tests.sdk.driver sync` or `async`. sdk/cases/README.md says what it reads and writes."""

import asyncio
import inspect
import json
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from itertools import islice
from typing import Any

from teller_client import ApiError, AsyncTeller, Attempt, NotFinal, OutcomeUnknown, Rejected, Teller

OPTIONS = {"retry_within_s": "retry_within", "read_timeout_s": "read_timeout", "connect_timeout_s": "connect_timeout"}
OPTIONS["backoff_s"] = "backoff"
TIMES = ("scheduled_for",)
FILTERS = {"client_id": "client"}  # `client` is what a function is about

attempts: ContextVar[list[Attempt]] = ContextVar("attempts")  # of the call at hand
lock = threading.Lock()


def report(attempt: Attempt) -> None:
    attempts.get().append(attempt)


def options_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {OPTIONS[name]: value for name, value in asked["options"].items()} | {"on_request": report}


def arguments(asked: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of the call. The first of a function that is about one object is not named."""
    args = {name: datetime.fromisoformat(value) if name in TIMES else value for name, value in asked["args"].items()}
    args.pop("take", None)
    positional = [args.pop(name) for name in ("id", "client", "delivery", "method", "path", "text") if name in args]
    return positional, {FILTERS.get(name, name): value for name, value in args.items()}


def function(teller: object, call: str) -> Any:
    for name in call.split("."):
        teller = getattr(teller, name)
    return teller


def wire(value: Any) -> Any:
    if isinstance(value, list):
        return [wire(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def error_fields(error: Exception) -> dict[str, Any]:
    fields: dict[str, Any] = {"class": type(error).__name__, "message": str(error)}
    if isinstance(error, ApiError):
        names = ("code", "status", "detail", "request_id", "retry_after")
        fields |= {name: getattr(error, name) for name in names} | {"errors": wire(error.errors)}
    if isinstance(error, OutcomeUnknown):
        fields["key"] = error.key
    if isinstance(error, Rejected | NotFinal):
        fields["transfer"] = wire(error.transfer)
    if isinstance(error, Rejected):
        fields |= {"code": error.code, "detail": error.detail}
    return fields


def answer(asked: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
    hook = [{"method": each.method, "path": each.path, "status": each.status, "attempt": each.attempt} for each in attempts.get()]
    with lock:
        print(json.dumps({"id": asked["id"], **outcome, "hook": hook}), flush=True)


def perform(teller: Teller, asked: Mapping[str, Any]) -> None:
    attempts.set([])
    positional, named = arguments(asked)
    try:
        found = function(teller, asked["call"])(*positional, **named)
        for name, args in asked.get("then", {}).items():
            found = getattr(found, name)(**args)
        if hasattr(found, "__iter__") and not isinstance(found, list | dict | str):
            found = list(islice(found, asked["args"].get("take")))
        outcome = {"ok": wire(found)}
    except Exception as error:  # noqa: BLE001 - every error is the call's result
        outcome = {"error": error_fields(error)}
    answer(asked, outcome)


def run_sync() -> None:
    tellers: dict[str, Teller] = {}
    threads = []
    for line in sys.stdin:
        asked = json.loads(line)
        name = json.dumps([asked["url"], asked["key"], asked["options"]])
        if name not in tellers:
            tellers[name] = Teller(asked["url"], asked["key"], **options_of(asked))
        thread = threading.Thread(target=perform, args=[tellers[name], asked])
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    for teller in tellers.values():
        teller.close()


async def perform_async(teller: AsyncTeller, asked: Mapping[str, Any]) -> None:
    attempts.set([])
    positional, named = arguments(asked)
    try:
        found = function(teller, asked["call"])(*positional, **named)
        found = await found if inspect.isawaitable(found) else found
        for name, args in asked.get("then", {}).items():
            found = getattr(found, name)(**args)
            found = await found if inspect.isawaitable(found) else found
        if hasattr(found, "__aiter__"):
            found = await collected(found, asked["args"].get("take"))
        outcome = {"ok": wire(found)}
    except Exception as error:  # noqa: BLE001 - every error is the call's result
        outcome = {"error": error_fields(error)}
    answer(asked, outcome)


async def collected(rows: Any, take: int | None) -> list[Any]:
    found: list[Any] = []
    if take == 0:
        return found
    async for row in rows:
        found.append(row)
        if len(found) == take:
            break
    return found


async def run_async() -> None:
    tellers: dict[str, AsyncTeller] = {}
    tasks = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        name = json.dumps([asked["url"], asked["key"], asked["options"]])
        if name not in tellers:
            tellers[name] = AsyncTeller(asked["url"], asked["key"], **options_of(asked))
        tasks.append(asyncio.create_task(perform_async(tellers[name], asked)))
    await asyncio.gather(*tasks)
    for teller in tellers.values():
        await teller.aclose()


if __name__ == "__main__":
    run_sync() if sys.argv[1] == "sync" else asyncio.run(run_async())
