"""Calls the API as a customer's program does: over HTTP, one request after the other."""

import http.client
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.waiting import wait_for

OPERATOR_KEY = "tests-operator-key-of-40-characters-long"

IDLE_MAX_S = 2.0  # idle time of a connection that is used again; the server of a test may have a shorter limit


@dataclass(frozen=True)
class Answer:
    """`headers` by lower-case name; `body` parsed when it is JSON, else its text."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The problem's code; fails when the answer is no problem document."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.body["status"] == self.status, self
        assert self.body["type"] == f"/problems/{self.body['code']}", self
        return str(self.body["code"])

    @property
    def field_codes(self) -> dict[str, str]:
        """The field codes of a validation problem, by pointer."""
        assert self.code == "validation_failed", self
        return {error["pointer"]: error["code"] for error in self.body["errors"]}


@dataclass
class Caller:
    """One caller with one key. Not for several threads at once."""

    url: str
    key: str | None = OPERATOR_KEY
    timeout_s: float = 20.0
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    _last_used: float = field(default=0.0, repr=False)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Send one request: `body` as JSON, or as it is when it is bytes; `key` is the idempotency key."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self._connect()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in self._headers(content, key, headers):
                connection.putheader(name, value)
            connection.endheaders(content)
            response = connection.getresponse()
            raw = response.read()
            self._last_used = time.monotonic()
        except BaseException:
            self.close()
            raise
        fields = {name.lower(): value for name, value in response.getheaders()}
        if fields.get("connection", "").lower() == "close":
            self.close()
        parsed = json.loads(raw) if raw and "json" in fields.get("content-type", "") else raw.decode(errors="replace")
        return Answer(response.status, fields, parsed)

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, body: object, **options: Any) -> Answer:
        return self.request("POST", path, body, **options)

    def new_client(self, name: str = "Ada", **fields: object) -> Any:
        """Make a client and return it."""
        answer = self.post("/v1/clients", {"name": name, **fields})
        assert answer.status == 201, answer
        return answer.body

    def new_wallet(self, balance: int = 0) -> str:
        """Make a client and return the id of its wallet, once the deposit of `balance` is applied."""
        wallet_id: str = self.new_client()["wallet"]["id"]
        if balance:
            assert self.wait_final(self.deposit(wallet_id, balance).body["id"])["status"] == "applied"
        return wallet_id

    def deposit(self, wallet_id: str, amount: int, key: str | None = None, **fields: object) -> Answer:
        return self.post("/v1/deposits", {"wallet_id": wallet_id, "amount": amount, **fields}, key=key or new_key())

    def transfer(self, source: str, destination: str, amount: int, key: str | None = None, **fields: object) -> Answer:
        body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": amount, **fields}
        return self.post("/v1/transfers", body, key=key or new_key())

    def withdraw(self, wallet_id: str, amount: int, key: str | None = None, **fields: object) -> Answer:
        return self.post("/v1/withdrawals", {"wallet_id": wallet_id, "amount": amount, **fields}, key=key or new_key())

    def hold(self, source: str, destination: str | None, amount: int, key: str | None = None, **fields: object) -> Answer:
        """Hold money of the source for the destination; without one for outside."""
        named = {"source_wallet_id": source, **({"destination_wallet_id": destination} if destination else {})}
        return self.post("/v1/holds", {**named, "amount": amount, **fields}, key=key or new_key())

    def capture(self, hold_id: str, key: str | None = None, **fields: object) -> Answer:
        return self.post(f"/v1/transfers/{hold_id}/capture", fields, key=key or new_key())

    def release(self, hold_id: str, key: str | None = None, **fields: object) -> Answer:
        return self.post(f"/v1/transfers/{hold_id}/release", fields, key=key or new_key())

    def reverse(self, transfer_id: str, key: str | None = None, **fields: object) -> Answer:
        return self.post(f"/v1/transfers/{transfer_id}/reverse", fields, key=key or new_key())

    def close_wallet(self, wallet_id: str, key: str | None = None, **fields: object) -> Answer:
        return self.post(f"/v1/wallets/{wallet_id}/close", fields, key=key or new_key())

    def change_wallet(self, wallet_id: str, reason: str = "asked by the bank", **fields: object) -> Answer:
        return self.request("PATCH", f"/v1/wallets/{wallet_id}", {"reason": reason, **fields})

    def change_client(self, client_id: str, reason: str = "asked by the client", **fields: object) -> Answer:
        return self.request("PATCH", f"/v1/clients/{client_id}", {"reason": reason, **fields})

    def cancel(self, transfer_id: str) -> Answer:
        return self.request("POST", f"/v1/transfers/{transfer_id}/cancel")

    def applied(self, answer: Answer) -> Any:
        """Return the transfer that was accepted by this answer, once it is applied."""
        assert answer.status in {200, 202}, answer
        final = self.wait_final(answer.body["id"])
        assert final["status"] == "applied", final
        return final

    def wait_final(self, transfer_id: str, within_s: float = 20.0) -> Any:
        """Poll the transfer until its outcome is final, and return it."""

        def final() -> Any:
            answer = self.get(f"/v1/transfers/{transfer_id}")
            assert answer.status == 200, answer
            return answer.body if answer.body["status"] not in {"queued", "scheduled"} else None

        return wait_for(final, f"the outcome of {transfer_id}", within_s)

    def balance(self, wallet_id: str) -> int:
        return int(self.get(f"/v1/wallets/{wallet_id}").body["balance"])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._last_used > IDLE_MAX_S:
            self.close()
        if self._connection is None:
            address = urlsplit(self.url)
            self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=self.timeout_s)
        return self._connection

    def _headers(
        self, content: bytes | None, key: str | None, given: Mapping[str, str] | Sequence[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        extra = list(given.items()) if isinstance(given, Mapping) else list(given)
        named = {name.lower() for name, _ in extra}
        headers = extra
        if self.key is not None and "authorization" not in named:
            headers = [*headers, ("Authorization", f"Bearer {self.key}")]
        if key is not None:
            headers = [*headers, ("Idempotency-Key", key)]
        if content is not None and "content-type" not in named:
            headers = [*headers, ("Content-Type", "application/json")]
        if content is not None and not named & {"content-length", "transfer-encoding"}:
            headers = [*headers, ("Content-Length", str(len(content)))]
        return headers


def new_key() -> str:
    return uuid.uuid4().hex
