"""The objects of the API's answers, and the items of batches.

Written from the OpenAPI document by `python -m tests.sdk.generate`: do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from teller_client._behaviour import ProblemBehaviour, TransferBehaviour
from teller_client._decode import Model

ConfiguredKeyName: TypeAlias = Literal["configured"]

ConfiguredKeyRole: TypeAlias = Literal["operator"]

DeliveryStatus: TypeAlias = Literal["pending", "delivered", "failed", "canceled"]

EventType: TypeAlias = Literal["transfer.applied", "transfer.rejected", "transfer.canceled", "webhook_endpoint.disabled"]

Freeze: TypeAlias = Literal["debits", "credits", "all"]

HoldStatus: TypeAlias = Literal["open", "closed"]

KeyRole: TypeAlias = Literal["operator", "viewer", "client"]

ProblemCode: TypeAlias = Literal[
    "backlog_full",
    "body_too_large",
    "duplicate_key",
    "endpoint_disabled",
    "external_id_taken",
    "forbidden",
    "headers_too_large",
    "idempotency_key_invalid",
    "idempotency_key_missing",
    "idempotency_key_reused",
    "internal_error",
    "invalid_cursor",
    "invalid_json",
    "invalid_parameter",
    "malformed_request",
    "method_not_allowed",
    "not_a_hold",
    "not_cancelable",
    "not_found",
    "not_reversible",
    "rate_limited",
    "request_timeout",
    "too_many_endpoints",
    "unauthorized",
    "unavailable",
    "unsupported_media_type",
    "validation_failed",
    "wallet_closed",
    "wallet_exists",
]

ProcessKind: TypeAlias = Literal["api", "worker", "sweeper", "deliverer"]

RejectionCode: TypeAlias = Literal[
    "deadline_passed",
    "wallet_closed",
    "wallet_frozen",
    "hold_closed",
    "hold_exceeded",
    "reversal_exceeded",
    "wallet_has_holds",
    "wallet_not_empty",
    "debit_limit_exceeded",
    "daily_limit_exceeded",
    "monthly_limit_exceeded",
    "insufficient_funds",
    "balance_limit_exceeded",
    "internal",
]

ReleaseReason: TypeAlias = Literal["requested", "expired"]

RulesStatus: TypeAlias = Literal["active", "closed"]

TransferEventType: TypeAlias = Literal["transfer.applied", "transfer.rejected", "transfer.canceled"]

TransferStatus: TypeAlias = Literal["queued", "applied", "rejected", "canceled", "scheduled"]

TransferType: TypeAlias = Literal["deposit", "withdrawal", "transfer", "hold", "capture", "release", "reversal", "closure"]

WalletStatus: TypeAlias = Literal["active", "frozen", "closed"]

WebhookEndpointDisabledReason: TypeAlias = Literal["requested", "gone", "failing"]

WebhookEndpointEventType: TypeAlias = Literal["webhook_endpoint.disabled"]

WebhookEndpointStatus: TypeAlias = Literal["enabled", "disabled"]


@dataclass(frozen=True, kw_only=True)
class AllKeysPage(Model):
    """All keys page."""

    data: list[Key] = field(default_factory=list)
    has_more: bool
    next_cursor: str | None = None
    # null where the settings have no key
    configured: ConfiguredKey | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Audit(Model):
    """The last audit of the whole ledger whose result could be stored."""

    began_at: datetime
    finished_at: datetime
    ok: bool
    # violations in all
    failures: int
    # violations by the check that found them, without those that found none
    broken: dict[str, int] = field(default_factory=dict)
    transfers: int
    entries: int
    wallets: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Balance(Model):
    """A wallet's balance, in minor units, and version just before a time."""

    wallet_id: str
    currency: str
    at: datetime
    balance: int
    version: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Blocked(Model):
    """A session of this database that waits for a lock."""

    pid: int
    application: str
    waiting_seconds: float
    # the sessions that hold the lock or wait for it before this one; 0: a prepared transaction
    blocked_by: list[int] = field(default_factory=list)
    # null for a session that is not Teller's
    state: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _CaptureItemRequired(TypedDict):
    idempotency_key: str
    parent_id: str
    type: Literal["capture"]


