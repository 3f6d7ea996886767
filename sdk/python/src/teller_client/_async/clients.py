"""Clients, their wallets and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timezone

from teller_client._async.http import AsyncHttp
from teller_client._async.pages import AsyncPages
from teller_client._async.transfers import AsyncTransfer, bound
from teller_client._decode import NO_ZONE, parse_time
from teller_client._request import Request, get, path_of, post
from teller_client.keys import checked_key, key_of_external_id
from teller_client.models import Client, Key, KeyWithSecret, Wallet, WalletEntry


class AsyncClients:
    """`teller.clients`. For operators, but for `get` of the key's own client."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self, *, name: str, external_id: str | None = None, metadata: Mapping[str, str] | None = None, key: object = None
    ) -> Client:
        """Make a client with its wallet: `client.wallet.id`.

        With `external_id`, your own id of the client, or with `key`, the same call again returns the same client. With neither,
        each call makes another one, and a lost answer raises OutcomeUnknown.
        """
        if key is None and external_id is not None:
            key = key_of_external_id(external_id)
        body = {"name": name, "external_id": external_id, "metadata": metadata}
        request = post("/v1/clients", body, key=None if key is None else checked_key(key), is_repeatable=key is not None)
        return Client.from_dict(await self._http.send(request))

    async def get(self, id: str) -> Client:
        """Return a client with its wallet."""
        return Client.from_dict(await self._http.send(get(path_of("/v1/clients/{}", id))))

    def list(self, *, external_id: str | None = None, limit: int | None = None, cursor: str | None = None) -> AsyncPages[Client]:
        """Clients, newest first; by `external_id`, the one that has it."""
        return AsyncPages(self._http, "/v1/clients", Client.from_dict, {"external_id": external_id}, limit=limit, cursor=cursor)


class AsyncWallets:
    """`teller.wallets`."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def get(self, id: str) -> Wallet:
        """Return a wallet: `balance`, what of it is `held`, and what is `available`."""
        return Wallet.from_dict(await self._http.send(get(path_of("/v1/wallets/{}", id))))

    def entries(
        self, id: str, *, since: date | str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[WalletEntry]:
        """The wallet's entries, newest first, each with the balance after it; with `since`, those of this time or later.

        `since` is a time with a time zone, or a date, as an object or in ISO 8601. A date begins at midnight UTC.
        """
        path = path_of("/v1/wallets/{}/entries", id)
        begin = None if since is None else beginning_of(since)
        is_wanted = None if begin is None else lambda entry: entry.created_at >= begin
        return AsyncPages(self._http, path, WalletEntry.from_dict, {}, limit=limit, cursor=cursor, is_wanted=is_wanted)

    def holds(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[AsyncTransfer]:
        """The open holds of the wallet's money, newest first."""
        path = path_of("/v1/wallets/{}/holds", id)
        return AsyncPages(self._http, path, lambda raw: bound(self._http, raw), {}, limit=limit, cursor=cursor)


def beginning_of(since: date | str) -> datetime:
    """Return the time. Raises ValueError for a time without a time zone, and for a text that is neither time nor date."""
    if isinstance(since, str):
        since = date.fromisoformat(since) if len(since) == len("2026-11-01") else parse_time(since)
    if not isinstance(since, datetime):
        return datetime.combine(since, time(), timezone.utc)
    if since.tzinfo is None:
        raise ValueError(NO_ZONE)
    return since


class AsyncKeys:
    """`teller.keys`: API keys of clients. For operators."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(self, client: str) -> KeyWithSecret:
        """Make a key for a client. `key` of the result is shown this once.

        A repetition would make another key, so a lost answer raises OutcomeUnknown: revoke the key that was never used.
        """
        request = post(path_of("/v1/clients/{}/keys", client), is_repeatable=False)
        return KeyWithSecret.from_dict(await self._http.send(request))

    def list(self, client: str, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[Key]:
        """The client's keys, newest first, revoked ones too."""
        path = path_of("/v1/clients/{}/keys", client)
        return AsyncPages(self._http, path, Key.from_dict, {}, limit=limit, cursor=cursor)

    async def revoke(self, id: str) -> None:
        """Revoke a key for ever. All API processes refuse it at most 5 seconds later."""
        await self._http.send(Request("DELETE", path_of("/v1/keys/{}", id), {}))
