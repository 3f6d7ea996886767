"""Paths and methods: what is not there is 404, what may not be done is 405, and nothing redirects."""

import pytest

from tests.caller import OPERATOR_KEY, Caller
from tests.http.raw import exchange, parse

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ALLOWED = {
    "/v1/clients": "GET, POST",
    "/v1/clients/cli_01h455vb4pex5vsknk084sn02q": "GET",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q": "GET",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/entries": "GET",
    "/v1/deposits": "POST",
    "/v1/transfers": "GET, POST",
    "/v1/transfers/trf_01h455vb4pex5vsknk084sn02q": "GET",
    "/v1/events": "GET",
    "/v1/events/evt_01h455vb4pex5vsknk084sn02q": "GET",
    "/v1/webhook-endpoints": "GET, POST",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q": "DELETE, GET, PATCH",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q/rotate-secret": "POST",
    "/v1/webhook-secret": "GET",
    "/v1/webhook-secret/rotate": "POST",
    "/healthz": "GET",
    "/readyz": "GET",
    "/problems": "GET",
    "/problems/not_found": "GET",
    "/openapi.json": "GET, HEAD",
    "/docs": "GET",
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


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/transfers",
        "/V1/transfers",
        "/v1/nothing",
        "/v1/deposits/x/y",
        "/v1/transfers/",
        "/v1/clients/",
        "/healthz/",
        "//v1/transfers",
        "/v1//transfers",
        "/v1/transfers/%00",
        "/v1/transfers/%ff%fe",
        "/v1/transfers/%0d%0aX-Injected:%20Zq7xMark",
        "/v1/transfers/a%2fb",
        "/v1/transfers%2f",
        "/v1/transfers%2fTRANSFER%2f",
        "/v1/transfers/TRANSFER/",
        "/v1/transfers/TRANSFER%00",
        "/v1/transfers/TRANSFER%20",
        "/v1/transfers/TRANSFER;x=1",
        "/v1/wallets/..%2f..%2fetc%2fpasswd",
        "/v1/wallets/WALLET/entries/",
        "/v1/wallets/WALLET/entries/1",
        "/v1/wallets/WALLET/nothing",
        "/problems/nothing",
        "/problems/",
        "/static-offline-docs",
        "/static-offline-docs/",
        "/static-offline-docs/..%2f..%2fcore.py",
        "/redoc",
        "/v1/transfers/batch",
        "/metrics",
        "/.env",
    ],
)
def test_what_is_not_there_is_not_found_without_redirect(caller: Caller, path: str) -> None:
    wallet = caller.new_wallet()
    path = path.replace("WALLET", wallet)
    if "TRANSFER" in path:
        path = path.replace("TRANSFER", caller.deposit(wallet, 1).body["id"])

    answer = caller.get(path)

    assert (answer.status, answer.code) == (404, "not_found")
    assert "location" not in answer.headers
    assert "x-injected" not in answer.headers
