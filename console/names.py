"""Whose wallet is it? Lists of the API have wallet ids, and people know clients by name.

The API tells a wallet's client, and a client's name, one at a time. So what was learnt is kept for a while, a page waits for the
rest only so long, and what comes later is there for the next look.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.api import Api, Away, Refused
from console.words import short

WAIT_S = 0.05  # of a page for names: half of the time that a page may take
FORGET_AFTER_S = 60.0  # a name may be changed
KEPT_MAX = 20_000  # wallets, some 10 MB. A guess
AT_ONCE = 4  # requests for names; more would delay other callers of the API


@dataclass(frozen=True)
class Party:
    """The owner of a wallet as shown: a client, the world outside, or a wallet whose owner is not known yet."""

    name: str
    wallet_id: str | None = None
    client_id: str | None = None
    is_known: bool = True


OUTSIDE = Party("Outside")


class Names:
    """The parties of wallets, for all people: operators and viewers see the same clients."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Party]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def of(self, api: Api, wallet_ids: Iterable[str | None], *, wait_s: float = WAIT_S) -> Mapping[str | None, Party]:
        """Return the parties of these wallets. One that is not known within `wait_s` is shown by its wallet's id."""
        wanted = {id for id in wallet_ids if id}
        now = time.monotonic()
        for id in wanted:
            known = self._known.get(id)
            if id not in self._tasks and (known is None or now - known[0] > FORGET_AFTER_S):
                self._tasks[id] = asyncio.create_task(self._learn(api, id))
        missing = [self._tasks[id] for id in wanted if id in self._tasks and id not in self._known]
        if missing:
            await asyncio.wait(missing, timeout=wait_s)
        return {None: OUTSIDE} | {
            id: self._known[id][1] if id in self._known else Party(short(id), id, is_known=False) for id in wanted
        }

    def remember(self, client: Mapping[str, object], wallet_ids: Iterable[str]) -> None:
        """Keep what a page has learnt of a client."""
        for id in wallet_ids:
            self._known.pop(id, None)  # so that it is the newest
            self._known[id] = (time.monotonic(), Party(str(client["name"]), id, str(client["id"])))
        while len(self._known) > KEPT_MAX:
            self._known.pop(next(iter(self._known)))

    async def _learn(self, api: Api, wallet_id: str) -> None:
        """Ask for the wallet and its client. What the API does not tell now is asked for again by the next page."""
        try:
            async with self._turn:
                await self._ask(api, wallet_id)
        except (Refused, Away):
            pass
        finally:
            del self._tasks[wallet_id]

    async def _ask(self, api: Api, wallet_id: str) -> None:
        known = self._known.get(wallet_id)
        if known and time.monotonic() - known[0] <= FORGET_AFTER_S:
            return  # learnt with another wallet of the same client
        client_id = known[1].client_id if known else (await api.get(f"/v1/wallets/{wallet_id}"))["client_id"]
        if client_id is None:
            self._known[wallet_id] = (time.monotonic(), Party(OUTSIDE.name, wallet_id))
            return
        client = await api.get(f"/v1/clients/{client_id}")
        self.remember(client, [wallet["id"] for wallet in client["wallets"]])
