"""Who is asking, and what it may see. One key, in one Authorization header; every failure gets the same answer."""

import asyncio
import hmac
import time
from contextvars import Context
from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import Request

from api.http.problems import Problem
from core import ids, keys, log
from core.errors import Unavailable
from core.ids import Prefix
from core.keys import Access
from core.postgres import deadline
from core.postgres.pool import Database
from core.turns import OWNER

CACHED_FOR_S = 5.0  # how long a revoked key may go on working
CACHED_MAX = 10_000
STRANGERS = "strangers"  # the owner of what callers with unknown keys cost

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An operator, or a client bound to its own wallet.

    `owner` is the scope of the caller's idempotency keys and cursors: all operators together, each client on its own. `key` names
    the key that it brought: by its id, not by a digest of it, because the name stands in Redis.
    """

    is_operator: bool
    owner: str
    client_id: UUID | None = None
    wallet_id: UUID | None = None
    key: str = "configured"

    def sees_client(self, id: UUID) -> bool:
        return self.is_operator or id == self.client_id

    def sees_wallet(self, id: UUID) -> bool:
        return self.is_operator or id == self.wallet_id


OPERATOR = Caller(is_operator=True, owner="operator")


def caller_of(access: Access) -> Caller:
    key = ids.text(Prefix.KEY, access.key_id)
    if access.role == "operator":
        return replace(OPERATOR, key=key)
    assert access.client_id is not None
    return Caller(
        is_operator=False,
        owner=ids.text(Prefix.CLIENT, access.client_id),
        client_id=access.client_id,
        wallet_id=access.wallet_id,
        key=key,
    )


class Doorman:
    """Knows keys by their digests: the configured operator key, and those in the database, remembered for CACHED_FOR_S."""

    def __init__(self, database: Database, operator_key: str | None) -> None:
        self._database = database
        self._operator_digest = keys.digest(operator_key) if operator_key else None
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._used: set[UUID] = set()
        self._noting: asyncio.Task[None] | None = None

    async def admit(self, request: Request) -> Caller:
        """Return the caller that sent the request. From now on the request takes turns of its owner (core/turns.py).

        Raises Problem "unauthorized", alike for every reason, and Unavailable.
        """
        key_digest = keys.digest(bearer_key(request))
        if self._operator_digest is not None and hmac.compare_digest(key_digest, self._operator_digest):
            OWNER.set(OPERATOR.owner)
            return OPERATOR
        expires, caller = self._known.get(key_digest, (0.0, None))
        if caller is None or expires < time.monotonic():
            OWNER.set(caller.owner if caller else STRANGERS)
            caller = await self._look_up(key_digest)
        OWNER.set(caller.owner)
        return caller

    async def stop(self) -> None:
        """End, after the last note of a key's use."""
        if self._noting is not None:
            await asyncio.wait({self._noting})

    async def _look_up(self, key_digest: bytes) -> Caller:
        expires = time.monotonic() + CACHED_FOR_S  # from before the question: a key may be revoked while the answer is on its way
        access = await keys.find(self._database, key_digest)
        if access is None:
            self._known.pop(key_digest, None)
            raise Problem("unauthorized")
        if access.use_is_due:
            self._note_use(access.key_id)
        if len(self._known) >= CACHED_MAX:
            self._known.clear()
        caller = caller_of(access)
        self._known[key_digest] = (expires, caller)
        return caller

    def _note_use(self, key_id: UUID) -> None:
        self._used.add(key_id)
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note_uses(), context=Context())  # of no request: it serves all

    async def _note_uses(self) -> None:
        """Write down what was used: beside the requests, none of which waits for it or fails with it."""
        while self._used:
            used, self._used = self._used, set()
            deadline.start()
            try:
                await keys.note_use(self._database, used)
            except Unavailable:
                logger.warning("use of keys not noted", keys=len(used))


def bearer_key(request: Request) -> str:
    """Return the key of the one Authorization header, `Bearer <key>` (RFC 6750, section 2.1)."""
    headers = request.headers.getlist("authorization")
    scheme, _, key = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key or not key.isascii():
        raise Problem("unauthorized")
    return key
