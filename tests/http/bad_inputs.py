"""The table of bad inputs: each row a request, the status and code of its answer, and for fields what is wrong with which.

Whatever stands here stores nothing and leaves its idempotency key free: test_bad_input.py sends every row. Bodies stand as bytes,
because most of them are what no JSON library would write. Long, because it is one table after the other.
"""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from api.http.problems import KINDS
from core import ids
from core.ids import Prefix
from core.ledger.money import AMOUNT_MAX
from tests.caller import OPERATOR_KEY
from tests.http.bodies import PATHS, good, with_fields

Headers = tuple[tuple[str, str], ...]

AUTHORIZATION = ("Authorization", f"Bearer {OPERATOR_KEY}")
JSON = ("Content-Type", "application/json")
KEY = ("Idempotency-Key", "KEY")  # stands for a new key, which must still be free afterwards


class Row(NamedTuple):
    """A request that must be refused. WALLET, SOURCE, DESTINATION, CLIENT, TRANSFER and ENDPOINT stand for ids of what exists."""

    method: str
    path: str
    headers: Headers
    body: bytes
    status: int
    code: str
    fields: Mapping[str, str]  # the codes of its errors[] by pointer


def post(
    path: str, body: bytes, code: str, headers: Headers = (AUTHORIZATION, KEY, JSON), fields: Mapping[str, str] | None = None
) -> Row:
    return Row("POST", path, headers, body, KINDS[code].status, code, fields or {})


def get(path: str, code: str, headers: Headers = (AUTHORIZATION,)) -> Row:
    return Row("GET", path, headers, b"", KINDS[code].status, code, {})


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


PATHS_WITHOUT_KEY = ("/v1/transfers/batch", "/v1/webhook-endpoints", "/v1/webhook-endpoints/ENDPOINT/redeliver")


def rows_not_json() -> Iterator[tuple[str, Row]]:
    for path in (*PATHS, *PATHS_WITHOUT_KEY):
        for case, (body, code) in NOT_JSON.items():
            headers = (AUTHORIZATION, JSON) if path in PATHS_WITHOUT_KEY else (AUTHORIZATION, KEY, JSON)
            yield f"{path} {case}", post(path, body.replace(b"GOOD", good(path)), code, headers)


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


def bad_url(value: bytes, code: str) -> Bad:
    return Bad("/v1/webhook-endpoints", b'{"url": ' + value + b"}", {"/url": code})


def bad_since(field: bytes, code: str) -> Bad:
    return Bad("/v1/webhook-endpoints/ENDPOINT/redeliver", b"{" + field + b"}", {"/since": code})


def bad_time(value: bytes, code: str = "time_invalid") -> Bad:
    return bad_field("/v1/transfers", b'"scheduled_for": ' + value, "/scheduled_for", code)


def bad_child(verb: str, fields: bytes, pointer: str, code: str) -> Bad:
    return Bad(f"/v1/transfers/TRANSFER/{verb}", b"{" + fields + b"}", {pointer: code})


def bad_name(value: bytes, code: str) -> Bad:
    return Bad("/v1/clients", b'{"name": ' + value + b"}", {"/name": code})


def bad_metadata(value: bytes, code: str = "metadata_invalid") -> Bad:
    return bad_field("/v1/deposits", b'"metadata": ' + value, "/metadata", code)


def string(length: int, character: str = "a") -> bytes:
    return b'"' + (character * length).encode() + b'"'


def strings(count: int) -> bytes:
    return json.dumps({f"k{number}": "v" for number in range(count)}).encode()


WALLET_BYTES = b"01h455vb4pex5vsknk084sn02q"
EXTERNAL = ids.text(Prefix.WALLET, ids.external_wallet(0)).encode()


def bad_hold(source: bytes, destination: bytes, codes: dict[str, str]) -> Bad:
    body = b'{"source_wallet_id": ' + source + b', "destination_wallet_id": ' + destination + b', "amount": 5}'
    return Bad("/v1/holds", body, codes)


def lines(*wallets: str, amount: int = 1) -> bytes:
    """Debits or credits of this amount each."""
    return json.dumps([{"wallet_id": wallet, "amount": amount} for wallet in wallets]).encode()


def bad_lines(debits: bytes | None, credits: bytes | None, codes: dict[str, str], more: bytes = b"") -> Bad:
    given = {b"debits": debits, b"credits": credits}
    fields = [b'"' + name + b'": ' + side for name, side in given.items() if side is not None]
    return Bad("/v1/transfers", b"{" + b", ".join([*fields, *([more] if more else [])]) + b"}", codes)