class CaptureItem(_CaptureItemRequired, total=False):
    """A capture of the hold `parent_id`."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
    currency: str
    # left out: all that is left of the hold
    amount: int
    # true: what this capture leaves of the hold is released
    final: bool
    # for these wallets, and not for the hold's payee; they sum to the amount; for operators alone
    credits: list[LineCreate]


@dataclass(frozen=True, kw_only=True)
class Client(Model):
    """Client."""

    id: str
    name: str
    external_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    created_at: datetime
    # its first, which was made with it
    wallet: Wallet
    # one a currency, in the order in which they were made
    wallets: list[Wallet] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class ClientChange(Model):
    """One change of a client."""

    changed_at: datetime
    # the API key that asked for it; null for the configured key
    key_id: str | None = None
    before: Told
    after: Told
    # as it was given
    reason: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class ConfiguredKey(Model):
    """The operator's key of the settings. It has no id, and is replaced where the settings are."""

    role: ConfiguredKeyRole
    name: ConfiguredKeyName
    hint: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Connections(Model):
    """Of the server, to all of its databases."""

    used: int
    allowed: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Database(Model):
    """The database as it is now."""

    # PostgreSQL's
    version: str
    # the newest migration
    schema: str | None = None
    size_bytes: int
    connections: Connections
    # the longest waits first, at most 20
    blocked: list[Blocked] = field(default_factory=list)
    feed: Feed
    last_audit: Audit | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Delivery(Model):
    """One event for one receiver: an endpoint, or a transfer's callback URL."""

    id: str
    # whose endpoint or callback URL it is; null: the operators'
    client_id: str | None = None
    # the `webhook-id`, the same on every attempt
    event_id: str
    # null for the event of an endpoint
    transfer_id: str | None = None
    # null for a callback URL
    endpoint_id: str | None = None
    # null for an endpoint; shown only to the caller that set it
    callback_url: str | None = None
    # `canceled`: the endpoint was disabled or deleted before the event was delivered
    status: DeliveryStatus
    # null unless the delivery is pending
    next_attempt_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    # oldest first, at most the last 100
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class DeliveryAttempt(Model):
    """One attempt: the status of the receiver's answer, or the error because of which there was none."""

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None = None
    # such as `timed_out` or `not_connected`; null when there was an answer. `not_reachable`: the receiver's name is not
    # found, or leads to an address that Teller does not send to; only operators see which, and how long it took
    error: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _DepositItemRequired(TypedDict):
    wallet_id: str
    amount: int
    idempotency_key: str
    type: Literal["deposit"]


class DepositItem(_DepositItemRequired, total=False):
    """A deposit, as POST /v1/deposits takes it."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # that of the wallets; left out: USD, whatever theirs is
    currency: str


@dataclass(frozen=True, kw_only=True)
class Entry(Model):
    """One line of a wallet's history, in minor units."""

    wallet_id: str
    # 1..n with no gap
    version: int
    transfer_id: str
    type: TransferType
    # signed
    amount: int
    balance_after: int
    # null for outside Teller, and for a transfer with several debits or credits
    counterparty_wallet_id: str | None = None
    reference: str | None = None
    created_at: datetime
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Failure(Model):
    """Why a transfer was rejected. The figures are in minor units, and shown to keys that may see the debited wallets.

    They are null for reasons that have none, and for transfers that were rejected by an earlier version.
    """

    code: RejectionCode
    detail: str
    # what was there when it was rejected: of the debited wallet's funds, of its limit, of the hold, or of what could be
    # reversed
    available: int | None = None
    # how much of that it needed
    needed: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Feed(Model):
    """Events that became known after the oldest open transaction began are shown when it has ended."""

    # for how long, at least, one transaction has kept later events back
    horizon_seconds: float
    # null where nothing is kept back, or a prepared transaction does so
    holder: Holder | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class FieldError(Model):
    """What is wrong with one field: a JSON pointer (RFC 6901) and a code that GET /problems explains."""

    pointer: str
    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Hold(Model):
    """What became of an applied hold, in minor units. It is `open` while something remains."""

    status: HoldStatus
    remaining_amount: int
    captured_amount: int
    released_amount: int
    expires_at: datetime
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _HoldItemRequired(TypedDict):
    source_wallet_id: str
    amount: int
    idempotency_key: str
    type: Literal["hold"]


