"""Arrays that are packed a column at a time are those that psycopg packs element by element."""

import struct
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.numeric import Int4, Int8

from core.postgres import arrays

BIGINTS = st.integers(-(2**63), 2**63 - 1)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def by_psycopg(values: Sequence[object]) -> bytes:
    dumper = Transformer().get_dumper([*values], PyFormat.BINARY)
    return bytes(dumper.dump([*values]) or b"")


def by_elements(kind: Callable[[Any], object] | None, values: Sequence[object]) -> bytes:
    return by_psycopg(values if kind is None else [kind(value) for value in values])


@given(st.lists(st.uuids(), min_size=1))
def test_uuids(values: list[UUID]) -> None:
    assert arrays.uuids(values) == by_elements(None, values)


@given(st.lists(BIGINTS, min_size=1))
def test_bigints(values: list[int]) -> None:
    assert arrays.bigints(values) == by_elements(Int8, values)


@given(st.lists(INTEGERS, min_size=1))
def test_integers(values: list[int]) -> None:
    assert arrays.integers(values) == by_elements(Int4, values)


@given(st.lists(st.binary(), min_size=1))
def test_bytes(values: list[bytes]) -> None:
    assert arrays.values_of_bytes(values) == by_elements(None, values)


@given(st.lists(TEXTS | st.none(), min_size=1).filter(any) | TEXTS.map(lambda text: [text] * 3))
def test_texts(values: list[str | None]) -> None:
    assert arrays.texts(values) == by_psycopg(values)


def test_a_column_without_a_text_is_all_null() -> None:
    # psycopg sends such a list as text, so its bytes are no example.
    assert arrays.texts([None, None]) == bytes.fromhex("00000001 00000001 00000019 00000002 00000001 ffffffff ffffffff")


@pytest.mark.parametrize("pack", [arrays.uuids, arrays.bigints, arrays.integers, arrays.texts, arrays.values_of_bytes])
def test_an_empty_array_has_no_dimension(pack: Callable[[Sequence[Any]], bytes]) -> None:
    assert pack([])[:8] == bytes(8)
    assert len(pack([])) == 12


def test_a_number_beyond_its_type_is_not_packed() -> None:
    with pytest.raises((OverflowError, struct.error)):
        arrays.bigints([2**63])