OTHERS = [ids.text(Prefix.WALLET, UUID(int=2**100 + number)) for number in range(33)]  # wallets that do not exist

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
    "wallet empty": bad_wallet(b'""', "invalid_id"),
    "wallet text": bad_wallet(b'"Zq7xMark"', "invalid_id"),
    "wallet NUL": bad_wallet(b'"WALLET\\u0000"', "invalid_id"),
    "wallet lone surrogate": bad_wallet(b'"wal_\\ud800"', "invalid_id"),
    "wallet of another type": bad_wallet(b'"cli_' + WALLET_BYTES + b'"', "invalid_id"),
    "wallet that is a transfer": bad_wallet(b'"trf_' + WALLET_BYTES + b'"', "invalid_id"),
    "wallet unknown": bad_wallet(b'"wal_' + WALLET_BYTES + b'"', "wallet_not_found"),
    "wallet upper case": bad_wallet(b'"wal_' + WALLET_BYTES.upper() + b'"', "invalid_id"),
    "wallet in braces": bad_wallet(b'"{WALLET}"', "invalid_id"),
    "wallet with a space": bad_wallet(b'"WALLET "', "invalid_id"),
    "wallet with a line feed": bad_wallet(b'"WALLET\\n"', "invalid_id"),
    "wallet nil": bad_wallet(b'"wal_00000000000000000000000000"', "wallet_not_found"),
    "wallet beyond 128 bits": bad_wallet(b'"wal_8' + b"z" * 25 + b'"', "invalid_id"),
    "wallet too short": bad_wallet(b'"wal_' + WALLET_BYTES[1:] + b'"', "invalid_id"),
    "wallet as a UUID": bad_wallet(b'"018a4a5d-8d64-7754-9dd2-73f4a2e6a82c"', "invalid_id"),
    "wallet as a URN": bad_wallet(b'"urn:uuid:018a4a5d-8d64-7754-9dd2-73f4a2e6a82c"', "invalid_id"),
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
        "/v1/deposits", b'"callback_url": "https://example.com/' + b"Zq7xMark" * 254 + b'"', "/callback_url", "too_long"
    ),
    "callback_url surrogate": bad_field("/v1/deposits", b'"callback_url": "https://\\ud800"', "/callback_url", "invalid_string"),
    "callback_url line feed": bad_field(
        "/v1/deposits", b'"callback_url": "https://example.com/\\n"', "/callback_url", "url_invalid"
    ),
    "callback_url http": bad_field("/v1/transfers", b'"callback_url": "http://example.com/"', "/callback_url", "url_forbidden"),
    "callback_url with a password": bad_field(
        "/v1/deposits", b'"callback_url": "https://a:Zq7xMark@example.com/"', "/callback_url", "url_forbidden"
    ),
    "callback_url address": bad_field("/v1/deposits", b'"callback_url": "https://10.0.0.1/"', "/callback_url", "url_forbidden"),
    "callback_url port": bad_field("/v1/deposits", b'"callback_url": "https://example.com:22/"', "/callback_url", "url_forbidden"),
    "url absent": Bad("/v1/webhook-endpoints", b"{}", {"/url": "required"}),
    "url null": bad_url(b"null", "wrong_type"),
    "url array": bad_url(b'["https://example.com/"]', "wrong_type"),
    "url empty": bad_url(b'""', "url_invalid"),
    "url text": bad_url(b'"Zq7xMark"', "url_invalid"),
    "url NUL": bad_url(b'"https://example.com/\\u0000"', "url_invalid"),
    "url lone surrogate": bad_url(b'"https://example.com/\\udc00"', "invalid_string"),
    "url of another script": bad_url('"https://exampl\u0435.com/Zq7xMark"'.encode(), "url_invalid"),
    "url javascript": bad_url(b'"javascript:Zq7xMark"', "url_invalid"),
    "url http": bad_url(b'"http://example.com/Zq7xMark"', "url_forbidden"),
    "url metadata": bad_url(b'"https://169.254.169.254/Zq7xMark"', "url_forbidden"),
    "url localhost": bad_url(b'"https://localhost/Zq7xMark"', "url_forbidden"),
    "url too long": bad_url(b'"https://example.com/' + b"u" * 2029 + b'"', "too_long"),
    "events empty": bad_field("/v1/webhook-endpoints", b'"events": []', "/events", "required"),
    "events null": bad_field("/v1/webhook-endpoints", b'"events": null', "/events", "wrong_type"),
    "events text": bad_field("/v1/webhook-endpoints", b'"events": "transfer.applied"', "/events", "wrong_type"),
    "events unknown": bad_field("/v1/webhook-endpoints", b'"events": ["Zq7xMark"]', "/events/0", "wrong_type"),
    "events surrogate": bad_field("/v1/webhook-endpoints", b'"events": ["\\ud800"]', "/events/0", "invalid_string"),
    "events too many": bad_field("/v1/webhook-endpoints", b'"events": [' + b'"Zq7xMark",' * 99 + b"1]", "/events", "too_long"),
    "description NUL": bad_field("/v1/webhook-endpoints", b'"description": "Zq7xMark\\u0000"', "/description", "invalid_string"),
    "description too long": bad_field("/v1/webhook-endpoints", b'"description": ' + string(201), "/description", "too_long"),
    "a secret of the caller's": bad_field("/v1/webhook-endpoints", b'"secret": "whsec_Zq7xMark"', "/secret", "unknown_field"),
    "since absent": bad_since(b"", "required"),
    "since null": bad_since(b'"since": null', "wrong_type"),
    "since number": bad_since(b'"since": 1769851800', "wrong_type"),
    "since a day": bad_since(b'"since": "2026-01-31"', "wrong_type"),
    "since nowhere": bad_since(b'"since": "2026-01-31T09:30:00"', "wrong_type"),
    "since never": bad_since(b'"since": "2026-02-30T09:30:00Z"', "wrong_type"),
    "since the year 0": bad_since(b'"since": "0000-01-31T09:30:00Z"', "wrong_type"),
    "since a year of five digits": bad_since(b'"since": "10000-01-31T09:30:00Z"', "wrong_type"),
    "since nanoseconds": bad_since(b'"since": "2026-01-31T09:30:00.123456789Z"', "wrong_type"),
    "since surrogate": bad_since(b'"since": "\\ud800"', "wrong_type"),
    "idempotency key in the body": bad_field("/v1/deposits", b'"idempotency_key": "x"', "/idempotency_key", "unknown_field"),
    "status": bad_field("/v1/deposits", b'"status": "applied"', "/status", "unknown_field"),
    "a transfer's field in a deposit": bad_field(
        "/v1/deposits", b'"source_wallet_id": "SOURCE"', "/source_wallet_id", "unknown_field"
    ),
    "balance in a client": bad_field("/v1/clients", b'"balance": 5', "/balance", "unknown_field"),
    "unknown key that is empty": bad_field("/v1/deposits", b'"": 5', "/", "unknown_field"),
    "unknown key that is long": bad_field("/v1/deposits", b'"Zq7xMark' + b"k" * 500 + b'": 5', "", "unknown_field"),
    "unknown key that is outlandish": bad_field("/v1/deposits", b'"<b>/~0 ": 5', "/<b>~1~00 ", "unknown_field"),
    "unknown key of 40 characters": bad_field("/v1/deposits", b'"' + b"k" * 40 + b'": 5', "/" + "k" * 40, "unknown_field"),
    "unknown key of 41 characters": bad_field("/v1/deposits", b'"' + b"k" * 41 + b'": 5', "", "unknown_field"),
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
    "reference with a line separator": bad_field("/v1/deposits", b'"reference": "a\\u2028b"', "/reference", "invalid_string"),
    "reference turned around": bad_field("/v1/deposits", b'"reference": "a\\u202eb"', "/reference", "invalid_string"),
    "reference with an isolate": bad_field("/v1/deposits", b'"reference": "a\\u2066b"', "/reference", "invalid_string"),
    "reference with a byte order mark": bad_field("/v1/deposits", b'"reference": "\\ufeffa"', "/reference", "invalid_string"),
    "reference that XML cannot carry": bad_field("/v1/deposits", b'"reference": "a\\uffff"', "/reference", "invalid_string"),
    "name turned around": bad_name('"\u202egnp.exe"'.encode(), "invalid_string"),
    "external_id with a byte order mark": bad_field("/v1/clients", b'"external_id": "\\ufeffa"', "/external_id", "invalid_string"),
    "metadata key turned around": bad_metadata(b'{"a\\u202e": "a"}', "invalid_string"),
    "metadata value with a paragraph separator": bad_metadata(b'{"a": "\\u2029"}', "invalid_string"),
    "unknown field with a lone surrogate": bad_field("/v1/deposits", b'"\\ud800": 1', "", "invalid_string"),
    "unknown field with NUL": bad_field("/v1/deposits", b'"a\\u0000": 1', "", "unknown_field"),
    "unknown field without a name": bad_field("/v1/deposits", b'"": 1', "/", "unknown_field"),
    "unknown field with a slash": bad_field("/v1/deposits", b'"a/b": 1', "/a~1b", "unknown_field"),
    "unknown field with a tilde": bad_field("/v1/deposits", b'"~a~": 1', "/~0a~0", "unknown_field"),
    "unknown field in another script": bad_field("/v1/deposits", '"größe": 1'.encode(), "/größe", "unknown_field"),
    "the same wallet twice": Bad(
        "/v1/transfers",
        b'{"source_wallet_id": "WALLET", "destination_wallet_id": "WALLET", "amount": 5}',
        {"/destination_wallet_id": "same_wallet"},
    ),
    "two unknown wallets": Bad(
        "/v1/transfers",
        b'{"source_wallet_id": "wal_'
        + WALLET_BYTES
        + b'", "destination_wallet_id": "wal_'
        + WALLET_BYTES[:-1]
        + b'r", "amount": 5}',
        {"/source_wallet_id": "wallet_not_found", "/destination_wallet_id": "wallet_not_found"},
    ),
    "a withdrawal from an unknown wallet": Bad(
        "/v1/withdrawals", b'{"wallet_id": "wal_' + WALLET_BYTES + b'", "amount": 5}', {"/wallet_id": "wallet_not_found"}
    ),
    "a withdrawal from an external wallet": Bad(
        "/v1/withdrawals", b'{"wallet_id": "' + EXTERNAL + b'", "amount": 5}', {"/wallet_id": "wallet_not_found"}
    ),
    "a withdrawal to a wallet": bad_field(
        "/v1/withdrawals", b'"destination_wallet_id": "SOURCE"', "/destination_wallet_id", "unknown_field"
    ),
    "a hold for its own source": bad_hold(b'"WALLET"', b'"WALLET"', {"/destination_wallet_id": "same_wallet"}),
    "a hold for an external wallet": bad_hold(b'"WALLET"', b'"' + EXTERNAL + b'"', {"/destination_wallet_id": "wallet_not_found"}),
    "a hold of an external wallet": bad_hold(b'"' + EXTERNAL + b'"', b'"WALLET"', {"/source_wallet_id": "wallet_not_found"}),
    "a hold between unknown wallets": bad_hold(
        b'"wal_' + WALLET_BYTES + b'"',
        b'"wal_' + WALLET_BYTES[:-1] + b'r"',
        {"/source_wallet_id": "wallet_not_found", "/destination_wallet_id": "wallet_not_found"},
    ),
    "a hold for null": bad_hold(b'"WALLET"', b"null", {"/destination_wallet_id": "wrong_type"}),
    "expires_in_s 0": bad_field("/v1/holds", b'"expires_in_s": 0', "/expires_in_s", "seconds_out_of_range"),
    "expires_in_s of more than 366 days": bad_field(
        "/v1/holds", b'"expires_in_s": 31622401', "/expires_in_s", "seconds_out_of_range"
    ),
    "expires_in_s 1E400": bad_field("/v1/holds", b'"expires_in_s": 1E400', "/expires_in_s", "wrong_type"),
    "expires_in_s null": bad_field("/v1/holds", b'"expires_in_s": null', "/expires_in_s", "wrong_type"),
    "expires_in_s in a transfer": bad_field("/v1/transfers", b'"expires_in_s": 60', "/expires_in_s", "unknown_field"),
    "up_to in a hold": bad_field("/v1/holds", b'"up_to": true', "/up_to", "unknown_field"),
    "apply_within_s 0": bad_field("/v1/deposits", b'"apply_within_s": 0', "/apply_within_s", "seconds_out_of_range"),
    "apply_within_s of more than a day": bad_field(
        "/v1/transfers", b'"apply_within_s": 86401', "/apply_within_s", "seconds_out_of_range"
    ),
    "apply_within_s of 5 000 digits": bad_field(
        "/v1/transfers", b'"apply_within_s": ' + b"9" * 5000, "/apply_within_s", "seconds_out_of_range"
    ),
    "apply_within_s true": bad_field("/v1/deposits", b'"apply_within_s": true', "/apply_within_s", "wrong_type"),
    "apply_within_s text": bad_field("/v1/deposits", b'"apply_within_s": "60"', "/apply_within_s", "wrong_type"),
    "scheduled_for number": bad_time(b"1769851800", "wrong_type"),
    "scheduled_for text": bad_time(b'"Zq7xMark"'),
    "scheduled_for a day": bad_time(b'"2026-01-31"'),
    "scheduled_for nowhere": bad_time(b'"2026-01-31T09:30:00"'),
    "scheduled_for never": bad_time(b'"2026-02-30T09:30:00Z"'),
    "scheduled_for a leap second": bad_time(b'"2026-06-30T23:59:60Z"'),
    "scheduled_for before the year 1": bad_time(b'"0001-01-01T00:00:00+14:00"'),
    "scheduled_for in the year 9999": bad_time(b'"9999-12-31T23:59:59-14:00"'),
    "scheduled_for lone surrogate": bad_time(b'"\\ud800"'),
    "scheduled_for in a deposit": bad_field(
        "/v1/deposits", b'"scheduled_for": "2026-01-31T09:30:00Z"', "/scheduled_for", "unknown_field"
    ),
    "up_to number": bad_field("/v1/transfers", b'"up_to": 1', "/up_to", "wrong_type"),
    "up_to text": bad_field("/v1/withdrawals", b'"up_to": "true"', "/up_to", "wrong_type"),
    "up_to null": bad_field("/v1/transfers", b'"up_to": null', "/up_to", "wrong_type"),
    "a reversal of null": bad_child("reverse", b'"amount": null', "/amount", "amount_not_integer"),
    "a reversal of 0": bad_child("reverse", b'"amount": 0', "/amount", "amount_not_positive"),
    "a reversal in another currency": bad_child("reverse", b'"currency": "EUR"', "/currency", "currency_mismatch"),
    "a final reversal": bad_child("reverse", b'"final": true', "/final", "unknown_field"),
    "a capture of null": bad_child("capture", b'"amount": null', "/amount", "amount_not_integer"),
    "a capture that is final in words": bad_child("capture", b'"final": "Zq7xMark"', "/final", "wrong_type"),
    "a capture for no wallet": bad_child("capture", b'"credits": []', "/credits", "too_few_lines"),
    "a capture for null": bad_child("capture", b'"credits": null', "/credits", "wrong_type"),
    "a capture for 32 wallets": bad_child("capture", b'"credits": ' + lines(*["WALLET"] * 32), "/credits", "too_many_lines"),
    "a capture for a wallet that is a number": bad_child(
        "capture", b'"credits": [{"wallet_id": 5, "amount": 1}]', "/credits/0/wallet_id", "wrong_type"
    ),
    "a capture with debits": bad_child("capture", b'"debits": ' + lines("WALLET"), "/debits", "unknown_field"),
    "a release with credits": bad_child("release", b'"credits": ' + lines("WALLET"), "/credits", "unknown_field"),
    "a reversal with credits": bad_child("reverse", b'"credits": ' + lines("WALLET"), "/credits", "unknown_field"),
    "lines without debits": bad_lines(None, lines("SOURCE", "DESTINATION"), {"/debits": "required"}),
    "lines without credits": bad_lines(lines("SOURCE", "DESTINATION"), None, {"/credits": "required"}),
    "no debits": bad_lines(b"[]", lines("SOURCE", "DESTINATION"), {"/debits": "too_few_lines"}),
    "no credits": bad_lines(lines("SOURCE"), b"[]", {"/credits": "too_few_lines"}),
    "debits null": bad_lines(b"null", lines("SOURCE", "DESTINATION"), {"/debits": "wrong_type"}),
    "debits object": bad_lines(b'{"Zq7xMark": 5}', lines("SOURCE", "DESTINATION"), {"/debits": "wrong_type"}),
    "debits text": bad_lines(b'"Zq7xMark"', lines("SOURCE", "DESTINATION"), {"/debits": "wrong_type"}),
    "a line that is a text": bad_lines(b'["Zq7xMark"]', lines("SOURCE", "DESTINATION"), {"/debits/0": "wrong_type"}),
    "a line that is an array": bad_lines(b'[["SOURCE", 5]]', lines("WALLET", "DESTINATION"), {"/debits/0": "wrong_type"}),
    "a line of nothing": bad_lines(
        b"[{}]", lines("SOURCE", "DESTINATION"), {"/debits/0/wallet_id": "required", "/debits/0/amount": "required"}
    ),
    "a line with another field": bad_lines(
        b'[{"wallet_id": "WALLET", "amount": 2, "Zq7x": 1}]', lines("SOURCE", "DESTINATION"), {"/debits/0/Zq7x": "unknown_field"}
    ),
    "a line of 0": bad_lines(
        b'[{"wallet_id": "WALLET", "amount": 0}]', lines("SOURCE", "DESTINATION"), {"/debits/0/amount": "amount_not_positive"}
    ),
    "a line of -1": bad_lines(
        b'[{"wallet_id": "WALLET", "amount": -1}]', lines("SOURCE", "DESTINATION"), {"/debits/0/amount": "amount_not_positive"}
    ),
    "a line of 1.0": bad_lines(
        b'[{"wallet_id": "WALLET", "amount": 1.0}]', lines("SOURCE", "DESTINATION"), {"/debits/0/amount": "amount_not_integer"}
    ),
    "two lines": bad_lines(lines("SOURCE"), lines("DESTINATION"), {"/credits": "too_few_lines"}),
    "unequal sums": bad_lines(lines("SOURCE"), lines("DESTINATION", "WALLET"), {"/credits": "unbalanced"}),
    "a sum of more than 2^53 - 1": bad_lines(
        lines("SOURCE", "DESTINATION", amount=AMOUNT_MAX), lines("WALLET", amount=AMOUNT_MAX), {"/credits": "unbalanced"}
    ),
    "sums of more than 2^53 - 1": bad_lines(
        lines("SOURCE", "DESTINATION", amount=AMOUNT_MAX),
        lines("WALLET", "wal_" + WALLET_BYTES.decode(), amount=AMOUNT_MAX),
        {"/credits": "amount_too_large"},
    ),
    "a wallet debited twice": bad_lines(
        lines("SOURCE", "SOURCE"), lines("WALLET", amount=2), {"/debits/1/wallet_id": "duplicate_wallet"}
    ),
    "a wallet debited and credited": bad_lines(
        lines("SOURCE", "WALLET"), lines("WALLET", amount=2), {"/credits/0/wallet_id": "duplicate_wallet"}
    ),
    "a line of an external wallet": bad_lines(
        lines("SOURCE", amount=2), lines("WALLET", EXTERNAL.decode()), {"/credits/1/wallet_id": "wallet_not_found"}
    ),
    "a line of an unknown wallet": bad_lines(
        lines("SOURCE", amount=2), lines("WALLET", "wal_" + WALLET_BYTES.decode()), {"/credits/1/wallet_id": "wallet_not_found"}
    ),
    "a debit of an unknown wallet": bad_lines(
        lines("SOURCE", "wal_" + WALLET_BYTES.decode()), lines("WALLET", amount=2), {"/debits/1/wallet_id": "wallet_not_found"}
    ),
    "32 debits": bad_lines(lines(*["SOURCE"] * 32), lines("WALLET", amount=32), {"/debits": "too_many_lines"}),
    "33 lines": bad_lines(lines(*OTHERS[:16], amount=17), lines(*OTHERS[16:33], amount=16), {"/credits": "too_many_lines"}),
    "400 credits": bad_lines(lines("SOURCE"), lines(*["W"] * 400), {"/credits": "too_many_lines"}),
    "lines beside a source": bad_lines(
        lines("SOURCE", amount=2),
        lines("WALLET", "DESTINATION"),
        {"/source_wallet_id": "unknown_field"},
        b'"source_wallet_id": "SOURCE"',
    ),
    "lines beside a destination": bad_lines(
        lines("SOURCE", amount=2),
        lines("WALLET", "DESTINATION"),
        {"/destination_wallet_id": "unknown_field"},
        b'"destination_wallet_id": "SOURCE"',
    ),
    "lines beside an amount": bad_lines(
        lines("SOURCE", amount=2), lines("WALLET", "DESTINATION"), {"/amount": "unknown_field"}, b'"amount": 2'
    ),
    "lines beside up_to": bad_lines(
        lines("SOURCE", amount=2), lines("WALLET", "DESTINATION"), {"/up_to": "unknown_field"}, b'"up_to": false'
    ),
    "lines in a hold": bad_field("/v1/holds", b'"debits": []', "/debits", "unknown_field"),
    "a final release": bad_child("release", b'"final": true', "/final", "unknown_field"),
    "batch of nothing": Bad("/v1/transfers/batch", b'{"transfers": []}', {"/transfers": "required"}),
    "batch of another shape": Bad("/v1/transfers/batch", b'{"transfers": {}}', {"/transfers": "wrong_type"}),
    "batch with an unknown field": Bad("/v1/transfers/batch", b'{"transfers": [{}], "mode": "x"}', {"/mode": "unknown_field"}),
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


