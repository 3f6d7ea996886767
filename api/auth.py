"""Who is asking. One key, in one Authorization header; every failure gets the same answer."""

import hmac
import time
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.problems import Problem
from core import ids, keys
from core.db import Database
from core.ids import Prefix

CACHED_FOR_S = 5.0  # how long a revoked key may go on working
CACHED_MAX = 10_000

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """An operator, or a client bound to its own wallet."""

    client_id: UUID | None

    @property
    def is_operator(self) -> bool:
        return self.client_id is None

    @property
    def owner(self) -> str:
        """The scope of the caller's idempotency keys: all operator keys together, each client on its own."""
        return OPERATOR if self.client_id is None else ids.text(Prefix.CLIENT, self.client_id)


class Doorman:
    """Knows keys by their digests: the configured operator key, and those in the database, remembered for CACHED_FOR_S."""

    def __init__(self, database: Database, operator_key: str | None) -> None:
        self._database = database
        self._operator_digest = keys.digest(operator_key) if operator_key else None
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def admit(self, request: Request) -> Caller:
        """Return who sent the request. Raises Problem "unauthorized", alike for every reason."""
        key_digest = keys.digest(bearer_key(request))
        if self._operator_digest is not None and hmac.compare_digest(key_digest, self._operator_digest):
            return Caller(client_id=None)
        expires, caller = self._known.get(key_digest, (0.0, None))
        if caller is None or expires < time.monotonic():
            caller = await self._look_up(key_digest)
        return caller

    async def _look_up(self, key_digest: bytes) -> Caller:
        key = await keys.find(self._database, key_digest)
        if key is None:
            self._known.pop(key_digest, None)
            raise Problem("unauthorized")
        if len(self._known) >= CACHED_MAX:
            self._known.clear()
        caller = Caller(key.client_id)
        self._known[key_digest] = (time.monotonic() + CACHED_FOR_S, caller)
        return caller


def bearer_key(request: Request) -> str:
    """Return the key of the one Authorization header, `Bearer <key>` (RFC 6750, section 2.1)."""
    headers = request.headers.getlist("authorization")
    scheme, _, key = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key or not key.isascii():
        raise Problem("unauthorized")
    return key


async def admit_operator(request: Request) -> Caller:
    """Admit operators alone. Raises Problem "unauthorized" or "forbidden", and Unavailable."""
    doorman: Doorman = request.app.state.doorman
    caller = await doorman.admit(request)
    if not caller.is_operator:
        raise Problem("forbidden")
    return caller


Operator = Annotated[Caller, Depends(admit_operator)]
