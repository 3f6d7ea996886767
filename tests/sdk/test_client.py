"""The Python client's own matters: arguments, the environment, closing, stopping, and where no connection is made."""

import asyncio
import json
import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from teller_client import (
    AsyncTeller,
    Attempt,
    ConnectionFailed,
    OutcomeUnknown,
    SignatureError,
    Teller,
    TellerError,
    Transfer,
    TransferEvent,
    Wallet,
    cents,
    format_money,
    new_key,
    verify_webhook,
)
from teller_client._request import beginning_of, path_of
from teller_client._retry import Limits, pause_s, retry_after_of
from teller_client._sync.transfers import BATCH_BYTES_MAX, batches
from teller_client.keys import checked_key

from core.webhooks.signing import make_secret, sign
from tests.sdk.scripted import BODIES, Scripted

NOTHING_LISTENS = "http://127.0.0.1:1"


def test_the_environment_names_url_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TELLER_KEY", "a-secret-key")

    with Teller() as teller:
        assert repr(teller) == "Teller('http://127.0.0.1:9')"


@pytest.mark.parametrize("missing", ["TELLER_URL", "TELLER_KEY"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv("TELLER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TELLER_KEY", "a-secret-key")
    monkeypatch.delenv(missing)

    with pytest.raises(ValueError, match=missing):
        Teller()


def test_a_url_without_scheme_is_told() -> None:
    with pytest.raises(ValueError, match="http://"):
        Teller("127.0.0.1:8000", "key")


def test_where_no_connection_is_made_nothing_has_happened() -> None:
    seen: list[Attempt] = []
    teller = Teller(NOTHING_LISTENS, "key", retry_within=0.3, backoff=0.05, on_request=seen.append)
    with teller, pytest.raises(ConnectionFailed):
        teller.transfers.create(source="wal_a", destination="wal_b", amount=1, key="k")

    assert len(seen) >= 2
    assert all(each.status is None and each.error for each in seen)
    assert len({each.request_id for each in seen}) == len(seen)


def test_a_key_that_no_header_can_carry_is_told_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="line feed") as caught:
        Teller("http://127.0.0.1:9", "secret\n")

    assert "secret" not in str(caught.value)


def test_an_answer_that_drips_is_not_waited_for_without_end(scripted: Scripted) -> None:
    """httpx's time-out is for each part of an answer, and each part comes in time here."""
    answers = [{"drip_s": 0.05, "status": 200, "body": {"use": "wallet"}}, {"status": 200, "body": {"use": "wallet"}}]
    with scripted.playing(answers) as received, Teller(scripted.url, "key", read_timeout=0.3) as teller:
        assert teller.wallets.get("wal_a").balance == 5000

    assert len(received) == 2


def test_a_hook_that_fails_does_not_hide_what_became_of_the_request(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    def fail(attempt: Attempt) -> None:
        raise RuntimeError("the hook's own fault")

    with scripted.playing([{"status": 202, "body": {"use": "transfer"}}]), Teller(scripted.url, "key", on_request=fail) as teller:
        assert teller.transfers.create(source="wal_a", destination="wal_b", amount=1, key="k").status == "queued"

    assert "the hook's own fault" in caplog.text


def test_an_unknown_outcome_says_what_to_do(scripted: Scripted) -> None:
    teller = Teller(scripted.url, "key", retry_within=0)
    with scripted.playing([{"fault": "cut"}]), teller, pytest.raises(TellerError) as caught:
        teller.transfers.create(source="wal_a", destination="wal_b", amount=1, key="order-1")

    assert isinstance(caught.value, OutcomeUnknown)
    assert "repeat it with the same key, 'order-1'" in str(caught.value)
    assert caught.value.body == b'{"source_wallet_id":"wal_a","destination_wallet_id":"wal_b","amount":1}'
    assert caught.value.__cause__ is not None


def test_a_feed_ends_at_once_when_it_is_told_to_stop(scripted: Scripted) -> None:
    empty = {"status": 200, "body": {"data": [], "has_more": False, "next_cursor": None}}
    with scripted.playing([empty]) as received, Teller(scripted.url, "key") as teller:
        feed = teller.events.follow(poll=60)
        follower = threading.Thread(target=lambda: list(feed))
        follower.start()
        while not received:
            assert follower.is_alive()
        feed.stop()
        follower.join(10)

    assert not follower.is_alive()


def test_an_asyncio_feed_ends_when_it_is_told_to_stop(scripted: Scripted) -> None:
    async def follow() -> list[str]:
        async with AsyncTeller(scripted.url, "key") as teller:
            feed = teller.events.follow(poll=60)
            seen = []
            async for event in feed:
                seen.append(event.id)
                asyncio.get_running_loop().call_later(0.05, feed.stop)  # while it waits for the next one
            return seen

    page = {"data": [{"use": "event"}], "has_more": False, "next_cursor": None}
    with scripted.playing([{"status": 200, "body": page}]):
        assert asyncio.run(asyncio.wait_for(follow(), 10)) == [BODIES["event"]["id"]]


def test_a_forged_webhook_is_refused() -> None:
    headers = {"webhook-id": "evt_1", "webhook-timestamp": "1614265330", "webhook-signature": "v1,Zm9yZ2Vk"}

    assert not verifies(b"{}", headers)


def verifies(body: bytes, headers: dict[str, str]) -> bool:
    try:
        verify_webhook(body, headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now=1614265330)
    except SignatureError:
        return False
    return True


def test_what_teller_signs_verifies() -> None:
    secrets = [make_secret(), make_secret()]
    body = json.dumps({"type": "transfer.applied", "timestamp": "2026-01-31T09:30:00.000000Z", "data": BODIES["applied"]}).encode()

    for secret in secrets:
        event = verify_webhook(body, sign("evt_01h455vb4pex5vsknk084sn02q", int(time.time()), body, secrets), secret)
        assert isinstance(event, TransferEvent)
        assert event.data.is_applied


def test_a_pause_is_random_grows_to_a_limit_and_keeps_what_is_asked_for() -> None:
    limits = Limits(backoff_s=0.2, backoff_max_s=8)
    longest = [max(pause_s(limits, attempt, None) for _ in range(200)) for attempt in (1, 3, 60)]

    assert longest[0] <= 0.2 < longest[1] <= 0.8 < longest[2] <= 8
    assert all(5 <= pause_s(limits, 1, 5.0) <= 5.2 for _ in range(100))


def test_retry_after_is_seconds_or_a_date() -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)

    assert retry_after_of({"retry-after": "7"}) == 7
    assert 80 < (retry_after_of({"retry-after": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}) or 0) <= 90
    assert retry_after_of({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0
    assert retry_after_of({"retry-after": "soon"}) is None
    assert retry_after_of({}) is None


def test_a_batch_has_at_most_a_thousand_items_and_a_mebibyte() -> None:
    small = list(batches([b"{}"] * 2001))
    large = list(batches([b"x" * 16_000] * 200))

    assert [body.count(b"{}") for body in small] == [1000, 1000, 1]
    assert sum(body.count(b"x") for body in large) == 200 * 16_000
    assert all(len(body) <= 1024 * 1024 for body in large)
    assert len(large) == -(-200 * 16_001 // BATCH_BYTES_MAX)


def test_money_is_whole_cents() -> None:
    assert cents(1050) == 1050
    shown = ["0.00", "0.05", "10.50", "-10.50", "1,234.56"]
    assert [format_money(amount) for amount in (0, 5, 1050, -1050, 123456)] == shown
    assert format_money(1050, "USD") == "10.50 USD"
    assert [format_money(1050, "JPY", 0), format_money(-5, "KWD", 3)] == ["1,050 JPY", "-0.005 KWD"]
    with pytest.raises(TypeError, match="float"):
        cents(10.5)  # type: ignore[arg-type]


def test_a_key_may_be_the_id_of_a_row() -> None:
    id = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    assert checked_key(id) == str(id)
    assert checked_key(1001) == "1001"
    assert len({new_key() for _ in range(100)}) == 100


def test_a_day_begins_at_midnight_utc() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)

    assert beginning_of("2026-11-01") == beginning_of(date(2026, 11, 1)) == beginning_of("2026-11-01T01:00:00+01:00") == begin
    assert beginning_of(begin.astimezone(timezone(timedelta(hours=5)))) == begin
    with pytest.raises(ValueError, match="time zone"):
        beginning_of(datetime(2026, 11, 1))
    with pytest.raises(ValueError, match="time zone"):
        beginning_of("2026-11-01T01:00:00")


def test_an_id_stays_in_its_place_of_the_path() -> None:
    assert path_of("/v1/wallets/{}/entries", "a/b?c#d") == "/v1/wallets/a%2Fb%3Fc%23d/entries"


def test_a_thing_that_a_call_returned_names_itself_in_the_next_call(scripted: Scripted) -> None:
    wallet, transfer = Wallet.from_dict(BODIES["wallet"]), Transfer.from_dict(BODIES["applied"])
    answers = [{"status": 200, "body": {"use": "applied"}}] * 3
    with scripted.playing(answers) as received, Teller(scripted.url, "key") as teller:
        teller.deposits.create(wallet=wallet, amount=5, key="pay-in-1")
        teller.deposits.create(wallet=wallet.id, amount=5, key="pay-in-1")
        teller.transfers.get(transfer)

    by_wallet, by_id, got = received
    assert by_wallet.identity == by_id.identity
    assert got.path == f"/v1/transfers/{transfer.id}"


def test_what_names_nothing_is_told_before_a_request(scripted: Scripted) -> None:
    with scripted.playing([]) as received, Teller(scripted.url, "key") as teller:
        for wrong in (None, 1.5, object()):
            with pytest.raises(TypeError):
                teller.wallets.get(wrong)  # type: ignore[arg-type]

    assert received == []