def rows_of_fields() -> Iterator[tuple[str, Row]]:
    for case, bad in BAD_FIELDS.items():
        headers = (AUTHORIZATION, JSON) if bad.path.endswith("batch") else (AUTHORIZATION, KEY, JSON)
        yield case, post(bad.path, bad.body, "validation_failed", headers, bad.codes)


MEDIA_TYPES: dict[str, Headers] = {
    "none": (),
    "text": (("Content-Type", "text/plain"),),
    "text/json": (("Content-Type", "text/json"),),
    "form": (("Content-Type", "application/x-www-form-urlencoded"),),
    "multipart": (("Content-Type", "multipart/form-data; boundary=x"),),
    "problem+json": (("Content-Type", "application/problem+json"),),
    "a prefix of it": (("Content-Type", "application/jsonp"),),
    "empty": (("Content-Type", ""),),
    "any": (("Content-Type", "*/*"),),
    "utf-16": (("Content-Type", "application/json; charset=utf-16"),),
    "latin-1": (("Content-Type", "application/json;charset=iso-8859-1"),),
    "another parameter": (("Content-Type", "application/json; profile=Zq7xMark"),),
    "two in one": (("Content-Type", "application/json, text/plain"),),
    "two headers": (("Content-Type", "application/json"), ("Content-Type", "application/json")),
    "gzip": (("Content-Type", "application/json"), ("Content-Encoding", "gzip")),
    "identity": (("Content-Type", "application/json"), ("Content-Encoding", "identity")),
    "br": (("Content-Type", "application/json"), ("Content-Encoding", "br")),
}

