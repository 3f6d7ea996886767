"""Clients that repeat a request with the same key until they know its outcome, and log every answer."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from core.currencies import USD
from tests.caller import OPERATOR_KEY
from tests.nemesis.history import PENDING, Asked, History, View

ANSWER_WITHIN_S = 4.0  # then a client hangs up: the outcome is unknown
AGAIN_AFTER_S = (0.02, 0.3)
PAUSE_S = (0.0, 0.06)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: Any
    sent_at: float


class Gate:
    """A gate for the requests of all clients. Closed, it makes them wait, and it knows when the last one has its answer."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way = 0

    def open(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.clear()

    async def wait_idle(self) -> None:
        await self._idle.wait()

    async def __aenter__(self) -> None:
        await self._open.wait()
        self._under_way += 1
        self._idle.clear()

    async def __aexit__(self, *_: object) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()


class Client:
    """One caller. Each request goes to any of the APIs, over whatever connection is free."""

    def __init__(
        self,
        urls: Sequence[str],
        history: History,
        gate: Gate,
        session: aiohttp.ClientSession,
        dice: random.Random,
        key: str = OPERATOR_KEY,
    ) -> None:
        self._urls = urls
        self._gate = gate
        self._session = session
        self._key = key
        self.history = history
        self.dice = dice

    def with_key(self, key: str) -> "Client":
        return Client(self._urls, self.history, self._gate, self._session, self.dice, key)

    def new_key(self) -> str:
        return str(uuid.UUID(int=self.dice.getrandbits(128)))

    async def pause(self) -> None:
        await asyncio.sleep(self.dice.uniform(*PAUSE_S))

    async def insist(
        self, method: str, path: str, body: object = None, *, key: str | None = None, prefer: str | None = None, refusal: int = 0
    ) -> Answer:
        """Repeat the request until an answer tells its outcome: a success, or the expected refusal."""
        while (answer := await self._ask(method, path, body, key, prefer, refusal)) is None:
            self.history.counts["unknown outcomes"] += 1
            await asyncio.sleep(self.dice.uniform(*AGAIN_AFTER_S))
        return answer

    async def send(self, asked: Asked, *, prefer: str | None = None) -> View:
        """Repeat the request until it is known to be stored, and note the answer."""
        answer = await self.insist("POST", *request_of(asked), key=asked.key, prefer=prefer)
        self.history.answer(asked, answer.status, answer.body, answer.sent_at)
        return dict(answer.body)

    async def ask(self, source: str | None, destination: str | None, amount: int | None, **fields: Any) -> Asked:
        """Send a request of its own, until it is known to be stored."""
        asked = self.history.ask(Asked(self.new_key(), source, destination, amount, **fields))
        await self.send(asked)
        return asked

    async def transfer(self, source: str, destination: str, amount: int, *, prefer: str | None = None) -> View:
        return await self.send(self.history.ask(Asked(self.new_key(), source, destination, amount)), prefer=prefer)

    async def deposit(self, destination: str, amount: int) -> View:
        return await self.send(self.history.ask(Asked(self.new_key(), None, destination, amount, type="deposit")))

    async def change(self, wallet: str, **changes: object) -> None:
        """Freeze a wallet, or limit it."""
        await self.insist("PATCH", f"/v1/wallets/{wallet}", {"reason": "a trial", **changes})

    async def cancel(self, asked: Asked) -> None:
        """Cancel what was accepted, and note whether that came in time."""
        assert asked.id is not None
        self.history.cancellations.setdefault(asked.id, None)
        answer = await self.insist("POST", f"/v1/transfers/{asked.id}/cancel", refusal=409)
        view = answer.body if answer.status == 200 else answer.body["transfer"]
        self.history.cancel(asked.id, answer.status, view, answer.sent_at)

    async def read(self, id: str, *, prefer: str | None = None) -> View:
        """Read a transfer that was accepted: from then on every reader finds it."""
        answer = await self.insist("GET", f"/v1/transfers/{id}", prefer=prefer)
        self.history.read(answer.body, answer.sent_at)
        return dict(answer.body)

    async def read_final(self, id: str) -> View:
        while (view := await self.read(id, prefer="wait=1"))["status"] in PENDING:
            pass
        return view

    async def _ask(self, method: str, path: str, body: object, key: str | None, prefer: str | None, refusal: int) -> Answer | None:
        """Ask once. None means unknown: no answer, or 503. Any other unexpected answer is complained of."""
        url = self.dice.choice(self._urls)
        headers = {"Authorization": f"Bearer {self._key}"}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"Prefer": prefer} if prefer else {}
        async with self._gate:
            sent_at = time.monotonic()
            try:
                async with self._session.request(method, url + path, json=body, headers=headers) as response:
                    answer = Answer(response.status, response.headers, await response.read(), sent_at)
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.history.counts["without an answer"] += 1
                return None
        return self._judge(f"{method} {path}", answer, refusal)

    def _judge(self, what: str, answer: Answer, refusal: int) -> Answer | None:
        self.history.counts[f"answers of {answer.status}"] += 1
        try:
            body = json.loads(answer.body)
        except ValueError:
            self.history.complain(f"{what}: {answer.status} with a body that is not JSON: {answer.body[:200]!r}")
            return None
        if answer.status >= 400 and not is_problem(answer, body):
            self.history.complain(f"{what}: {answer.status} is no problem document: {body}")
        if answer.status == 503 and body.get("code") == "unavailable" and "Retry-After" in answer.headers:
            return None
        if answer.status not in {200, 201, 202, refusal}:
            self.history.complain(f"{what}: {answer.status} {body}")
            return None
        return Answer(answer.status, answer.headers, body, answer.sent_at)


