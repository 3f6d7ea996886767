"""Good bodies to spoil."""

from tests.caller import Caller

MARK = "Zq7xMark"  # stands in bad values and must never come back

REVERSE = "/v1/transfers/TRANSFER/reverse"
PATHS = ("/v1/deposits", "/v1/transfers", "/v1/withdrawals", "/v1/holds", REVERSE, "/v1/clients")


def fill(body: bytes, caller: Caller) -> bytes:
    """Put new wallets' ids in for SOURCE, and for DESTINATION or WALLET."""
    if not any(name in body for name in (b"SOURCE", b"DESTINATION", b"WALLET")):
        return body
    source, destination = caller.new_wallet().encode(), caller.new_wallet().encode()
    return body.replace(b"SOURCE", source).replace(b"DESTINATION", destination).replace(b"WALLET", destination)


def of_a_transfer(path: str, caller: Caller) -> str:
    """Put the id of an applied transfer in for TRANSFER."""
    if "TRANSFER" not in path:
        return path
    return path.replace("TRANSFER", caller.applied(caller.deposit(caller.new_wallet(), 5))["id"])


def good(path: str) -> bytes:
    return {
        "/v1/deposits": b'{"wallet_id": "WALLET", "amount": 5}',
        "/v1/transfers": b'{"source_wallet_id": "SOURCE", "destination_wallet_id": "DESTINATION", "amount": 5}',
        "/v1/withdrawals": b'{"wallet_id": "WALLET", "amount": 5}',
        "/v1/holds": b'{"source_wallet_id": "SOURCE", "destination_wallet_id": "DESTINATION", "amount": 5}',
        "/v1/transfers/TRANSFER/capture": b'{"amount": 5}',
        "/v1/transfers/TRANSFER/release": b'{"amount": 5}',
        REVERSE: b'{"amount": 5}',
        "/v1/clients": b'{"name": "Ada"}',
        "/v1/webhook-endpoints": b'{"url": "https://example.com/hook"}',
        "/v1/webhook-endpoints/ENDPOINT/redeliver": b'{"since": "2026-01-31T09:30:00Z"}',
        "/v1/transfers/batch": b'{"transfers": [{}]}',
    }[path]


def with_fields(path: str, fields: bytes) -> bytes:
    """Return a good body of this path with more fields at its end."""
    return good(path)[:-1] + b", " + fields + b"}"