BAD_KEYS = {
    "empty": "",
    "spaces only": "   ",
    "256 characters": "k" * 256,
    "60 000 characters": "k" * 60_000,
    "a space within": "a b",
    "a tab within": "a\tb",
    "not ASCII": "schlüssel",
    "empty quotes": '""',
    "a space within quotes": '"a b"',
    "a quote that does not end": '"abc',
    "text after the quotes": '"abc"d',
    "256 characters within quotes": f'"{"k" * 256}"',
    "an escape of nothing special": '"a\\b"',
    "a parameter": '"abc";a=1',
}

TWO_KEYS: dict[str, Headers] = {
    "the same": (KEY, KEY),
    "another": (KEY, ("Idempotency-Key", "Zq7xMark")),
    "quoted": (KEY, ("Idempotency-Key", '"KEY"')),
}

BAD_CREDENTIALS: dict[str, Headers] = {
    "none": (),
    "wrong": (("Authorization", "Bearer Zq7xMark"),),
    "basic": (("Authorization", f"Basic {OPERATOR_KEY}"),),
    "twice": (AUTHORIZATION, AUTHORIZATION),
}


def rows_of_headers() -> Iterator[tuple[str, Row]]:
    for path in PATHS:
        for case, types in MEDIA_TYPES.items():
            yield f"{path} media type: {case}", post(path, good(path), "unsupported_media_type", (AUTHORIZATION, KEY, *types))
        for case, key in BAD_KEYS.items():
            headers = (AUTHORIZATION, JSON, ("Idempotency-Key", key))
            yield f"{path} key: {case}", post(path, good(path), "idempotency_key_invalid", headers)
        for case, keys in TWO_KEYS.items():
            yield f"{path} two keys: {case}", post(path, good(path), "idempotency_key_invalid", (AUTHORIZATION, JSON, *keys))
        for case, credentials in BAD_CREDENTIALS.items():
            yield f"{path} credentials: {case}", post(path, good(path), "unauthorized", (KEY, JSON, *credentials))
        chunked = (AUTHORIZATION, KEY, JSON, ("Transfer-Encoding", "chunked"))
        yield f"{path} a body too large", post(path, good(path).ljust(16 * 1024 + 1), "body_too_large")
        yield f"{path} chunks too large", post(path, b"4001\r\n" + b" " * 0x4001 + b"\r\n0\r\n\r\n", "body_too_large", chunked)
    for path in PATHS[:-1]:  # all but that of clients
        yield f"{path} no key", post(path, good(path), "idempotency_key_missing", (AUTHORIZATION, JSON))
    yield "a batch with a key", post("/v1/transfers/batch", b'{"transfers": [{}]}', "idempotency_key_invalid")


