"""Whatever is sent, the answer is the contract's problem, never a 5xx; nothing is stored, nothing of the bad value comes back.

The bodies stand here as bytes: most of them are what no JSON library would write. Long, because it is one table after the other.
"""

import json
from typing import NamedTuple

import pytest

from tests.caller import Caller, new_key
from tests.http.bodies import MARK, PATHS, check_nothing_stored_and_key_free, fill, good, with_fields
from tests.http.conftest import Count

# What is not strictly one JSON object. GOOD stands for a good body of the path.
NOT_JSON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "invalid_json"),
    "white space": (b" \r\n\t", "invalid_json"),
    "null": (b"null", "invalid_json"),
    "an array": (b"[GOOD]", "invalid_json"),
    "a string": (b'"Zq7xMark"', "invalid_json"),
    "a number": (b"5", "invalid_json"),
    "a bare word": (b"Zq7xMark", "invalid_json"),
    "a form": (b"wallet_id=Zq7xMark&amount=5", "invalid_json"),
    "cut off": (b'{"amount": 5', "invalid_json"),
    "cut off within a string": (b'{"reference": "Zq7xMark', "invalid_json"),
    "trailing comma": (b'{"amount": 5,}', "invalid_json"),
    "comment": (b"GOOD // Zq7xMark", "invalid_json"),
    "single quotes": (b"{'amount': 5}", "invalid_json"),
    "bare key": (b"{amount: 5}", "invalid_json"),
    "trailing data": (b"GOOD Zq7xMark", "invalid_json"),
    "two documents": (b"GOODGOOD", "invalid_json"),
    "two lines": (b"GOOD\nGOOD", "invalid_json"),
    "NUL at the end": (b"GOOD\x00", "invalid_json"),
    "form feed before": (b"\x0cGOOD", "invalid_json"),
    "no-break space before": (b"\xc2\xa0GOOD", "invalid_json"),
    "BOM": (b"\xef\xbb\xbfGOOD", "invalid_json"),
    "UTF-16": ("\ufeff{}".encode("utf-16-le"), "invalid_json"),
    "UTF-16 without BOM": ('{"amount": 5}'.encode("utf-16-le"), "invalid_json"),
    "UTF-32": ('{"amount": 5}'.encode("utf-32"), "invalid_json"),
    "Latin-1": (b'{"reference": "Zq7xMark\xfc"}', "invalid_json"),
    "overlong UTF-8": (b'{"reference": "\xc0\xaf"}', "invalid_json"),
    "surrogate in UTF-8": (b'{"reference": "\xed\xa0\x80"}', "invalid_json"),
    "NaN": (b'{"amount": NaN}', "invalid_json"),
    "Infinity": (b'{"amount": Infinity}', "invalid_json"),
    "-Infinity": (b'{"amount": -Infinity}', "invalid_json"),
    "NaN in an unknown place": (b'{"Zq7xMark": [NaN]}', "invalid_json"),
    "leading zeros": (b'{"amount": 00010}', "invalid_json"),
    "plus sign": (b'{"amount": +5}', "invalid_json"),
    "hexadecimal": (b'{"amount": 0x10}', "invalid_json"),
    "point without digits": (b'{"amount": 1.}', "invalid_json"),
    "digits of another script": ('{"amount": \u0661\u0660}'.encode(), "invalid_json"),
    "line feed in a string": (b'{"reference": "Zq7x\nMark"}', "invalid_json"),
    "NUL in a string": (b'{"reference": "Zq7x\x00Mark"}', "invalid_json"),
    "bad escape": (b'{"reference": "\\xZq7xMark"}', "invalid_json"),
    "nine deep": (b'{"metadata":' + b'{"a":' * 8 + b"1" + b"}" * 9, "invalid_json"),
    "nine deep in arrays": (b'{"metadata":' + b"[" * 8 + b"]" * 8 + b"}", "invalid_json"),
    "900 deep": (b'{"a":' * 900 + b"1" + b"}" * 900, "invalid_json"),
    "16 000 deep": (b"[" * 16_000, "invalid_json"),
    "a key twice": (b'{"amount": 1, "amount": 999}', "duplicate_key"),
    "the same key and value twice": (b'{"amount": 5, "amount": 5}', "duplicate_key"),
    "a key twice, once escaped": (b'{"amount": 1, "\\u0061mount": 999}', "duplicate_key"),
    "an unknown key twice": (b'{"Zq7xMark": 1, "Zq7xMark": 2}', "duplicate_key"),
    "a key twice within metadata": (b'{"metadata": {"Zq7xMark": "1", "Zq7xMark": "2"}}', "duplicate_key"),
    "a key twice within an array": (b'{"metadata": [{"a": 1, "a": 2}]}', "duplicate_key"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_not_strictly_json_is_refused(caller: Caller, count_stored: Count, path: str, case: str) -> None:
    template, code = NOT_JSON[case]
    body, key = fill(template.replace(b"GOOD", good(path)), caller), new_key()
    before = count_stored()

    answer = caller.post(path, body, key=key)

    assert (answer.status, answer.code) == (400, code), answer
    assert MARK not in json.dumps(answer.body)
    check_nothing_stored_and_key_free(caller, count_stored, before, key)


class Bad(NamedTuple):
    """A body that parses but breaks a rule of its fields, and the field codes of its answer."""

    path: str
    body: bytes
    codes: dict[str, str]


def bad_amount(value: bytes, code: str) -> Bad:
    path = "/v1/transfers"
    return Bad(path, good(path).replace(b"5}", value + b"}"), {"/amount": code})


def bad_wallet(value: bytes, code: str) -> Bad:
    return Bad("/v1/deposits", good("/v1/deposits").replace(b'"WALLET"', value), {"/wallet_id": code})


def bad_field(path: str, field: bytes, pointer: str, code: str) -> Bad:
    return Bad(path, with_fields(path, field), {pointer: code})


def bad_name(value: bytes, code: str) -> Bad:
    return Bad("/v1/clients", b'{"name": ' + value + b"}", {"/name": code})


def bad_metadata(value: bytes, code: str = "metadata_invalid") -> Bad:
    return bad_field("/v1/deposits", b'"metadata": ' + value, "/metadata", code)


def string(length: int, character: str = "a") -> bytes:
    return b'"' + (character * length).encode() + b'"'


def strings(count: int) -> bytes:
    return json.dumps({f"k{number}": "v" for number in range(count)}).encode()


WALLET_BYTES = b"01h455vb4pex5vsknk084sn02q"

BAD_FIELDS: dict[str, Bad] = {
    "amount 0": bad_amount(b"0", "amount_not_positive"),
    "amount -0": bad_amount(b"-0", "amount_not_positive"),
    "amount -1": bad_amount(b"-1", "amount_not_positive"),
    "amount below BIGINT": bad_amount(b"-9223372036854775809", "amount_not_positive"),
    "amount of -5 000 digits": bad_amount(b"-" + b"9" * 5000, "amount_not_positive"),
    "amount 1.5": bad_amount(b"1.5", "amount_not_integer"),
    "amount 1.0": bad_amount(b"1.0", "amount_not_integer"),
    "amount 0.1": bad_amount(b"0.1", "amount_not_integer"),
    "amount 1e3": bad_amount(b"1e3", "amount_not_integer"),
    "amount 1E400": bad_amount(b"1E400", "amount_not_integer"),
    "amount -1E400": bad_amount(b"-1E400", "amount_not_integer"),
    "amount 1e-400": bad_amount(b"1e-400", "amount_not_integer"),
    "amount of 5 000 decimals": bad_amount(b"0." + b"1" * 5000, "amount_not_integer"),
    "amount in a string": bad_amount(b'"10"', "amount_not_integer"),
    "amount 'NaN' in a string": bad_amount(b'"NaN"', "amount_not_integer"),
    "amount with a space": bad_amount(b'" 10 "', "amount_not_integer"),
    "amount with an underscore": bad_amount(b'"1_000"', "amount_not_integer"),
    "amount in Arabic": bad_amount('"\u0661\u0660"'.encode(), "amount_not_integer"),
    "amount empty": bad_amount(b'""', "amount_not_integer"),
    "amount text": bad_amount(b'"Zq7xMark"', "amount_not_integer"),
    "amount lone surrogate": bad_amount(b'"\\ud800"', "amount_not_integer"),
    "amount true": bad_amount(b"true", "amount_not_integer"),
    "amount false": bad_amount(b"false", "amount_not_integer"),
    "amount null": bad_amount(b"null", "amount_not_integer"),
    "amount array": bad_amount(b"[5]", "amount_not_integer"),
    "amount object": bad_amount(b'{"Zq7xMark": 5}', "amount_not_integer"),
    "amount 2^53": bad_amount(b"9007199254740992", "amount_too_large"),
    "amount 2^63": bad_amount(b"9223372036854775808", "amount_too_large"),
    "amount 10^19": bad_amount(b"1" + b"0" * 19, "amount_too_large"),
    "amount of 5 000 digits": bad_amount(b"9" * 5000, "amount_too_large"),
    "amount absent": Bad("/v1/deposits", b'{"wallet_id": "WALLET"}', {"/amount": "required"}),
    "everything absent": Bad(
        "/v1/transfers", b"{}", {"/source_wallet_id": "required", "/destination_wallet_id": "required", "/amount": "required"}
    ),
    "wallet absent": Bad("/v1/deposits", b'{"amount": 5}', {"/wallet_id": "required"}),
    "wallet null": bad_wallet(b"null", "wrong_type"),
    "wallet number": bad_wallet(b"5", "wrong_type"),
    "wallet array": bad_wallet(b'["WALLET"]', "wrong_type"),
    "wallet empty": bad_wallet(b'""', "wallet_not_found"),
    "wallet text": bad_wallet(b'"Zq7xMark"', "wallet_not_found"),
    "wallet NUL": bad_wallet(b'"WALLET\\u0000"', "wallet_not_found"),
    "wallet lone surrogate": bad_wallet(b'"wal_\\ud800"', "wallet_not_found"),
    "wallet of another type": bad_wallet(b'"cli_' + WALLET_BYTES + b'"', "wallet_not_found"),
    "wallet that is a transfer": bad_wallet(b'"trf_' + WALLET_BYTES + b'"', "wallet_not_found"),
    "wallet unknown": bad_wallet(b'"wal_' + WALLET_BYTES + b'"', "wallet_not_found"),
    "wallet upper case": bad_wallet(b'"wal_' + WALLET_BYTES.upper() + b'"', "wallet_not_found"),
    "wallet in braces": bad_wallet(b'"{WALLET}"', "wallet_not_found"),
    "wallet with a space": bad_wallet(b'"WALLET "', "wallet_not_found"),
    "wallet with a line feed": bad_wallet(b'"WALLET\\n"', "wallet_not_found"),
    "wallet nil": bad_wallet(b'"wal_00000000000000000000000000"', "wallet_not_found"),
    "wallet beyond 128 bits": bad_wallet(b'"wal_8' + b"z" * 25 + b'"', "wallet_not_found"),
    "wallet too short": bad_wallet(b'"wal_' + WALLET_BYTES[1:] + b'"', "wallet_not_found"),
    "wallet as a UUID": bad_wallet(b'"018a4a5d-8d64-7754-9dd2-73f4a2e6a82c"', "wallet_not_found"),
    "wallet as a URN": bad_wallet(b'"urn:uuid:018a4a5d-8d64-7754-9dd2-73f4a2e6a82c"', "wallet_not_found"),
    "currency EUR": bad_field("/v1/transfers", b'"currency": "EUR"', "/currency", "currency_mismatch"),
    "currency usd": bad_field("/v1/transfers", b'"currency": "usd"', "/currency", "currency_mismatch"),
    "currency empty": bad_field("/v1/deposits", b'"currency": ""', "/currency", "currency_mismatch"),
    "currency surrogate": bad_field("/v1/deposits", b'"currency": "\\ud800"', "/currency", "currency_mismatch"),
    "currency null": bad_field("/v1/deposits", b'"currency": null', "/currency", "wrong_type"),
    "currency number": bad_field("/v1/deposits", b'"currency": 840', "/currency", "wrong_type"),
    "unknown field": bad_field("/v1/transfers", b'"amout": 1', "/amout", "unknown_field"),
    "unknown field null": bad_field("/v1/deposits", b'"refrence": null', "/refrence", "unknown_field"),
    "field in another case": bad_field("/v1/deposits", b'"Amount": 5', "/Amount", "unknown_field"),
    "callback_url number": bad_field("/v1/deposits", b'"callback_url": 5', "/callback_url", "wrong_type"),
    "callback_url empty": bad_field("/v1/deposits", b'"callback_url": ""', "/callback_url", "url_invalid"),
    "callback_url relative": bad_field("/v1/transfers", b'"callback_url": "/Zq7xMark"', "/callback_url", "url_invalid"),
    "callback_url ftp": bad_field("/v1/transfers", b'"callback_url": "ftp://example.com/"', "/callback_url", "url_invalid"),
    "callback_url too long": bad_field(
        "/v1/deposits", b'"callback_url": "https://example.com/' + b"Zq7xMark" * 250 + b'"', "/callback_url", "too_long"
    ),
    "callback_url surrogate": bad_field("/v1/deposits", b'"callback_url": "https://\\ud800"', "/callback_url", "invalid_string"),
    "callback_url http": bad_field("/v1/transfers", b'"callback_url": "http://example.com/"', "/callback_url", "url_forbidden"),
    "callback_url with a password": bad_field(
        "/v1/deposits", b'"callback_url": "https://a:Zq7xMark@example.com/"', "/callback_url", "url_forbidden"
    ),
    "callback_url address": bad_field("/v1/deposits", b'"callback_url": "https://10.0.0.1/"', "/callback_url", "url_forbidden"),
    "idempotency key in the body": bad_field("/v1/deposits", b'"idempotency_key": "x"', "/idempotency_key", "unknown_field"),
    "status": bad_field("/v1/deposits", b'"status": "applied"', "/status", "unknown_field"),
    "a transfer's field in a deposit": bad_field(
        "/v1/deposits", b'"source_wallet_id": "SOURCE"', "/source_wallet_id", "unknown_field"
    ),
    "balance in a client": bad_field("/v1/clients", b'"balance": 5', "/balance", "unknown_field"),
    "unknown key that is empty": bad_field("/v1/deposits", b'"": 5', "", "unknown_field"),
    "unknown key that is long": bad_field("/v1/deposits", b'"Zq7xMark' + b"k" * 500 + b'": 5', "", "unknown_field"),
    "unknown key that is outlandish": bad_field("/v1/deposits", b'"<Zq7xMark>/~0": 5', "", "unknown_field"),
    "unknown key with NUL": bad_field("/v1/deposits", b'"Zq7xMark\\u0000": 5', "", "unknown_field"),
    "unknown key with a lone surrogate": bad_field("/v1/deposits", b'"Zq7xMark\\ud800": 5', "", "invalid_string"),
    "reference number": bad_field("/v1/deposits", b'"reference": 5', "/reference", "wrong_type"),
    "reference 1E400": bad_field("/v1/deposits", b'"reference": 1E400', "/reference", "wrong_type"),
    "reference of 5 000 digits": bad_field("/v1/deposits", b'"reference": ' + b"9" * 5000, "/reference", "wrong_type"),
    "reference true": bad_field("/v1/deposits", b'"reference": true', "/reference", "wrong_type"),
    "reference object": bad_field("/v1/deposits", b'"reference": {"Zq7xMark": "\\ud800"}', "/reference", "wrong_type"),
    "reference too long": bad_field("/v1/deposits", b'"reference": ' + string(201), "/reference", "too_long"),
    "reference too long in emoji": bad_field("/v1/deposits", b'"reference": ' + string(201, "😀"), "/reference", "too_long"),
    "reference NUL": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\u0000"', "/reference", "invalid_string"),
    "reference line feed": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\n"', "/reference", "invalid_string"),
    "reference DEL": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\u007f"', "/reference", "invalid_string"),
    "reference C1": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\u0085"', "/reference", "invalid_string"),
    "reference high surrogate": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\ud83d"', "/reference", "invalid_string"),
    "reference low surrogate": bad_field("/v1/deposits", b'"reference": "Zq7xMark\\ude00"', "/reference", "invalid_string"),
    "reference surrogates swapped": bad_field("/v1/deposits", b'"reference": "\\ude00\\ud83d"', "/reference", "invalid_string"),
    "name absent": Bad("/v1/clients", b"{}", {"/name": "required"}),
    "name empty": bad_name(b'""', "required"),
    "name null": bad_name(b"null", "wrong_type"),
    "name number": bad_name(b"5", "wrong_type"),
    "name array": bad_name(b'["Zq7xMark"]', "wrong_type"),
    "name too long": bad_name(string(201), "too_long"),
    "name too long in emoji": bad_name(string(201, "😀"), "too_long"),
    "name NUL": bad_name(b'"Zq7xMark\\u0000"', "invalid_string"),
    "name lone surrogate": bad_name(b'"Zq7xMark\\udfff"', "invalid_string"),
    "name tab": bad_name(b'"Zq7x\\tMark"', "invalid_string"),
    "external_id empty": bad_field("/v1/clients", b'"external_id": ""', "/external_id", "required"),
    "external_id too long": bad_field("/v1/clients", b'"external_id": ' + string(101), "/external_id", "too_long"),
    "external_id number": bad_field("/v1/clients", b'"external_id": 17', "/external_id", "wrong_type"),
    "external_id NUL": bad_field("/v1/clients", b'"external_id": "Zq7xMark\\u0000"', "/external_id", "invalid_string"),
    "external_id surrogate": bad_field("/v1/clients", b'"external_id": "\\ud800"', "/external_id", "invalid_string"),
    "a client's metadata": bad_field("/v1/clients", b'"metadata": {"a": 1}', "/metadata", "metadata_invalid"),
    "metadata null": bad_metadata(b"null"),
    "metadata array": bad_metadata(b'["Zq7xMark"]'),
    "metadata text": bad_metadata(b'"Zq7xMark"'),
    "metadata nested": bad_metadata(b'{"a": {"Zq7xMark": "c"}}'),
    "metadata that makes the body eight deep": bad_metadata(b'{"a":' * 7 + b'"x"' + b"}" * 7),
    "metadata value number": bad_metadata(b'{"a": 1}'),
    "metadata value 1E400": bad_metadata(b'{"a": 1E400}'),
    "metadata value null": bad_metadata(b'{"a": null}'),
    "metadata value true": bad_metadata(b'{"a": true}'),
    "metadata of 21 keys": bad_metadata(strings(21)),
    "metadata key empty": bad_metadata(b'{"": "a"}'),
    "metadata key of 41": bad_metadata(b"{" + string(41) + b': "a"}'),
    "metadata value of 501": bad_metadata(b'{"a": ' + string(501) + b"}"),
    "metadata key NUL": bad_metadata(b'{"Zq7xMark\\u0000": "a"}', "invalid_string"),
    "metadata key lone surrogate": bad_metadata(b'{"Zq7xMark\\ud800": "a"}', "invalid_string"),
    "metadata value NUL": bad_metadata(b'{"a": "Zq7xMark\\u0000"}', "invalid_string"),
    "metadata value lone surrogate": bad_metadata(b'{"a": "Zq7xMark\\udc00"}', "invalid_string"),
    "several at once": Bad(
        "/v1/transfers",
        b'{"source_wallet_id": 1, "amount": 0, "reference": "\\u0000", "Zq7x": 1}',
        {
            "/source_wallet_id": "wrong_type",
            "/destination_wallet_id": "required",
            "/amount": "amount_not_positive",
            "/reference": "invalid_string",
            "/Zq7x": "unknown_field",
        },
    ),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_field_that_breaks_a_rule_is_pointed_at(caller: Caller, count_stored: Count, case: str) -> None:
    bad = BAD_FIELDS[case]
    body, key = fill(bad.body, caller), new_key()
    before = count_stored()

    answer = caller.post(bad.path, body, key=key)

    assert answer.status == 422, answer
    assert answer.field_codes == bad.codes
    assert all(error["detail"] for error in answer.body["errors"])
    assert MARK not in json.dumps(answer.body)
    check_nothing_stored_and_key_free(caller, count_stored, before, key)


def deposit_with(field: bytes) -> tuple[str, bytes]:
    return "/v1/deposits", with_fields("/v1/deposits", field)


def deposit_of(amount: bytes) -> tuple[str, bytes]:
    return "/v1/deposits", good("/v1/deposits").replace(b"5}", amount + b"}")


ACCEPTED: dict[str, tuple[str, bytes]] = {
    "amount 1": deposit_of(b"1"),
    "amount 2^53-1": deposit_of(b"9007199254740991"),
    "white space around": ("/v1/deposits", b" \r\n\t" + good("/v1/deposits") + b" \r\n\t"),
    "escaped key": ("/v1/deposits", good("/v1/deposits").replace(b"amount", b"\\u0061mount")),
    "reference empty": deposit_with(b'"reference": ""'),
    "reference of 200": deposit_with(b'"reference": ' + string(200)),
    "reference of 200 emoji": deposit_with(b'"reference": ' + string(200, "😀")),
    "surrogate pair": deposit_with(b'"reference": "\\ud83d\\ude00"'),
    "SQL": deposit_with(b'"reference": "\'; DROP TABLE transfers; --%s%(x)s"'),
    "template": deposit_with(b'"reference": "${jndi:ldap://x} {{7*7}} <script>"'),
    "metadata of 20 keys": deposit_with(b'"metadata": ' + strings(20)),
    "metadata at its lengths": deposit_with(b'"metadata": {' + string(40, "ü") + b": " + string(500, "😀") + b"}"),
    "metadata names of JavaScript": deposit_with(b'"metadata": {"__proto__": "", "constructor": "x"}'),
    "name of 200 emoji": ("/v1/clients", b'{"name": ' + string(200, "😀") + b"}"),
    "client with nulls": ("/v1/clients", with_fields("/v1/clients", b'"external_id": null')),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_at_its_limit_is_accepted_and_kept_verbatim(caller: Caller, case: str) -> None:
    path, template = ACCEPTED[case]
    body = fill(template, caller)

    answer = caller.post(path, body, key=new_key())

    assert answer.status in {201, 202}, answer
    sent = json.loads(body)
    sent.pop("wallet_id", None)
    assert {name: answer.body[name] for name in sent} == sent
    assert caller.get(answer.headers["location"]).body["metadata"] == sent.get("metadata", {})


def test_an_external_id_of_100_characters_is_accepted(caller: Caller) -> None:
    external_id = new_key() + "ü" * 68

    assert len(external_id) == 100
    assert caller.new_client(external_id=external_id)["external_id"] == external_id


def test_ids_of_another_type_are_said_clearly_to_be_so(caller: Caller) -> None:
    client = caller.new_client()

    answer = caller.transfer(client["id"], client["wallet"]["id"], 5)

    [error] = answer.body["errors"]
    assert (error["pointer"], error["code"]) == ("/source_wallet_id", "wallet_not_found")
    assert "wal_" in error["detail"]
    assert client["id"] not in json.dumps(answer.body)