class HoldItem(_HoldItemRequired, total=False):
    """A hold, as POST /v1/holds takes it."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # that of the wallets; left out: USD, whatever theirs is
    currency: str
    # the payee; left out: to outside Teller, for operators alone
    destination_wallet_id: str
    # from acceptance, or from `scheduled_for`; what is left then is released
    expires_in_s: int
    # not before this time, at most 366 days ahead; a past time means now
    scheduled_for: datetime | str | None


@dataclass(frozen=True, kw_only=True)
class Holder(Model):
    """The session of the oldest open transaction. `since` and `state` are null for a session that is not Teller's."""

    pid: int
    application: str
    # when its transaction began
    since: datetime | None = None
    state: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Key(Model):
    """A key, without the key itself."""

    id: str
    role: KeyRole
    # whose key it is; null for a key of an operator or a viewer
    client_id: str | None = None
    # as it was given when the key was made
    name: str | None = None
    # the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum`
    hint: str
    created_at: datetime
    # to the minute
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class KeyWithSecret(Model):
    """A key that has just been made."""

    id: str
    role: KeyRole
    # whose key it is; null for a key of an operator or a viewer
    client_id: str | None = None
    # as it was given when the key was made
    name: str | None = None
    # the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum`
    hint: str
    created_at: datetime
    # to the minute
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    # shown this once: only its SHA-256 is kept
    key: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Limits(Model):
    """What a wallet allows, in minor units. null: no such limit."""

    # no credit may make the balance greater
    balance_max: int | None = None
    # of one transfer, withdrawal or hold
    debit_max: int | None = None
    # of all transfers, withdrawals and holds of a UTC day
    debits_per_day_max: int | None = None
    # of all transfers, withdrawals and holds of a UTC month
    debits_per_month_max: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Line(Model):
    """A wallet, and how much a transfer debits or credits it, in minor units."""

    wallet_id: str
    amount: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _LineCreateRequired(TypedDict):
    wallet_id: str
    amount: int


class LineCreate(_LineCreateRequired, total=False):
    """A wallet, and how much it is debited or credited."""


class _MultiLegItemRequired(TypedDict):
    # a client's key: its own wallet alone
    debits: list[LineCreate]
    # of the same sum as the debits; no wallet stands in two lines
    credits: list[LineCreate]
    idempotency_key: str


