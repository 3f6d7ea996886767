"""Authentication: the caller that a key names, and what it may see. One key in one Authorization header.

A refusal says whether the header is missing or malformed, or its key is not known. It does not tell a revoked key from one that
never was.
"""

import asyncio
import hmac
import time
from contextvars import Context
from dataclasses import dataclass, field, replace
from uuid import UUID

from fastapi import Request

from api.http.headers import values_of
from api.http.problems import Problem
from core import ids, keys, log, wallets
from core.errors import Unavailable
from core.ids import Prefix
from core.keys import Access
from core.postgres import deadline
from core.postgres.pool import Database
from core.turns import OWNER

CACHED_FOR_S = 5.0  # how long a revoked key may still work. A guess: short for a revocation, and one look-up a key in 5 s is cheap
CACHED_MAX = 10_000  # keys, a guess; the full cache is emptied, and each key is looked up once more
CONFIGURED = "configured"  # what stands for the id and the name of the key in the settings
VIEWERS = "viewers"  # the owner of the turns that viewers take: many of them take no operator's place
STRANGERS = "strangers"  # the owner of the connections that look up unknown keys
NOT_GIVEN = "Add the header `Authorization: Bearer <key>` exactly once."
NOT_KNOWN = "This key is not known, or was revoked."

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An operator, a viewer, or a client bound to its own wallets. A viewer reads what an operator reads, and changes nothing.

    `owner` is the scope of the caller's idempotency keys, cursors and endpoints: one for all operators and viewers, one for each
    client. `turns` is the owner of its turns (core/turns.py): viewers have their own. `key` names the
    API key of the request by its id. A digest would not do, because Redis stores the name.

    `wallet_ids` are the client's wallets that this process knows of. A cached caller may lack one made within CACHED_FOR_S:
    `Authenticator.learn_wallets` adds it. None is ever removed, because a wallet stays its client's.
    """

    is_operator: bool
    owner: str
    is_viewer: bool = False
    client_id: UUID | None = None
    wallet_ids: set[UUID] = field(default_factory=set, compare=False)
    key: str = CONFIGURED

    @property
    def sees_all(self) -> bool:
        return self.is_operator or self.is_viewer

    @property
    def reads_of(self) -> str | None:
        """The owner whose deliveries this caller reads; None for an operator and a viewer, which read those of all."""
        return None if self.sees_all else self.owner

    @property
    def turns(self) -> str:
        return VIEWERS if self.is_viewer else self.owner

    def sees_client(self, id: UUID) -> bool:
        return self.sees_all or id == self.client_id

    def sees_wallet(self, id: UUID) -> bool:
        return self.is_operator or id in self.wallet_ids or self.is_viewer


OPERATOR = Caller(is_operator=True, owner="operator")
VIEWER = replace(OPERATOR, is_operator=False, is_viewer=True)


def caller_of(access: Access) -> Caller:
    key = ids.text(Prefix.KEY, access.key_id)
    if access.role != "client":
        return replace(OPERATOR if access.role == "operator" else VIEWER, key=key)
    assert access.client_id is not None
    return Caller(
        is_operator=False,
        owner=ids.text(Prefix.CLIENT, access.client_id),
        client_id=access.client_id,
        wallet_ids=set(access.wallet_ids),
        key=key,
    )


class Authenticator:
    """Finds callers by the digests of their keys: the configured operator key, and keys in the database, cached CACHED_FOR_S."""

    def __init__(self, database: Database, operator_key: str | None) -> None:
        self._database = database
        self._operator_digest = keys.digest(operator_key) if operator_key else None
        self._cache: dict[bytes, tuple[float, Caller]] = {}
        self._used: set[UUID] = set()
        self._recording: asyncio.Task[None] | None = None

    async def authenticate(self, request: Request) -> Caller:
        """Return the caller that sent the request. From now on the request takes its owner's turns (core/turns.py).

        Raises Problem "unauthorized", and Unavailable.
        """
        key_digest = keys.digest(bearer_key(request))
        if self._operator_digest is not None and hmac.compare_digest(key_digest, self._operator_digest):
            OWNER.set(OPERATOR.owner)
            return OPERATOR
        expires, caller = self._cache.get(key_digest, (0.0, None))
        if caller is None or expires < time.monotonic():
            OWNER.set(caller.turns if caller else STRANGERS)
            caller = await self._look_up(key_digest)
        OWNER.set(caller.turns)
        return caller

    async def learn_wallets(self, caller: Caller) -> None:
        """Add to the caller the wallets that its client has now. Raises Unavailable."""
        if caller.client_id is not None:
            caller.wallet_ids.update(await wallets.ids_of_client(self._database, caller.client_id))

    async def stop(self) -> None:
        """End after the last use of a key has been written."""
        if self._recording is not None:
            await asyncio.wait({self._recording})

    async def _look_up(self, key_digest: bytes) -> Caller:
        expires = time.monotonic() + CACHED_FOR_S  # taken before the query: the key may be revoked while the result is on its way
        access = await keys.find(self._database, key_digest)
        if access is None:
            self._cache.pop(key_digest, None)
            raise Problem("unauthorized", NOT_KNOWN)
        if access.use_is_due:
            self._record_use(access.key_id)
        if len(self._cache) >= CACHED_MAX:
            self._cache.clear()
        caller = caller_of(access)
        self._cache[key_digest] = (expires, caller)
        return caller

    def _record_use(self, key_id: UUID) -> None:
        self._used.add(key_id)
        if self._recording is None or self._recording.done():
            # An empty context: the task serves all requests, so it must not carry the owner and the deadline of this one.
            self._recording = asyncio.create_task(self._record_uses(), context=Context())

    async def _record_uses(self) -> None:
        """Write when the keys were used. No request waits for this task or fails with it."""
        while self._used:
            used, self._used = self._used, set()
            deadline.start()
            try:
                await keys.note_use(self._database, used)
            except Unavailable:
                logger.warning("use of keys not noted", keys=len(used))


def bearer_key(request: Request) -> str:
    """Return the key of the one Authorization header, `Bearer <key>` (RFC 6750, section 2.1)."""
    headers = values_of(b"authorization", request)
    scheme, _, key = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key or not key.isascii():
        raise Problem("unauthorized", NOT_GIVEN)
    return key