def is_problem(answer: Answer, body: Any) -> bool:
    kind = answer.headers.get("Content-Type")
    return kind == "application/problem+json" and isinstance(body, dict) and body.get("status") == answer.status


def request_of(asked: Asked) -> tuple[str, dict[str, object]]:
    """Return the path and the body of the request."""
    if asked.parent is not None:
        return f"/v1/transfers/{asked.parent}/{'reverse' if asked.type == 'reversal' else asked.type}", fields_of(asked)
    if asked.type == "closure":
        return f"/v1/wallets/{asked.source}/close", {"sweep_to_wallet_id": asked.destination}
    return f"/v1/{asked.type}s", fields_of(asked)


def item_of(asked: Asked) -> dict[str, object]:
    """Return the request as an item of a batch."""
    parent = {} if asked.parent is None else {"parent_id": asked.parent}
    return {"type": asked.type, "idempotency_key": asked.key, **parent, **fields_of(asked)}


def fields_of(asked: Asked) -> dict[str, object]:
    """Return the fields of the request. One that is left out has its default."""
    fields = {
        **wallets_of(asked),
        "amount": asked.amount if asked.lines is None else None,
        "currency": None if asked.currency == USD else asked.currency,
        "up_to": asked.up_to or None,
        "final": asked.final or None,
        "scheduled_for": asked.scheduled_for.isoformat() if asked.scheduled_for else None,
        "apply_within_s": asked.apply_within_s,
        "expires_in_s": asked.expires_in_s,
    }
    return {name: value for name, value in fields.items() if value is not None}


def wallets_of(asked: Asked) -> Mapping[str, object]:
    """Return the wallets as the request names them. A child names none: they are those of its parent."""
    if asked.lines is not None:
        return sides_of(asked)
    if asked.parent is not None:
        return {}
    if asked.type in {"deposit", "withdrawal"}:
        return {"wallet_id": asked.source or asked.destination}
    return {"source_wallet_id": asked.source, "destination_wallet_id": asked.destination}


def sides_of(asked: Asked) -> Mapping[str, object]:
    """Return the lines as the request gives them: a capture those of its credits, a reversal none."""
    lines = asked.lines or ()
    debits = [{"wallet_id": wallet, "amount": -amount} for wallet, amount in lines if amount < 0]
    credits = [{"wallet_id": wallet, "amount": amount} for wallet, amount in lines if amount > 0]
    return {"transfer": {"debits": debits, "credits": credits}, "capture": {"credits": credits}}.get(asked.type, {})