class MultiLegItem(_MultiLegItemRequired, total=False):
    """A transfer with several debits or credits, as POST /v1/transfers takes it."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # that of the wallets; left out: USD, whatever theirs is
    currency: str
    # not before this time, at most 366 days ahead; a past time means now
    scheduled_for: datetime | str | None
    type: Literal["transfer"]


@dataclass(frozen=True, kw_only=True)
class Preview(Model):
    """What a transfer would become now. It is not stored: it has no id, and nothing of it can be asked for later."""

    id: Any = None
    type: TransferType
    # `scheduled` until `scheduled_for`, then `queued` until it is final
    status: TransferStatus
    # null for outside Teller, and for a transfer with `debits` and `credits`
    source_wallet_id: str | None = None
    # likewise
    destination_wallet_id: str | None = None
    # minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits`
    # and `credits` the sum of one side, for a client's key the amount of its own line
    amount: int
    currency: str
    reference: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    # called when the outcome is final; shown only to the caller that set it
    callback_url: str | None = None
    failure: Failure | None = None
    # of an applied transfer, as far as the key may see their wallets
    entries: list[TransferEntry] = field(default_factory=list)
    created_at: datetime
    finished_at: datetime | None = None
    # of a capture, a release or a reversal: the transfer that it is about
    parent_id: str | None = None
    # as far as the key may see their wallets; null for one debit and one credit
    debits: list[Line] | None = None
    # likewise
    credits: list[Line] | None = None
    scheduled_for: datetime | None = None
    # rejected if a worker takes it up later; null for a scheduled one until it is queued
    apply_by: datetime | None = None
    # how much of it was reversed so far, in minor units
    reversed_amount: int
    # of an applied hold
    hold: Hold | None = None
    # of a release: asked for by a caller, or by the hold's end
    reason: ReleaseReason | None = None
    # that it was submitted with; shown to its owner's keys and to operators
    idempotency_key: str | None = None
    # the id of the key that submitted it, `configured` for the key of the settings; shown to its owner's keys and to
    # operators; null for what no key submitted, and for transfers of earlier versions
    submitted_by: str | None = None
    # shown to operators
    shard: int | None = None
    # shown to operators, by a GET of one transfer, while it is queued; null while it waits for a time, or for the sweeper to
    # queue it
    queue: QueuePlace | None = None
    preview: PreviewBasis
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class PreviewBasis(Model):
    """What a preview rests on: the transfers of the shard that are queued, and so are applied before this one."""

    queued_ahead: int
    # false: more are queued than a preview looks at
    complete: bool
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Problem(ProblemBehaviour):
    """RFC 9457. GET /problems explains each code."""

    type: str
    title: str
    status: int
    code: ProblemCode
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = field(default_factory=list)
    # only of `not_cancelable`: the transfer as it is
    transfer: Transfer | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Process(Model):
    """A process that has a session of the database. One that lost its session, or never had one, is missing here."""

    kind: ProcessKind
    # host and process id
    name: str
    host: str | None = None
    # when the oldest of its sessions began
    since: datetime | None = None
    # `active` while a statement of it runs, else as PostgreSQL says, such as `idle`
    state: str | None = None
    # when a statement of it last began or ended
    last_seen_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Processes(Model):
    """`since`, `state` and `last_seen_at` are null where the owner of the tables may not see the sessions of the role."""

    processes: list[Process] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Queue(Model):
    """The transfers that wait. A wallet's shard decides which of them wait behind each other."""

    queued: int
    # how many may be queued before requests are refused: TELLER_BACKLOG_MAX
    limit: int
    # for how long the first transfer of any shard has waited; null: none waits
    oldest_seconds: float | None = None
    # transfers that wait for their time; 10000 stands for that many or more
    scheduled: int
    # for how long a scheduled transfer or the end of a hold has waited past its time for a sweeper; null: none does
    due_oldest_seconds: float | None = None
    # those with queued transfers
    shards: list[Shard] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class QueuePlace(Model):
    """The place of a queued transfer in its shard, at the moment of the answer."""

    # how many transfers of the shard are before it; 1000 stands for so many or more
    ahead: int
    # how long the first of them has waited
    oldest_seconds: float
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Redelivered(Model):
    """The number of deliveries that this request made due."""

    # at most 1000, the oldest first
    count: int
    # there may be more: repeat the request
    has_more: bool
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _ReleaseItemRequired(TypedDict):
    idempotency_key: str
    parent_id: str
    type: Literal["release"]


class ReleaseItem(_ReleaseItemRequired, total=False):
    """A release of the hold `parent_id`."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
    currency: str
    # left out: all that is left of the hold
    amount: int


class _ReversalItemRequired(TypedDict):
    idempotency_key: str
    parent_id: str
    type: Literal["reversal"]


class ReversalItem(_ReversalItemRequired, total=False):
    """A reversal of the transfer `parent_id`."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
    currency: str
    # left out: all that was not yet reversed
    amount: int
    # true: as much of the amount as the available funds allow; refused when that is nothing
    up_to: bool