TRAILS = ("/v1/webhook-endpoints/ENDPOINT/deliveries", "/v1/transfers/TRANSFER/deliveries")
LISTS = (
    *("/v1/clients", "/v1/clients/CLIENT/keys", "/v1/transfers", "/v1/wallets/WALLET/entries", "/v1/wallets/WALLET/holds"),
    "/v1/wallets/WALLET/changes",
    "/v1/webhook-endpoints",
    *TRAILS,
)
ONES = (
    *("/v1/wallets/WALLET", "/v1/clients/CLIENT", "/v1/transfers/TRANSFER"),
    *("/v1/webhook-endpoints/ENDPOINT", "/v1/webhook-secret"),
)
AROUND = ("/healthz", "/readyz", "/metrics", "/problems", "/problems/not_found")
DOCUMENTS = ("/", "/docs", "/redoc", "/openapi.json", "/static-offline-docs/swagger-ui.css")

LIMITS = (
    "0", "-1", "101", "1000000000", "1" + "0" * 20, "9" * 5000, "1.0", "1e1", "", "x", "%EF%BC%91", "%201", "1_0", "%2B1", "+1",
    "%00", "true", "null", "1,2",
)  # fmt: skip
CURSORS = ("", "x", "AAAA", "%00", "%C3%A9", "A" * 32, "A" * 60_000, "null", "..%2f", "wal_01h455vb4pex5vsknk084sn02q", "====")
FILTERS = (
    "wallet_id=", "wallet_id=x", "wallet_id=trf_01h455vb4pex5vsknk084sn02q", "wallet_id=WAL_01H455VB4PEX5VSKNK084SN02Q",
    "wallet_id={WALLET}", "wallet_id=WALLET%00", "wallet_id=%20WALLET", "wallet_id=018a4a5d-8d64-7754-9dd2-73f4a2e6a82c",
    "status=", "status=APPLIED", "status=failed", "status=queued,applied", "status=%20applied", "idempotency_key=",
    "type=", "type=payment", "type=HOLD", "type=hold,capture", "parent_id=", "parent_id=x", "parent_id=WALLET",
    "parent_id=TRANSFER%00", "client_id=", "client_id=WALLET", "client_id=CLIENT%00", "reference=%00", "reference=%E2%80%AEa",
    "reference=a%0ab", "reference=" + "r" * 201, "amount=", "amount=-1", "amount=1.0", "amount=%2B1", "amount=%D9%A3", "amount=1e3",
    "amount=9007199254740992", "amount=" + "9" * 5000, "amount_from=x", "amount_to=x", "amount=1&amount=1",
    "created_from=2026-02-01T00:00:00Z&created_to=2026-01-01T00:00:00Z",
    "idempotency_key=a%20b", "idempotency_key=%00", "idempotency_key=%C3%A9", "idempotency_key=" + "k" * 256,
)  # fmt: skip
BAD_TIMES = (
    "", "x", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01%2000:00:00Z", "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.0000000Z", "2026-01-01T00:00:00+01:00",
    "2026-01-01T00:00:00%2B24:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00%2B01:00", "9999-12-31T23:59:59-01:00", "%00",
    "infinity", "1767225600", "%EF%BC%92026-01-01T00:00:00Z",
)  # fmt: skip
EXTERNAL_IDS = ("%00", "a%0ab", "%C2%85", "%E2%80%AEa", "%EF%BB%BFa")
STRAY = (
    "x=1", "Limit=1", "limit=1&limit=1", "limit=1&limit=2", "x", "key=tests-operator-key", "%00=1", "=1", "limit[]=1",
    "%6cimit=1&limit=1",
)  # fmt: skip
BAD_ENCODINGS = ("limit=%", "limit=1%", "limit=%zz", "%ff=1", "cursor%ff=x", "x=%ff")
BAD_CURSORS = ("cursor=%ff", "cursor=%ed%a0%80", "cursor=%c0%af", "cursor=%", "cursor=A%zz", "limit=1&cursor=%ff")
MANY = "&".join(["x=1"] * 100)


