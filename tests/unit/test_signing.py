"""Signatures are those of Standard Webhooks: its own library verifies them, and its published example comes out."""

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from core.webhooks.signing import BadSecret, key_of, make_secret, sign

EVENT = "evt_01h455vb4pex5vsknk084sn02q"
BODY = b'{"type":"transfer.applied","data":{"reference":"caf\xc3\xa9"}}'


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def test_the_published_example_is_signed_as_published() -> None:
    # The example that the specification's libraries test themselves with.
    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.binary(min_size=24, max_size=64), st.text(st.characters(codec="utf-8")))
def test_the_specifications_library_verifies_what_is_signed(key: bytes, body: str) -> None:
    secret = secret_of(key)

    headers = sign(EVENT, int(time.time()), body.encode(), [secret])

    Webhook(secret).verify(body.encode(), headers, json_parse=False)


def test_while_a_secret_is_replaced_both_verify_and_no_other_does() -> None:
    old, new, strange = make_secret(), make_secret(), make_secret()

    headers = sign(EVENT, int(time.time()), BODY, [new, old])

    for secret in (new, old):
        Webhook(secret).verify(BODY, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(strange).verify(BODY, headers, json_parse=False)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_nothing_that_is_signed_can_be_changed(changed: str) -> None:
    secret, now = make_secret(), int(time.time())
    headers = sign(EVENT, now, BODY, [secret])
    others = {"webhook-id": EVENT[:-1] + "r", "webhook-timestamp": str(now - 1)}
    body = BODY.replace(b"applied", b"refused") if changed == "body" else BODY

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(body, headers | {name: other for name, other in others.items() if name == changed})


def test_each_secret_is_new_and_as_long_as_the_specification_wants() -> None:
    made = {make_secret() for _ in range(100)}

    assert len(made) == 100
    assert {len(key_of(secret)) for secret in made} == {32}


@pytest.mark.parametrize("length", [24, 64])
def test_the_shortest_and_the_longest_key_are_read(length: int) -> None:
    assert key_of(secret_of(b"k" * length)) == b"k" * length


NO_SECRETS = {
    "empty": "",
    "nothing but the prefix": "whsec_",
    "no prefix": base64.b64encode(b"k" * 32).decode(),
    "a public key's prefix": "whpk_" + base64.b64encode(b"k" * 32).decode(),
    "an upper-case prefix": "WHSEC_" + base64.b64encode(b"k" * 32).decode(),
    "one byte too few": secret_of(b"k" * 23),
    "one byte too many": secret_of(b"k" * 65),
    "no padding": secret_of(b"k" * 32).rstrip("="),
    "the other base64's characters": "whsec_" + base64.urlsafe_b64encode(b"\xff" * 33).decode(),
    "a space inside": secret_of(b"k" * 33).replace("a", " a", 1),
    "a line feed behind": secret_of(b"k" * 33) + "\n",
    "umlaut": "whsec_schlüssel",
}


@pytest.mark.parametrize("name", NO_SECRETS)
def test_anything_else_is_no_secret_and_is_not_repeated(name: str) -> None:
    with pytest.raises(BadSecret) as caught:
        key_of(NO_SECRETS[name])

    assert NO_SECRETS[name] in ("", "whsec_") or NO_SECRETS[name] not in str(caught.value)


def test_an_id_that_could_pass_for_another_id_and_time_is_refused() -> None:
    with pytest.raises(ValueError, match="full stop"):
        sign("evt_1.1614265330", 1614265330, BODY, [make_secret()])


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        sign(EVENT, 1614265330, BODY, [])
