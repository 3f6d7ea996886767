"""The file of a checkpoint: JSON with a digest of its content and, if the operator has a key, a signature.

The digest is the SHA-256 of the content as canonical JSON: keys in order, no spaces, ASCII, without `digest` and `signature`. The
signature is the HMAC-SHA-256 of the digest (RFC 2104). A file that was changed has another digest. The digest alone does not show
that a whole other file was written: for that it must be kept elsewhere, or the file be signed with a key that the database's host
does not have.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import CannotDo

FORMAT = 1
KEY_MIN_BYTES = 32  # as for the other keys of Teller; an HMAC gains nothing from a key longer than 64 bytes
KEY_MAX_BYTES = 4096
SHOWN = 100  # characters of a name in a message
SIGNED_AS = b"teller checkpoint 1 "  # so that a signature made with this key for another purpose is none of a checkpoint

# A file without a signature may hold anything. What these types accept, the statements and the terminal can take.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[int, Field(ge=-(2**62), le=2**62)]
Ordinal = Annotated[int, Field(ge=1, lt=2**31)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Currency = Annotated[str, Field(pattern=r"^([A-Z]{3})?$")]  # none: of an event without its transfer, of an entry without its wallet
EventId = Annotated[str, Field(pattern=r"^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
WalletId = Annotated[str, Field(pattern=r"^wal_[0-7][0-9a-hjkmnp-tv-z]{25}$")]


class Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LastEvent(Content):
    """The event that ends the history of a checkpoint, or that of a currency. `finished_at` is RFC 3339."""

    moment: Moment
    ordinal: Ordinal
    id: EventId
    finished_at: Time | None = None


class Totals(Content):
    """The history of a currency, in its minor units. `sum` is of all entries, `credits` of those above zero.

    `paid_out` is what external wallets have received less what came from them, and so minus the sum of the clients' balances.
    """

    transfers: Count
    applied: Count
    rejected: Count
    canceled: Count
    entries: Count
    sum: int
    credits: int
    paid_out: int
    last_event: LastEvent


class Chain(Content):
    """The chained digest of a currency's history in a shard: of each segment, the digest before and that of the segment's part."""

    currency: Currency
    shard: int
    transfers: Count
    entries: Count
    digest: Digest


class Segment(Content):
    """A part of the history, up to the event at `last_moment`: its parts by currency and shard, in one digest."""

    last_moment: Moment
    transfers: Count
    entries: Count
    digest: Digest


class Heads(Content):
    """The wallets of a currency in a range of ids: how many entries they had, and a digest of each one's number and sum."""

    number: Count
    currency: Currency
    wallets: Count
    entries: int
    balance: int
    digest: Digest


class Checkpoint(Content):
    """A ledger's history up to an event. `bounds` are the first ids of the ranges of wallets from number 1 on."""

    format: Literal[1]
    made_at: Time
    previous: Digest | None
    last_event: LastEvent | None
    currencies: dict[Currency, Totals]
    chains: list[Chain]
    segments: list[Segment]
    bounds: list[WalletId]
    heads: list[Heads]

    @property
    def before(self) -> int:
        """The moment before which the checkpoint's history lies. All that is at this moment or later is new.

        It is the one after the last event's, and not the feed's horizon: after a restore in another cluster the moments of new
        events begin there.
        """
        return self.segments[-1].last_moment + 1 if self.segments else -(2**63)

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()


class UnreadableFile(CannotDo):
    """The file cannot be used. The message says why."""


def canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sign(digest: str, key: bytes) -> str:
    return hmac.new(key, SIGNED_AS + digest.encode(), hashlib.sha256).hexdigest()


def write(file: Path, checkpoint: Checkpoint, key: bytes | None) -> None:
    """Write the checkpoint to a new file. Raises OSError: no file is ever replaced."""
    digest = checkpoint.digest
    content = checkpoint.model_dump(mode="json") | {"digest": digest, "signature": sign(digest, key) if key else None}
    with file.open("x", encoding="ascii") as out:
        json.dump(content, out, indent=1)
        out.write("\n")


def read(file: Path, key: bytes | None) -> Checkpoint:
    """Return the checkpoint of a file whose digest and, if there is a key, signature are right. Raises UnreadableFile."""
    try:
        content = json.loads(file.read_text(encoding="ascii"))
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UnreadableFile(f"{file} is no checkpoint: it is not JSON in ASCII") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnreadableFile(f"{file} is no checkpoint that this version reads: its format is not {FORMAT}")
    digest, signature = str(content.pop("digest", "")), content.pop("signature", None)
    try:
        checkpoint = Checkpoint.model_validate(content)
    except ValidationError as error:
        [first, *_] = error.errors()
        where = ".".join(map(str, first["loc"])).encode("unicode_escape").decode()[:SHOWN]
        raise UnreadableFile(f"{file} is no checkpoint: {where}: {first['msg']}") from None
    check_digest(file, checkpoint, digest)
    check_signature(file, digest, signature, key)
    return checkpoint


def check_digest(file: Path, checkpoint: Checkpoint, digest: str) -> None:
    if not hmac.compare_digest(checkpoint.digest.encode(), digest.encode()):
        raise UnreadableFile(f"{file} was changed after it was written: its digest is not that of its content")


def check_signature(file: Path, digest: str, signature: object, key: bytes | None) -> None:
    if key is None:
        if signature is not None:
            raise UnreadableFile(f"{file} is signed: name the file with its key with --key-file")
        return
    if not isinstance(signature, str):
        raise UnreadableFile(f"{file} is not signed, and a key was given")
    if not hmac.compare_digest(sign(digest, key).encode(), signature.encode()):
        raise UnreadableFile(f"{file} was not signed with this key")


def read_key(file: Path | None) -> bytes | None:
    """Return the key in the file, without white space at its ends; None without a file. Raises UnreadableFile."""
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            key = opened.read(KEY_MAX_BYTES + 1).strip()
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror}") from None
    if not KEY_MIN_BYTES <= len(key) <= KEY_MAX_BYTES:
        raise UnreadableFile(
            f"{file} must hold a key of {KEY_MIN_BYTES} to {KEY_MAX_BYTES} bytes: `openssl rand -hex 32` makes a good one"
        )
    return key
