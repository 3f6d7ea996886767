"""An offer to change the protocol is ignored (RFC 9110, section 7.8): the request is served as HTTP/1.1, body and all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.http.conftest import Count
from tests.http.raw import connect, exchange, parse_all, read_to_end
from tests.http.test_wire import BODY, CHUNKED, GET, POST

OFFERS: dict[str, bytes] = {
    "h2c as Java offers it": b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nUpgrade: h2c\r\n",
    "h2c in capitals": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n",
    "a web socket": b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n",
    "TLS": b"Upgrade: TLS/1.0\r\nConnection: upgrade\r\n",
    "several protocols": b"Connection: upgrade\r\nUpgrade: foo/2, bar\r\nUpgrade: h2c\r\n",
    "in several lines": b"Connection: keep-alive\r\nConnection: HTTP2-Settings\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
    "an offer without its connection option": b"Upgrade: h2c\r\n",
}


def framed(offer: bytes, body: bytes, *, chunks: bool) -> bytes:
    key = b"Idempotency-Key: " + new_key().encode()
    if not chunks:
        return POST.replace(b"Idempotency-Key: Zq7xMark", key) + offer + b"Content-Length: %d\r\n\r\n" % len(body) + body
    head = CHUNKED.replace(b"Idempotency-Key: Zq7xMark", key) + offer + b"\r\n"
    return head + b"5\r\n" + body[:5] + b"\r\n%x\r\n" % (len(body) - 5) + body[5:] + b"\r\n0\r\nA: b\r\n\r\n"


@pytest.mark.parametrize("chunks", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("case", OFFERS)
def test_a_post_that_offers_another_protocol_is_served_and_its_connection_kept(caller: Caller, case: str, chunks: bool) -> None:
    body = BODY.replace(b"WALLET", caller.new_wallet().encode())
    get = GET + OFFERS[case]
    requests = [framed(OFFERS[case], body, chunks=chunks), get + b"\r\n", framed(OFFERS[case], body, chunks=chunks), GET + b"\r\n"]

    answers = parse_all(exchange(caller.url, b"".join(requests) + GET + b"Connection: close\r\n\r\n"))

    assert [answer.status for answer in answers] == [202, 200, 202, 200, 200]
    assert ["connection" in answer.headers for answer in answers] == [False] * 4 + [True]
    assert not any("upgrade" in answer.headers for answer in answers)


@pytest.mark.parametrize("chunks", [False, True], ids=["length", "chunks"])
def test_an_offer_is_ignored_wherever_the_request_is_cut(caller: Caller, chunks: bool) -> None:
    body = BODY.replace(b"WALLET", caller.new_wallet().encode())
    end = GET + b"Connection: close\r\n\r\n"
    with connect(caller.url) as connection:
        connection.setsockopt(6, 1, 1)  # TCP_NODELAY: each piece is a packet
        for byte in framed(OFFERS["h2c as Java offers it"], body, chunks=chunks) + end:
            connection.send(bytes([byte]))
        answers = parse_all(read_to_end(connection))

    assert [answer.status for answer in answers] == [202, 200]


def test_a_batch_larger_than_one_read_is_taken_with_an_offer(caller: Caller) -> None:
    body = b'{"transfers": [' + b" " * 900_000 + b"]}"
    head = POST.replace(b"/v1/deposits", b"/v1/transfers/batch").replace(b"Idempotency-Key: Zq7xMark\r\n", b"")
    request = head + OFFERS["h2c as Java offers it"] + b"Content-Length: %d\r\n\r\n" % len(body) + body

    answers = parse_all(exchange(caller.url, request + GET + b"Connection: close\r\n\r\n"))

    assert [answer.status for answer in answers] == [422, 200]


@pytest.mark.parametrize("target", [b"t:443", b"/v1/deposits", b"http://t/healthz"])
def test_a_tunnel_is_refused_and_what_follows_is_not_read(caller: Caller, count_stored: Count, target: bytes) -> None:
    request = framed(b"", BODY.replace(b"WALLET", caller.new_wallet().encode()), chunks=False)
    before = count_stored()

    [answer] = parse_all(exchange(caller.url, b"CONNECT " + target + b" HTTP/1.1\r\nHost: t\r\n\r\n" + request))

    assert (answer.status, answer.code) == (400, "malformed_request")
    assert count_stored() == before


# Clients as they are: each deposits 5 twice on what should be one connection, and prints both statuses.

JAVA = """
import java.net.URI; import java.net.http.*;
class Post { public static void main(String[] a) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int i = 0; i < 2; i++) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(a[0] + "/v1/deposits")).header("Authorization", "Bearer " + a[1])
            .header("Idempotency-Key", a[2] + i).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(a[3])).build();
        System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
} }
"""

NODE = """
const [url, key, id, body] = process.argv.slice(1);
(async () => {
  for (const i of [0, 1]) {
    const headers = {"Authorization": "Bearer " + key, "Idempotency-Key": id + i, "Content-Type": "application/json"};
    console.log((await fetch(url + "/v1/deposits", {method: "POST", headers, body})).status);
  }
})();
"""

GO = """
package main
import ("fmt"; "net/http"; "os"; "strings")
func main() {
    for _, i := range []string{"0", "1"} {
        request, _ := http.NewRequest("POST", os.Args[1] + "/v1/deposits", strings.NewReader(os.Args[4]))
        request.Header.Set("Authorization", "Bearer " + os.Args[2])
        request.Header.Set("Idempotency-Key", os.Args[3] + i)
        request.Header.Set("Content-Type", "application/json")
        answer, err := http.DefaultClient.Do(request)
        if err != nil { panic(err) }
        answer.Body.Close()
        fmt.Println(answer.StatusCode)
    }
}
"""

CURL = """
for i in 0 1; do curl -sS -o /dev/null -w '%{http_code}\\n' $CURL_HTTP "$0/v1/deposits" -H "Authorization: Bearer $1" \
    -H "Idempotency-Key: $2$i" -H "Content-Type: application/json" -d "$3"; done