def rows_of_queries() -> Iterator[tuple[str, Row]]:
    for path in LISTS:
        for limit in LIMITS:
            yield f"{path} limit {limit[:25]}", get(f"{path}?limit={limit}", "invalid_parameter")
        for cursor in CURSORS:
            yield f"{path} cursor {cursor[:35]}", get(f"{path}?cursor={cursor}", "invalid_cursor")
        for query in BAD_ENCODINGS:
            yield f"{path} encoding {query}", get(f"{path}?{query}", "invalid_parameter")
        for query in BAD_CURSORS:
            yield f"{path} encoding {query}", get(f"{path}?{query}", "invalid_cursor")
    for path in (*LISTS, *ONES, *AROUND, *DOCUMENTS):
        for query in (*STRAY, MANY):
            yield f"{path} ?{query[:40]}", get(f"{path}?{query}", "invalid_parameter")
    for path in PATHS:
        yield f"{path} ?x=1", post(f"{path}?x=1", good(path), "invalid_parameter")


def rows_of_filters() -> Iterator[tuple[str, Row]]:
    for query in FILTERS:
        yield f"filter {query[:60]}", get(f"/v1/transfers?{query}", "invalid_parameter")
    for path in TRAILS:
        for query in ("status=", "status=PENDING", "status=applied", "status=pending,failed", "status=%00", "wallet_id=WALLET"):
            yield f"{path} {query}", get(f"{path}?{query}", "invalid_parameter")
    for time in BAD_TIMES:
        yield f"entries from {time}", get(f"/v1/wallets/WALLET/entries?from={time}", "invalid_parameter")
        yield f"statement to {time}", get(f"/v1/wallets/WALLET/statement?from=2026-01-01T00:00:00Z&to={time}", "invalid_parameter")
        yield f"created_from {time}", get(f"/v1/transfers?created_from={time}", "invalid_parameter")
        yield f"created_to {time}", get(f"/v1/transfers?created_to={time}", "invalid_parameter")
        yield f"balance at {time}", get(f"/v1/wallets/WALLET/balance?at={time}", "invalid_parameter")
    for cursor in CURSORS:
        query = f"from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&cursor={cursor}"
        yield f"statement cursor {cursor[:35]}", get(f"/v1/wallets/WALLET/statement?{query}", "invalid_cursor")
    for external_id in EXTERNAL_IDS:
        yield f"name {external_id}", get(f"/v1/clients?name={external_id}", "invalid_parameter")
        yield f"search {external_id}", get(f"/v1/search?q={external_id}", "invalid_parameter")
        yield f"external_id {external_id}", get(f"/v1/clients?external_id={external_id}", "invalid_parameter")


