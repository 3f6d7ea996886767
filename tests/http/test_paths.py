"""Methods: what may not be done at a path is 405, and says what may. Paths that are not there stand in bad_inputs.py."""

import pytest

from tests.caller import OPERATOR_KEY, Caller
from tests.http.raw import exchange, parse

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ALLOWED = {
    "/v1/clients": "GET, HEAD, POST",
    "/v1/clients/cli_01h455vb4pex5vsknk084sn02q": "GET, HEAD, PATCH",
    "/v1/clients/cli_01h455vb4pex5vsknk084sn02q/changes": "GET, HEAD",
    "/v1/clients/cli_01h455vb4pex5vsknk084sn02q/keys": "GET, HEAD, POST",
    "/v1/keys": "GET, HEAD, POST",
    "/v1/ops/queue": "GET, HEAD",
    "/v1/ops/processes": "GET, HEAD",
    "/v1/ops/database": "GET, HEAD",
    "/v1/ops/settings": "GET, HEAD",
    "/v1/keys/key_01h455vb4pex5vsknk084sn02q": "DELETE",
    "/v1/clients/cli_01h455vb4pex5vsknk084sn02q/wallets": "POST",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q": "GET, HEAD, PATCH",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/changes": "GET, HEAD",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/statement": "GET, HEAD",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/balance": "GET, HEAD",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/close": "POST",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/entries": "GET, HEAD",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/holds": "GET, HEAD",
    "/v1/deposits": "POST",
    "/v1/withdrawals": "POST",
    "/v1/holds": "POST",
    **{f"/v1/transfers/trf_01h455vb4pex5vsknk084sn02q/{verb}": "POST" for verb in ("capture", "release", "reverse", "cancel")},
    "/v1/transfers": "GET, HEAD, POST",
    "/v1/transfers/trf_01h455vb4pex5vsknk084sn02q": "GET, HEAD",
    "/v1/events": "GET, HEAD",
    "/v1/events/evt_01h455vb4pex5vsknk084sn02q": "GET, HEAD",
    "/v1/webhook-endpoints": "GET, HEAD, POST",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q": "DELETE, GET, HEAD, PATCH",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q/rotate-secret": "POST",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q/deliveries": "GET, HEAD",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q/redeliver": "POST",
    "/v1/transfers/trf_01h455vb4pex5vsknk084sn02q/deliveries": "GET, HEAD",
    "/v1/deliveries/dlv_01h455vb4pex5vsknk084sn02q/redeliver": "POST",
    "/v1/webhook-secret": "GET, HEAD",
    "/v1/webhook-secret/rotate": "POST",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/metrics": "GET, HEAD",
    "/problems": "GET, HEAD",
    "/problems/not_found": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
    "/docs": "GET, HEAD",
    "/static-offline-docs/swagger-ui.css": "GET, HEAD",
}


@pytest.mark.parametrize("path", ALLOWED)
def test_other_methods_are_refused_with_all_that_are_allowed(caller: Caller, path: str) -> None:
    for method in METHODS:
        request = f"{method} {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {OPERATOR_KEY}\r\nConnection: close\r\n\r\n"
        response = exchange(caller.url, request.encode())
        if method in ALLOWED[path].split(", "):
            assert not response.startswith(b"HTTP/1.1 405"), method
        else:
            assert response.startswith(b"HTTP/1.1 405"), method
            assert f"\r\nallow: {ALLOWED[path]}\r\n".encode() in response, method
            assert b"\r\ncontent-type: application/problem+json\r\n" in response, method
            if method != "HEAD":
                assert parse(response).code == "method_not_allowed"