@dataclass(frozen=True, kw_only=True)
class Rules(Model):
    """What a wallet allowed."""

    status: RulesStatus
    frozen: Freeze | None = None
    limits: Limits
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Search(Model):
    """What was found, at most 10 of each kind."""

    # by id, external id, idempotency key, or the beginning of their names
    clients: list[Client] = field(default_factory=list)
    # by id, or by the idempotency key that made them
    wallets: list[Wallet] = field(default_factory=list)
    # by id, idempotency key of any owner, or reference: of these the newest
    transfers: list[Transfer] = field(default_factory=list)
    # of the operators and of clients, by id
    webhook_endpoints: list[WebhookEndpoint] = field(default_factory=list)
    # by id
    keys: list[Key] = field(default_factory=list)
    # by id
    events: list[Any] = field(default_factory=list)
    # to the operators and to clients, by id
    deliveries: list[Delivery] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Setting(Model):
    """A setting, as its environment variable has it."""

    name: str
    # null where there is none
    value: str | None = None
    is_default: bool
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Settings(Model):
    """What the process that answers was started with. URLs of servers and keys are secrets, and are left out."""

    # Teller's
    version: str
    settings: list[Setting] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Shard(Model):
    """A shard with queued transfers."""

    shard: int
    queued: int
    # for how long its first transfer has waited
    oldest_seconds: float
    # the process that applies transfers of it at this moment
    drained_by: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Statement(Model):
    """The entries of a wallet in a period, and the balances around them, in minor units. All but `data` is of the whole
    period.
    """

    wallet_id: str
    currency: str
    # digits of the currency's minor unit: 2 for cents
    minor_unit: int
    from_: datetime
    to: datetime
    opening_balance: int
    closing_balance: int
    total_credits: int
    # positive: the opening balance, plus the credits, less this, is the closing balance
    total_debits: int
    entry_count: int
    # `to` lies more than 15 seconds back, and no entry can be added any more
    final: bool
    # oldest first
    data: list[Entry] = field(default_factory=list)
    next_cursor: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Told(Model):
    """What of a client can change, as it was."""

    name: str
    external_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Transfer(TransferBehaviour):
    """One instruction to move, hold or give back money. It becomes `applied`, `rejected` or `canceled`, once and for ever.

    `applied` means for a hold that the money is reserved. What came of it later is in `hold`, and in its captures and
    releases.
    """

    id: str
    type: TransferType
    # `scheduled` until `scheduled_for`, then `queued` until it is final
    status: TransferStatus
    # null for outside Teller, and for a transfer with `debits` and `credits`
    source_wallet_id: str | None = None
    # likewise
    destination_wallet_id: str | None = None
    # minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits`
    # and `credits` the sum of one side, for a client's key the amount of its own line
    amount: int
    currency: str
    reference: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    # called when the outcome is final; shown only to the caller that set it
    callback_url: str | None = None
    failure: Failure | None = None
    # of an applied transfer, as far as the key may see their wallets
    entries: list[TransferEntry] = field(default_factory=list)
    created_at: datetime
    finished_at: datetime | None = None
    # of a capture, a release or a reversal: the transfer that it is about
    parent_id: str | None = None
    # as far as the key may see their wallets; null for one debit and one credit
    debits: list[Line] | None = None
    # likewise
    credits: list[Line] | None = None
    scheduled_for: datetime | None = None
    # rejected if a worker takes it up later; null for a scheduled one until it is queued
    apply_by: datetime | None = None
    # how much of it was reversed so far, in minor units
    reversed_amount: int
    # of an applied hold
    hold: Hold | None = None
    # of a release: asked for by a caller, or by the hold's end
    reason: ReleaseReason | None = None
    # that it was submitted with; shown to its owner's keys and to operators
    idempotency_key: str | None = None
    # the id of the key that submitted it, `configured` for the key of the settings; shown to its owner's keys and to
    # operators; null for what no key submitted, and for transfers of earlier versions
    submitted_by: str | None = None
    # shown to operators
    shard: int | None = None
    # shown to operators, by a GET of one transfer, while it is queued; null while it waits for a time, or for the sweeper to
    # queue it
    queue: QueuePlace | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class TransferBatchResult(Model):
    """The result of one item: 202 queued, 200 final, or the problem that a request of its own would get, with its status.

    It has either `transfer` or `problem`.
    """

    status: int
    transfer: Transfer | None = None
    problem: Problem | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class TransferEntry(Model):
    """One of an applied transfer's entries, in minor units: one for each wallet that it debits or credits."""

    wallet_id: str
    version: int
    amount: int
    balance_after: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class TransferEvent(Model):
    """A transfer became final. Webhooks of the event carry the same id on every attempt."""

    id: str
    type: TransferEventType
    # when the transfer became final
    timestamp: datetime
    data: Transfer
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _TransferItemRequired(TypedDict):
    source_wallet_id: str
    destination_wallet_id: str
    amount: int
    idempotency_key: str