"""


def run_client(caller: Caller, command: list[str], folder: Path, **environment: str) -> str:
    """Return what the client printed that was given the API's URL, a key, an idempotency key and a body."""
    body = BODY.replace(b"WALLET", caller.new_wallet().encode()).decode()
    home = {
        "PATH": "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(Path.home()),
    }  # Go keeps what it has compiled there
    ran = subprocess.run(
        [*command, caller.url, OPERATOR_KEY, new_key(), body],
        cwd=folder, env={**home, "GOTOOLCHAIN": "local", **environment},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def need(program: str) -> str:
    found = shutil.which(program, path="/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def test_javas_client_as_it_is(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "Post.java").write_text(JAVA)

    assert run_client(caller, [need("java"), "-XX:TieredStopAtLevel=1", "Post.java"], tmp_path).split() == ["202", "202"]


def test_nodes_client_as_it_is(caller: Caller, tmp_path: Path) -> None:
    assert run_client(caller, [need("node"), "-e", NODE], tmp_path).split() == ["202", "202"]


def test_gos_client_as_it_is(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "post.go").write_text(GO)

    assert run_client(caller, [need("go"), "run", "post.go"], tmp_path).split() == ["202", "202"]


@pytest.mark.parametrize("version", ["--http2", "--http1.1", "--http1.0"])
def test_curl_in_each_version(caller: Caller, tmp_path: Path, version: str) -> None:
    need("curl")

    assert run_client(caller, ["/bin/sh", "-c", CURL], tmp_path, CURL_HTTP=version).split() == ["202", "202"]


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive\r\n", b"Connection: close\r\n"])
def test_a_proxy_that_speaks_http_1_0_is_answered(caller: Caller, connection: bytes) -> None:
    body = BODY.replace(b"WALLET", caller.new_wallet().encode())
    request = framed(connection, body, chunks=False).replace(b"HTTP/1.1", b"HTTP/1.0")

    [answer] = parse_all(exchange(caller.url, request))

    assert (answer.status, answer.headers["connection"]) == (202, "close")
