"""Clients, their wallets and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from teller_client._async.http import AsyncHttp
from teller_client._async.pages import AsyncPages
from teller_client._async.transfers import AsyncTransfer, bound, submitted
from teller_client._request import Id, Request, beginning_of, dump, get, money, path_of, post
from teller_client.keys import checked_key, key_of_external_id
from teller_client.models import Balance, Client, ClientChange, Entry, Key, KeyWithSecret, Statement, Wallet, WalletChange


class AsyncClients:
    """`teller.clients`. For operators, but for `get` of the key's own client."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self,
        *,
        name: str,
        external_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        currency: str | None = None,
        key: object = None,
    ) -> Client:
        """Make a client with its first wallet, `client.wallet`, in a currency: USD unless said.

        With `external_id`, your own id of the client, or with `key`, the same call again returns the same client. With neither,
        each call makes another one, and a lost answer raises OutcomeUnknown.
        """
        if key is None and external_id is not None:
            key = key_of_external_id(external_id)
        body = {"name": name, "external_id": external_id, "metadata": metadata, "currency": currency}
        request = post("/v1/clients", body, key=None if key is None else checked_key(key), is_repeatable=key is not None)
        return Client.from_dict(await self._http.send(request))

    async def get(self, id: Id) -> Client:
        """Return a client with its wallets: the first is `wallet`, and all are `wallets`."""
        return Client.from_dict(await self._http.send(get(path_of("/v1/clients/{}", id))))

    def list(
        self,
        *,
        external_id: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[Client]:
        """Clients, newest first; by `external_id`, the one that has it; by `name`, those whose names begin so, in any case."""
        query = {"external_id": external_id, "name": name}
        return AsyncPages(self._http, "/v1/clients", Client.from_dict, query, limit=limit, cursor=cursor)

    async def update(self, id: Id, *, reason: str, **changes: Any) -> Client:
        """Change `name`, `external_id` (None removes it) or `metadata`, which replaces all of it. For operators.

        What is left out stays as it is. A repetition changes nothing. Its changes keep what was there before.
        """
        request = Request("PATCH", path_of("/v1/clients/{}", id), {}, dump({**changes, "reason": reason}))
        return Client.from_dict(await self._http.send(request))

    def changes(self, id: Id, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[ClientChange]:
        """The changes of a client, newest first. For operators and viewers."""
        path = path_of("/v1/clients/{}/changes", id)
        return AsyncPages(self._http, path, ClientChange.from_dict, {}, limit=limit, cursor=cursor)


class AsyncWallets:
    """`teller.wallets`."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(self, client: Id, *, currency: str, key: object = None) -> Wallet:
        """Make another wallet of a client: it has one a currency. For operators.

        With `key` the same call again returns the same wallet. Without one a lost answer raises OutcomeUnknown.
        """
        checked = None if key is None else checked_key(key)
        request = post(
            path_of("/v1/clients/{}/wallets", client), {"currency": currency}, key=checked, is_repeatable=checked is not None
        )
        return Wallet.from_dict(await self._http.send(request))

    async def get(self, id: Id) -> Wallet:
        """Return a wallet: `balance`, what of it is `held`, and what is `available`."""
        return Wallet.from_dict(await self._http.send(get(path_of("/v1/wallets/{}", id))))

    async def update(self, id: Id, *, reason: str, **changes: Any) -> Wallet:
        """Change what a wallet allows. For operators. After the answer no worker applies anything against it.

        `frozen` is "debits", "credits" or "all", and None ends the freeze. `limits` is an object of the API's names, such as
        {"debit_max": 5000}, and None removes a limit. What is left out stays as it is. A repetition changes nothing.
        """
        request = Request("PATCH", path_of("/v1/wallets/{}", id), {}, dump({**changes, "reason": reason}))
        return Wallet.from_dict(await self._http.send(request))

    def changes(self, id: Id, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[WalletChange]:
        """The changes of what the wallet allows, newest first. For operators."""
        path = path_of("/v1/wallets/{}/changes", id)
        return AsyncPages(self._http, path, WalletChange.from_dict, {}, limit=limit, cursor=cursor)

    async def close(
        self,
        id: Id,
        *,
        key: object,
        sweep_to: Id | None = None,
        sweep_outside: bool | None = None,
        wait: float | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Close a wallet for ever. For operators. Returns the closure, which moves what `sweep_to` or `sweep_outside` sweeps.

        It is rejected while the wallet has open holds, or money that it does not sweep.
        """
        fields: dict[str, object] = {"sweep_to_wallet_id": sweep_to, "sweep_outside": sweep_outside}
        fields |= {"apply_within_s": apply_within_s, "currency": currency, "reference": reference}
        fields |= {"metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money(path_of("/v1/wallets/{}/close", id), fields, key, wait))

    def entries(
        self,
        id: Id,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[Entry]:
        """The wallet's entries, newest first, each with the balance after it: made at `since` or later, and before `until`.

        A time is one with a time zone, or a date, as an object or in ISO 8601. A date begins at midnight UTC.
        """
        query = {"from": since and beginning_of(since), "to": until and beginning_of(until)}
        return AsyncPages(self._http, path_of("/v1/wallets/{}/entries", id), Entry.from_dict, query, limit=limit, cursor=cursor)

    async def statement(
        self, id: Id, *, since: date | str, until: date | str, limit: int | None = None, cursor: str | None = None
    ) -> Statement:
        """Return the balances around a period, and a page of its entries, oldest first: made at `since` or later, before `until`.

        Times are as for `entries`, at most 366 days apart. `cursor` is the `next_cursor` of the page before.
        """
        query = {"from": beginning_of(since), "to": beginning_of(until), "limit": limit, "cursor": cursor}
        return Statement.from_dict(await self._http.send(get(path_of("/v1/wallets/{}/statement", id), query)))

    async def balance(self, id: Id, *, at: date | str) -> Balance:
        """Return the balance and the version just before a time, which is as for `entries`."""
        return Balance.from_dict(await self._http.send(get(path_of("/v1/wallets/{}/balance", id), {"at": beginning_of(at)})))

    def holds(self, id: Id, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[AsyncTransfer]:
        """The open holds of the wallet's money, newest first."""
        path = path_of("/v1/wallets/{}/holds", id)
        return AsyncPages(self._http, path, lambda raw: bound(self._http, raw), {}, limit=limit, cursor=cursor)


class AsyncKeys:
    """`teller.keys`: API keys. For operators; a viewer may list them."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(self, client: Id, *, name: str | None = None) -> KeyWithSecret:
        """Make a key for a client. `key` of the result is shown this once. `name` says for people what it is for.

        A repetition would make another key, so a lost answer raises OutcomeUnknown: revoke the key that was never used.
        """
        body = None if name is None else {"name": name}
        request = post(path_of("/v1/clients/{}/keys", client), body, is_repeatable=False)
        return KeyWithSecret.from_dict(await self._http.send(request))

    async def create_viewer(self, *, name: str | None = None) -> KeyWithSecret:
        """Make a key that reads what an operator's reads, and moves and changes nothing. Otherwise as `create`."""
        request = post("/v1/keys", {"role": "viewer", "name": name}, is_repeatable=False)
        return KeyWithSecret.from_dict(await self._http.send(request))

    def list(self, client: Id | None = None, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[Key]:
        """The keys of a client, or without one all keys: newest first, revoked ones too."""
        path = "/v1/keys" if client is None else path_of("/v1/clients/{}/keys", client)
        return AsyncPages(self._http, path, Key.from_dict, {}, limit=limit, cursor=cursor)

    async def revoke(self, id: Id) -> None:
        """Revoke a key for ever. All API processes refuse it at most 5 seconds later."""
        await self._http.send(Request("DELETE", path_of("/v1/keys/{}", id), {}))
