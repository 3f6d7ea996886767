"""Money: transfers of every verb, and what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias, TypeVar

from teller_client._async.http import AsyncHttp
from teller_client._async.pages import AsyncPages
from teller_client._request import WAIT_MAX_S, Id, Request, beginning_of, dump, get, money, path_of, post
from teller_client.errors import TEMPORARY, NotFinal
from teller_client.keys import checked_key
from teller_client.models import BatchItem, Delivery, DeliveryStatus, LineCreate, Problem, Transfer, TransferStatus, TransferType

ITEMS_MAX = 1000  # of one batch
BATCH_BYTES_MAX = 1024 * 1024 - 64  # the API's limit, without the braces around the items

S = TypeVar("S", bound="AsyncTransfer")


class AsyncTransfer(Transfer):
    """A transfer that can be waited for."""

    _http: AsyncHttp

    async def wait(self: S, timeout: float = 60.0) -> S:
        """Return the transfer as soon as its outcome is final. Raises NotFinal after `timeout` seconds.

        Waiting is free: the API answers when there is an outcome. A lost connection is made again.
        """
        transfer = await waited(self._http, self, timeout)
        if not transfer.is_final:
            raise NotFinal(transfer)
        return transfer


Results: TypeAlias = list[AsyncTransfer | Problem]


def bound(http: AsyncHttp, raw: Any) -> AsyncTransfer:
    transfer = AsyncTransfer.from_dict(raw)
    object.__setattr__(transfer, "_http", http)
    return transfer


async def waited(http: AsyncHttp, transfer: S, timeout: float) -> S:
    """Return the transfer as it is when its outcome is final, or after `timeout` seconds: then as it was last seen.

    Temporary faults raise nothing here. The transfer is stored, and an error would hide its id from the caller.
    """
    until = time.monotonic() + timeout
    while not transfer.is_final and (left_s := until - time.monotonic()) > 0:
        request = get(path_of("/v1/transfers/{}", transfer.id), wait=min(left_s + 1, WAIT_MAX_S))
        try:
            raw = await http.send(request, within_s=left_s + 1 + http.limits.read_timeout_s)
        except TEMPORARY:
            break  # after attempts for as long as there was time
        transfer = bound(http, raw)  # type: ignore[assignment]
    return transfer


async def submitted(http: AsyncHttp, request: Request) -> AsyncTransfer:
    """Send the request. Return its transfer once its outcome is final, or after the `wait` of the request."""
    began = time.monotonic()
    transfer = bound(http, await http.send(request))
    left_s = request.wait_s - (time.monotonic() - began)
    return await waited(http, transfer, left_s) if left_s > 0 else transfer


class AsyncTransfers:
    """`teller.transfers`: between the wallets of two clients, and whatever became of a transfer of any verb."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self,
        *,
        source: Id,
        destination: Id,
        amount: int,
        key: object,
        wait: float | None = None,
        up_to: bool | None = None,
        scheduled_for: datetime | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Move `amount` minor units from one wallet to another.

        `key` is the idempotency key: the id of what you pay for. Call again with the same arguments and the same key whenever you
        do not know what became of a call: the money moves once. `wait` is for how many seconds the outcome may be awaited; without
        it the transfer comes back queued. Look at `status`: a rejected transfer is no error here. With `up_to`, as much of the
        amount moves as is available.
        """
        fields: dict[str, object] = {
            "source_wallet_id": source,
            "destination_wallet_id": destination,
            "amount": amount,
            "up_to": up_to,
        }
        fields |= {"scheduled_for": scheduled_for, "apply_within_s": apply_within_s, "currency": currency}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money("/v1/transfers", fields, key, wait))

    async def split(
        self,
        *,
        debits: Sequence[LineCreate],
        credits: Sequence[LineCreate],
        key: object,
        wait: float | None = None,
        scheduled_for: datetime | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Move money out of several wallets, or into several, as one transfer. It is applied whole or not at all.

        A debit and a credit is {"wallet_id": …, "amount": …}. Both sides have the same sum. Otherwise it is as `create`.
        """
        fields: dict[str, object] = {"debits": list(debits), "credits": list(credits), "scheduled_for": scheduled_for}
        fields |= {"apply_within_s": apply_within_s, "currency": currency, "reference": reference}
        fields |= {"metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money("/v1/transfers", fields, key, wait))

    async def reverse(
        self,
        id: Id,
        *,
        key: object,
        amount: int | None = None,
        up_to: bool | None = None,
        wait: float | None = None,
        apply_within_s: int | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Send the money of an applied transfer back: `amount` of it, or all that was not yet reversed. Returns the reversal."""
        fields: dict[str, object] = {"amount": amount, "up_to": up_to, "apply_within_s": apply_within_s}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money(path_of("/v1/transfers/{}/reverse", id), fields, key, wait))

    async def cancel(self, id: Id) -> AsyncTransfer:
        """Cancel a scheduled or queued transfer. It is then never applied. Raises Conflict when its outcome is already final."""
        return bound(self._http, await self._http.send(post(path_of("/v1/transfers/{}/cancel", id))))

    async def get(self, id: Id, *, wait: float | None = None) -> AsyncTransfer:
        """Return a transfer in its current state. With `wait`, once its outcome is final, or after so many seconds."""
        return await submitted(self._http, get(path_of("/v1/transfers/{}", id), wait=wait or 0.0))

    def list(
        self,
        *,
        wallet: Id | None = None,
        status: TransferStatus | None = None,
        type: TransferType | None = None,
        parent: Id | None = None,
        key: object = None,
        client: Id | None = None,
        reference: str | None = None,
        amount: int | None = None,
        amount_from: int | None = None,
        amount_to: int | None = None,
        created_from: date | str | None = None,
        created_to: date | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[AsyncTransfer]:
        """Transfers, newest first, that match all of these; by `key`, the one that was made with this idempotency key.

        `client`: a wallet of it is a party. Amounts are minor units, `amount_from` and `amount_to` included. Times are as for
        `wallets.entries`: created at `created_from` or later, and before `created_to`.
        """
        query: dict[str, object] = {"wallet_id": wallet, "status": status, "type": type, "parent_id": parent}
        query |= {"idempotency_key": None if key is None else checked_key(key), "client_id": client, "reference": reference}
        query |= {"amount": amount, "amount_from": amount_from, "amount_to": amount_to}
        query["created_from"] = created_from and beginning_of(created_from)
        query["created_to"] = created_to and beginning_of(created_to)
        return AsyncPages(self._http, "/v1/transfers", lambda raw: bound(self._http, raw), query, limit=limit, cursor=cursor)

    def deliveries(
        self, id: Id, *, status: DeliveryStatus | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[Delivery]:
        """Your webhook deliveries of the transfer's event, newest first."""
        path = path_of("/v1/transfers/{}/deliveries", id)
        return AsyncPages(self._http, path, Delivery.from_dict, {"status": status}, limit=limit, cursor=cursor)

    async def create_many(self, items: Iterable[BatchItem]) -> Results:
        """Submit any number of transfers of any verbs. Return for each item, in order, its transfer or its problem.

        An item is the JSON of its verb with `idempotency_key` and, but for transfers, `type`. The items go out in batches of up to
        1000. Each item succeeds or fails on its own. After an error, call again with the same items: none is carried out twice.
        """
        encoded = [encode_item(number, item) for number, item in enumerate(items)]
        results: Results = []
        for batch in batches(encoded):
            raw = await self._http.send(Request("POST", "/v1/transfers/batch", {}, batch))
            results += [self._result(each) for each in raw["results"]]
        return results

    def _result(self, raw: Any) -> AsyncTransfer | Problem:
        return bound(self._http, raw["transfer"]) if raw.get("transfer") else Problem.from_dict(raw["problem"])


def encode_item(number: int, item: Mapping[str, Any]) -> bytes:
    """Return the item's JSON. Raises ValueError for one without an idempotency key: a repetition would pay it twice."""
    if not item.get("idempotency_key"):
        raise ValueError(f"item {number} has no idempotency_key")
    return dump({**item, "idempotency_key": checked_key(item["idempotency_key"])})


def batches(items: list[bytes]) -> Iterator[bytes]:
    """Yield bodies of at most 1000 items and of at most the bytes that the API reads."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and (len(batch) == ITEMS_MAX or size + len(item) + 1 > BATCH_BYTES_MAX):
            yield body_of(batch)
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield body_of(batch)


def body_of(batch: list[bytes]) -> bytes:
    return b'{"transfers":[' + b",".join(batch) + b"]}"


class AsyncDeposits:
    """`teller.deposits`: money from outside."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self,
        *,
        wallet: Id,
        amount: int,
        key: object,
        wait: float | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Bring `amount` minor units from outside into a wallet. For operators. `key` and `wait` are as for a transfer."""
        fields: dict[str, object] = {"wallet_id": wallet, "amount": amount, "apply_within_s": apply_within_s, "currency": currency}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money("/v1/deposits", fields, key, wait))


class AsyncWithdrawals:
    """`teller.withdrawals`: money to outside."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self,
        *,
        wallet: Id,
        amount: int,
        key: object,
        wait: float | None = None,
        up_to: bool | None = None,
        scheduled_for: datetime | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Take `amount` minor units out of a wallet to outside. For operators. `key` and `wait` are as for a transfer."""
        fields: dict[str, object] = {"wallet_id": wallet, "amount": amount, "up_to": up_to, "scheduled_for": scheduled_for}
        fields |= {"apply_within_s": apply_within_s, "currency": currency}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money("/v1/withdrawals", fields, key, wait))


class AsyncHolds:
    """`teller.holds`: money that is reserved for a payee until it is captured, released or expires."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def create(
        self,
        *,
        source: Id,
        amount: int,
        key: object,
        destination: Id | None = None,
        expires_in_s: int | None = None,
        wait: float | None = None,
        scheduled_for: datetime | None = None,
        apply_within_s: int | None = None,
        currency: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Reserve `amount` minor units of the source for the destination; without one, for outside (operators alone)."""
        fields: dict[str, object] = {
            "source_wallet_id": source,
            "destination_wallet_id": destination,
            "amount": amount,
            "expires_in_s": expires_in_s,
        }
        fields |= {"scheduled_for": scheduled_for, "apply_within_s": apply_within_s, "currency": currency}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money("/v1/holds", fields, key, wait))

    async def capture(
        self,
        id: Id,
        *,
        key: object,
        amount: int | None = None,
        credits: Sequence[LineCreate] | None = None,
        final: bool | None = None,
        wait: float | None = None,
        apply_within_s: int | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Give the payee `amount` of the hold, or all that is left. With `final`, what this leaves is released.

        With `credits`, which are for operators, it goes to these wallets and not to the payee.
        """
        fields: dict[str, object] = {"amount": amount, "credits": None if credits is None else list(credits), "final": final}
        fields |= {"apply_within_s": apply_within_s}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money(path_of("/v1/transfers/{}/capture", id), fields, key, wait))

    async def release(
        self,
        id: Id,
        *,
        key: object,
        amount: int | None = None,
        wait: float | None = None,
        apply_within_s: int | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        callback_url: str | None = None,
    ) -> AsyncTransfer:
        """Make `amount` of the hold, or all that is left, available to its source again."""
        fields: dict[str, object] = {"amount": amount, "apply_within_s": apply_within_s}
        fields |= {"reference": reference, "metadata": metadata, "callback_url": callback_url}
        return await submitted(self._http, money(path_of("/v1/transfers/{}/release", id), fields, key, wait))