NOT_THERE = (
    "/v1", "/v1/", "/v2/transfers", "/V1/transfers", "/v1/nothing", "/v1/deposits/x/y", "/v1/transfers/", "/v1/clients/",
    "/v1/keys/", "/v1/ops", "/v1/ops/queue/",
    "/healthz/", "//v1/transfers", "/v1//transfers", "/v1/./transfers", "/v1/x/../transfers",
    "/v1/transfers/%00",
    "/v1/transfers/%ff%fe", "/v1/transfers/%0d%0aX-Injected:%20x", "/v1/transfers/a%2fb", "/v1/transfers%2f",
    "/v1/transfers%2fTRANSFER", "/v1%2ftransfers", "/v1%2Ftransfers", "/%761/transfers", "/v1/%74ransfers", "/v1/transfers%00",
    "/v1/transfers%20", "/v1/transfers%3fx", "/v1/transfers;x", "/v1/transfers/TRANSFER/", "/v1/transfers/TRANSFER%00",
    "/v1/transfers/TRANSFER%20", "/v1/transfers/TRANSFER;x=1", "/v1/transfers/%74rf_01h455vb4pex5vsknk084sn02q",
    "/v1/transfers/trf_01h455vb4pex5vsknk084sn02q", "/v1/transfers/trf_01H455VB4PEX5VSKNK084SN02Q", "/v1/transfers/WALLET",
    "/v1/wallets/CLIENT", "/v1/clients/WALLET", "/v1/wallets/{WALLET}", "/v1/wallets/018a4a5d-8d64-7754-9dd2-73f4a2e6a82c",
    "/v1/wallets/wal_00000000000000000000000000", "/v1/wallets/wal_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    "/v1/wallets/..%2f..%2fetc%2fpasswd", "/v1/wallets/WALLET/entries/", "/v1/wallets/WALLET/entries/1",
    "/v1/wallets/WALLET/nothing", "/v1/wallets/WALLET%2fentries", "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/entries",
    "/v1/webhook-endpoints/", "/v1/webhook-endpoints/WALLET", "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q",
    "/v1/webhook-endpoints/whk_01h455vb4pex5vsknk084sn02q/deliveries", "/v1/webhook-endpoints/%00/deliveries",
    "/v1/webhook-endpoints/ENDPOINT/deliveries/", "/v1/transfers/trf_01h455vb4pex5vsknk084sn02q/deliveries",
    "/v1/transfers/x/deliveries", "/v1/transfers/TRANSFER/refund",
    "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/holds", "/v1/wallets/wal_01h455vb4pex5vsknk084sn02q/changes", "/v1/deliveries",
    "/v1/deliveries/dlv_01h455vb4pex5vsknk084sn02q", "/v1/webhook-secret/",
    "/v1/transfers/batch", "/problems/nothing", "/problems/", "/problems/not%5ffound", "/problems/%00", "/static-offline-docs",
    "/static-offline-docs/", "/static-offline-docs/..%2f..%2fcore.py", "/static-offline-docs/%00",
    "/static-offline-docs/" + "a" * 300, "/redoc/", "/docs/", "/docs%2f", "/metrics/", "/.env", "/healthz%00", "/health%7a",
)  # fmt: skip