class TransferItem(_TransferItemRequired, total=False):
    """A transfer between two wallets, as POST /v1/transfers takes it."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # that of the wallets; left out: USD, whatever theirs is
    currency: str
    # true: as much of the amount as the available funds allow; refused when that is nothing
    up_to: bool
    # not before this time, at most 366 days ahead; a past time means now
    scheduled_for: datetime | str | None
    type: Literal["transfer"]


@dataclass(frozen=True, kw_only=True)
class Usage(Model):
    """What counts against the limits of debits, in minor units. What is given back of a hold no longer counts."""

    debits_today: int
    debits_this_month: int
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Wallet(Model):
    """A wallet. Its balance, in minor units, is the sum of its first `version` entries. Holds change neither of the two."""

    id: str
    # null for an external wallet, the other side of deposits and withdrawals
    client_id: str | None = None
    currency: str
    # digits of an amount after the point: 2 for USD, so 1050 is 10.50
    minor_unit: int
    balance: int
    # what open holds have reserved of the balance
    held: int
    # balance - held: what can be moved out or held
    available: int
    # how many entries the wallet has: of two answers, the one with the higher version is newer
    version: int
    status: WalletStatus
    # what is stopped: money out of the wallet, into it, or both
    frozen: Freeze | None = None
    limits: Limits
    # null until a limit is first set: nothing is counted before
    usage: Usage | None = None
    created_at: datetime
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WalletChange(Model):
    """One change of what a wallet allows."""

    changed_at: datetime
    # the API key that asked for it; null for a closure, and for the configured key
    key_id: str | None = None
    before: Rules
    after: Rules
    # as it was given; of a closure its transfer
    reason: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint(Model):
    """A URL that receives events of these types.

    An operator's endpoint receives them for all transfers, a client's for the transfers of its own wallets.
    `webhook_endpoint.disabled` says that Teller has disabled another endpoint of yours.
    """

    id: str
    url: str
    events: list[EventType] = field(default_factory=list)
    description: str | None = None
    status: WebhookEndpointStatus
    # `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days
    disabled_reason: WebhookEndpointDisabledReason | None = None
    disabled_at: datetime | None = None
    created_at: datetime
    # until this time the previous secret signs too; null when there is none
    old_secret_expires_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointEvent(Model):
    """A webhook endpoint of yours was disabled because it is gone or fails. `data` is the endpoint as of that time."""

    id: str
    type: WebhookEndpointEventType
    # when the endpoint was disabled
    timestamp: datetime
    data: WebhookEndpoint
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointWithSecret(Model):
    """Webhook endpoint with secret."""

    id: str
    url: str
    events: list[EventType] = field(default_factory=list)
    description: str | None = None
    status: WebhookEndpointStatus
    # `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days
    disabled_reason: WebhookEndpointDisabledReason | None = None
    disabled_at: datetime | None = None
    created_at: datetime
    # until this time the previous secret signs too; null when there is none
    old_secret_expires_at: datetime | None = None
    # signs webhooks; no later answer shows it
    secret: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WebhookSecret(Model):
    """The secret that signs webhooks to your callback URLs."""

    created_at: datetime
    # until this time the previous secret signs too; null when there is none
    old_secret_expires_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class WebhookSecretWithSecret(Model):
    """The secret that signs webhooks to your callback URLs, just made."""

    created_at: datetime
    # until this time the previous secret signs too; null when there is none
    old_secret_expires_at: datetime | None = None
    # signs webhooks; no later answer shows it
    secret: str
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class _WholeReversalItemRequired(TypedDict):
    idempotency_key: str
    parent_id: str
    type: Literal["reversal"]


class WholeReversalItem(_WholeReversalItemRequired, total=False):
    """A reversal of the transfer `parent_id`, which has several debits or credits."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
    currency: str


class _WithdrawalItemRequired(TypedDict):
    wallet_id: str
    amount: int
    idempotency_key: str
    type: Literal["withdrawal"]


class WithdrawalItem(_WithdrawalItemRequired, total=False):
    """A withdrawal, as POST /v1/withdrawals takes it."""

    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None
    # rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
    apply_within_s: int | None
    # that of the wallets; left out: USD, whatever theirs is
    currency: str
    # true: as much of the amount as the available funds allow; refused when that is nothing
    up_to: bool
    # not before this time, at most 366 days ahead; a past time means now
    scheduled_for: datetime | str | None


BatchItem: TypeAlias = (
    CaptureItem
    | DepositItem
    | HoldItem
    | MultiLegItem
    | ReleaseItem
    | ReversalItem
    | TransferItem
    | WholeReversalItem
    | WithdrawalItem
)
