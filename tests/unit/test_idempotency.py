"""Which header holds which key, and which requests are the same."""

import hashlib
import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.idempotency import CANONICAL, InvalidKey, fingerprint, parse_key

KEYS = {
    "bare": ("abc", "abc"),
    "one character": ("a", "a"),
    "a UUID": ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    "quoted": ('"abc"', "abc"),
    "quoted punctuation": ('"a,b;c=d"', "a,b;c=d"),
    "bare punctuation": ("a,b;c=d!~", "a,b;c=d!~"),
    "an escaped quote": (r'"a\"b"', 'a"b'),
    "an escaped backslash": (r'"a\\b"', r"a\b"),
    "a bare backslash": (r"a\b", r"a\b"),
    "a quote inside, bare": ('a"b', 'a"b'),
    "a quote behind, bare": ('ab"', 'ab"'),
    "space around": (" \tabc\t ", "abc"),
    "space around quotes": (' "abc" ', "abc"),
    "255 characters": ("k" * 255, "k" * 255),
    "255 quoted characters": (f'"{"k" * 255}"', "k" * 255),
    "255 characters after unescaping": ('"' + r"\"" * 255 + '"', '"' * 255),
}

NO_KEYS = {
    "empty": "",
    "nothing but space": " \t ",
    "empty in quotes": '""',
    "256 characters": "k" * 256,
    "256 quoted characters": f'"{"k" * 256}"',
    "a space inside": "a b",
    "a space inside quotes": '"a b"',
    "a tab inside": "a\tb",
    "half quoted": '"abc',
    "a lone quote": '"',
    "a quote too many": '"a"b"',
    "an unknown escape": r'"a\b"',
    "an escaped end": r'"abc\"',
    "something after the quotes": '"abc";q=1',
    "two in one": '"a", "b"',
    "umlaut": "schlüssel",
    "umlaut in quotes": '"schlüssel"',
    "latin-1 beyond ASCII": "a\xa0b",
    "delete": "a\x7fb",
    "NUL": "a\0b",
    "a line feed behind": "abc\n",
    "a line feed behind quotes": '"abc"\n',
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_read_bare_or_quoted(name: str) -> None:
    header, key = KEYS[name]

    assert parse_key(header) == key


@pytest.mark.parametrize("name", NO_KEYS)
def test_whatever_is_no_key_is_refused(name: str) -> None:
    with pytest.raises(InvalidKey):
        parse_key(NO_KEYS[name])


REQUEST: dict[str, object] = {
    "source": "wal_1",
    "destination": "wal_2",
    "amount": 100,
    "currency": "USD",
    "reference": "rent",
    "metadata": {"a": "1", "b": "2"},
}

CHANGED: dict[str, object] = {
    "source": "wal_3",
    "destination": "wal_3",
    "amount": 101,
    "currency": "EUR",
    "reference": "Rent",
    "metadata": {"a": "1", "b": "3"},
}


def test_a_fingerprint_is_a_sha256() -> None:
    assert len(fingerprint("transfer", REQUEST)) == 32


def test_a_fingerprint_never_changes_from_version_to_version() -> None:
    # Stored beside every key: a release that computes another one would answer honest retries with 422.
    same = hashlib.sha256(b'["1","deposit",{"amount":1,"metadata":{"a":"b"}}]').digest()

    assert fingerprint("deposit", {"metadata": {"a": "b"}, "amount": 1}) == same


@given(
    st.dictionaries(
        st.text(),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.uuids()
        | st.datetimes(timezones=st.just(UTC))
        | st.dictionaries(st.text(), st.text(), max_size=3),
    )
)
def test_a_fingerprint_is_that_of_the_json_of_the_fields(fields: dict[str, object]) -> None:
    given = {name: value for name, value in fields.items() if value is not None}

    assert fingerprint("deposit", fields) == hashlib.sha256(CANONICAL.encode(["1", "deposit", given]).encode()).digest()


def test_the_order_of_fields_makes_no_difference() -> None:
    backwards = {name: REQUEST[name] for name in reversed(REQUEST)}
    shuffled = {**backwards, "metadata": {"b": "2", "a": "1"}}

    assert json.dumps(shuffled) != json.dumps(REQUEST)
    assert fingerprint("transfer", shuffled) == fingerprint("transfer", REQUEST)


def test_a_field_of_none_counts_as_left_out() -> None:
    without = {name: value for name, value in REQUEST.items() if name != "reference"}

    assert fingerprint("transfer", {**without, "reference": None, "added_later": None}) == fingerprint("transfer", without)


@pytest.mark.parametrize("name", CHANGED)
def test_every_field_makes_a_difference(name: str) -> None:
    assert fingerprint("transfer", {**REQUEST, name: CHANGED[name]}) != fingerprint("transfer", REQUEST)


@pytest.mark.parametrize("name", REQUEST)
def test_leaving_a_field_out_makes_a_difference(name: str) -> None:
    assert fingerprint("transfer", {**REQUEST, name: None}) != fingerprint("transfer", REQUEST)


def test_the_verb_makes_a_difference() -> None:
    assert fingerprint("deposit", REQUEST) != fingerprint("transfer", REQUEST)


def test_text_and_number_are_different() -> None:
    assert fingerprint("deposit", {"amount": 1}) != fingerprint("deposit", {"amount": "1"})


def test_an_empty_text_is_not_left_out() -> None:
    assert fingerprint("deposit", {"reference": ""}) != fingerprint("deposit", {"reference": None})


def test_any_text_has_a_fingerprint() -> None:
    assert fingerprint("deposit", {"reference": "Grüße 🏦"}) != fingerprint("deposit", {"reference": "Grüße"})