NOT_ALLOWED = (
    ("GET", "/v1/deposits"), ("GET", "/v1/holds"), ("PUT", "/v1/withdrawals"), ("GET", "/v1/transfers/TRANSFER/capture"),
    ("GET", "/v1/transfers/TRANSFER/cancel"), ("POST", "/v1/wallets/WALLET/holds"),
    ("GET", "/v1/wallets/WALLET/close"), ("POST", "/v1/wallets/WALLET/changes"), ("POST", "/v1/wallets/WALLET"),
    ("PUT", "/v1/transfers"), ("DELETE", "/v1/transfers/TRANSFER"), ("PUT", "/v1/clients/CLIENT"),
    ("DELETE", "/v1/wallets/WALLET"), ("POST", "/v1/wallets/WALLET/entries"), ("OPTIONS", "/v1/transfers"),
    ("TRACE", "/v1/clients"), ("PUT", "/v1/transfers/batch"), ("POST", "/healthz"), ("DELETE", "/problems"), ("POST", "/docs"),
    ("PUT", "/openapi.json"), ("POST", "/static-offline-docs/swagger-ui.css"), ("PROPFIND", "/v1/clients"),
    ("M-SEARCH", "/v1/transfers"), ("PUT", "/v1/webhook-endpoints/ENDPOINT"), ("DELETE", "/v1/webhook-secret"),
    ("GET", "/v1/webhook-secret/rotate"), ("POST", "/v1/webhook-endpoints/ENDPOINT/deliveries"),
    ("GET", "/v1/webhook-endpoints/ENDPOINT/redeliver"), ("GET", "/v1/deliveries/dlv_01h455vb4pex5vsknk084sn02q/redeliver"),
)  # fmt: skip


def rows_of_paths() -> Iterator[tuple[str, Row]]:
    for path in NOT_THERE:
        yield f"not there: {path[:60]}", get(path, "not_found")
    for method, path in NOT_ALLOWED:
        row = Row(method, path, (AUTHORIZATION,), b"", 405, "method_not_allowed", {})
        yield f"not allowed: {method} {path}", row


ROWS = dict([*rows_not_json(), *rows_of_fields(), *rows_of_headers(), *rows_of_queries(), *rows_of_filters(), *rows_of_paths()])
