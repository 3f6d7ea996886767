"""UUIDv7 inside, TypeIDs outside."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import ids
from core.ids import Prefix, UnknownId
from core.ledger.sharding import SHARDS_MAX, shard_of

EXAMPLE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

# From valid.yml of the TypeID specification 0.3, but for the prefixes.
SPECIFIED = {
    "00000000000000000000000000": UUID(int=0),
    "00000000000000000000000001": UUID(int=1),
    "0000000000000000000000000a": UUID(int=10),
    "0000000000000000000000000g": UUID(int=16),
    "00000000000000000000000010": UUID(int=32),
    "7zzzzzzzzzzzzzzzzzzzzzzzzz": UUID(int=2**128 - 1),
    "0123456789abcdefghjkmnpqrs": UUID("0110c853-1d09-52d8-d73e-1194e95b5f19"),
    "01h455vb4pex5vsknk084sn02q": EXAMPLE,
}

NOT_A_WALLET = {
    "empty": "",
    "no prefix": "01h455vb4pex5vsknk084sn02q",
    "an empty prefix": "_01h455vb4pex5vsknk084sn02q",
    "another type": "trf_01h455vb4pex5vsknk084sn02q",
    "an unknown type": "abc_01h455vb4pex5vsknk084sn02q",
    "an upper-case prefix": "WAL_01h455vb4pex5vsknk084sn02q",
    "upper case": "wal_01H455VB4PEX5VSKNK084SN02Q",
    "one character of upper case": "wal_01h455vb4pex5vsknk084sn02Q",
    "overflow": "wal_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    "a letter in front": "wal_a1h455vb4pex5vsknk084sn02q",
    "too short": "wal_01h455vb4pex5vsknk084sn02",
    "too long": "wal_01h455vb4pex5vsknk084sn02qq",
    "i is no digit": "wal_01h455vb4pex5vsknk084sn02i",
    "l is no digit": "wal_01h455vb4pex5vsknk084sn02l",
    "o is no digit": "wal_01h455vb4pex5vsknk084sn02o",
    "u is no digit": "wal_01h455vb4pex5vsknk084sn02u",
    "a hyphen": "wal-01h455vb4pex5vsknk084sn02q",
    "a plain UUID": "01890a5d-ac96-774b-bcce-b302099a8057",
    "a line feed behind": "wal_01h455vb4pex5vsknk084sn02q\n",
    "a space in front": " wal_01h455vb4pex5vsknk084sn02q",
    "other scripts' digits": "wal_01h455vb4pex5vsknk084sn0\u0662q",
    "NUL": "wal_01h455vb4pex5vsknk084sn02\0",
}


@pytest.mark.parametrize("suffix", SPECIFIED)
def test_ids_look_as_the_specification_says(suffix: str) -> None:
    assert ids.text(Prefix.WALLET, SPECIFIED[suffix]) == f"wal_{suffix}"
    assert ids.parse(Prefix.WALLET, f"wal_{suffix}") == SPECIFIED[suffix]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(Prefix), st.uuids())
def test_an_id_is_read_back_as_it_was_written(prefix: Prefix, id: UUID) -> None:
    assert ids.parse(prefix, ids.text(prefix, id)) == id


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.uuids(), st.uuids())
def test_texts_sort_as_their_ids_do(one: UUID, other: UUID) -> None:
    assert (ids.text(Prefix.TRANSFER, one) < ids.text(Prefix.TRANSFER, other)) == (one < other)


@pytest.mark.parametrize("name", NOT_A_WALLET)
def test_whatever_is_no_canonical_id_of_the_type_is_refused_and_never_repeated(name: str) -> None:
    value = NOT_A_WALLET[name]

    with pytest.raises(UnknownId) as refused:
        ids.parse(Prefix.WALLET, value)

    assert not value or value not in str(refused.value)


def test_ids_of_a_process_ascend() -> None:
    minted = [ids.mint() for _ in range(10_000)]

    assert minted == sorted(set(minted))
    assert {id.version for id in minted} == {7}
    assert all(id < ids.LAST for id in minted)


@pytest.mark.parametrize("shards", [1, 2, 16, SHARDS_MAX])
def test_an_external_wallet_lies_in_its_shard_and_in_no_other(shards: int) -> None:
    external = [ids.external_wallet(shard) for shard in range(shards)]

    assert [shard_of(id, shards) for id in external] == list(range(shards))
    assert len(set(external)) == shards
    assert {(id.version, id.variant) for id in external} == {(7, "specified in RFC 4122")}


def test_an_external_wallet_is_older_than_any_id_that_can_be_minted() -> None:
    assert ids.external_wallet(SHARDS_MAX - 1) < UUID("00000000-0001-7000-8000-000000000000") < ids.mint()
