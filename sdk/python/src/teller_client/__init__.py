"""The Python client of Teller.

from teller_client import Teller

teller = Teller()  # TELLER_URL, TELLER_KEY
sent = teller.transfers.create(source=ada, destination=bob, amount=1050, key=order_id, wait=10)
sent.raise_for_rejection()
"""

from teller_client._async.client import AsyncTeller
from teller_client._async.events import AsyncFeed
from teller_client._async.pages import AsyncPages
from teller_client._async.transfers import AsyncTransfer
from teller_client._page import Page
from teller_client._request import Attempt
from teller_client._sync.client import Teller
from teller_client._sync.events import SyncFeed
from teller_client._sync.pages import SyncPages
from teller_client._sync.transfers import SyncTransfer
from teller_client._version import __version__
from teller_client.errors import (
    ApiError,
    BalanceLimitExceeded,
    Conflict,
    ConnectionFailed,
    DailyLimitExceeded,
    DeadlinePassed,
    DebitLimitExceeded,
    Forbidden,
    HoldClosed,
    HoldExceeded,
    InsufficientFunds,
    KeyReused,
    MonthlyLimitExceeded,
    NotFinal,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    Rejected,
    RejectedInternally,
    ReversalExceeded,
    SignatureError,
    TellerError,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    ValidationFailed,
    WalletClosed,
    WalletFrozen,
    WalletHasHolds,
    WalletNotEmpty,
)
from teller_client.events import Event, UnknownEvent
from teller_client.keys import new_key
from teller_client.models import (
    Balance,
    BatchItem,
    Client,
    Delivery,
    Entry,
    Key,
    Preview,
    Problem,
    Search,
    Statement,
    Transfer,
    TransferEvent,
    Wallet,
    WalletChange,
    WebhookEndpoint,
    WebhookEndpointEvent,
)
from teller_client.money import cents, format_money
from teller_client.webhooks import verify as verify_webhook

__all__ = [
    "ApiError",
    "AsyncFeed",
    "AsyncPages",
    "AsyncTeller",
    "AsyncTransfer",
    "Attempt",
    "Balance",
    "BalanceLimitExceeded",
    "BatchItem",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "DailyLimitExceeded",
    "DeadlinePassed",
    "DebitLimitExceeded",
    "Delivery",
    "Entry",
    "Event",
    "Forbidden",
    "HoldClosed",
    "HoldExceeded",
    "InsufficientFunds",
    "Key",
    "KeyReused",
    "MonthlyLimitExceeded",
    "NotFinal",
    "NotFound",
    "OutcomeUnknown",
    "Overloaded",
    "Page",
    "Preview",
    "Problem",
    "RateLimited",
    "Rejected",
    "RejectedInternally",
    "ReversalExceeded",
    "Search",
    "SignatureError",
    "Statement",
    "SyncFeed",
    "SyncPages",
    "SyncTransfer",
    "Teller",
    "TellerError",
    "Transfer",
    "TransferEvent",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "UnknownEvent",
    "ValidationFailed",
    "Wallet",
    "WalletChange",
    "WalletClosed",
    "WalletFrozen",
    "WalletHasHolds",
    "WalletNotEmpty",
    "WebhookEndpoint",
    "WebhookEndpointEvent",
    "__version__",
    "cents",
    "format_money",
    "new_key",
    "verify_webhook",
]
