"""Bodies at random: good ones with a few bytes changed, and JSON of any shape. The same seed and number give the same body."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SEED = 20261122

# Values that have broken a parser.
NASTY: Sequence[bytes] = (
    b"NaN", b"-Infinity", b"1E400", b"1e-400", b"-0", b"1.0", b"00", b"9" * 400, b"9" * 5000, b"9007199254740992", b"true",
    b"null", b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\\u202e"', b'"\\ufeff"', b'"\\uffff"', b"\xef\xbb\xbf",
    b"\xff\xfe", b"\x00", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xc0\xaf", b"[" * 900, b"{" * 9, b'{"a":' * 8, b"]", b"}",
    b",", b":", b'"', b"\\", b"\\u", b"\n", b"//", b"'", b"/**/", b'"amount":1,"amount":2', b'"__proto__":{}',
    b'"wal_00000000000000000000000000"', b'"metadata":{"a":{"b":"c"}}', b'"":""', b'"\\ud800":1',
)  # fmt: skip

TEXTS: Sequence[str] = (
    "", "a", "USD", "usd", "\x00", "\ud800", "\udfff", "\u202e", "\ufeff", "\uffff", "😀", "é" * 250, "x" * 600,
    "wal_01h455vb4pex5vsknk084sn02q", "WAL_01H455VB4PEX5VSKNK084SN02Q", "cli_01h455vb4pex5vsknk084sn02q", "10", "NaN", "key-1",
    "__class__", "null", "\n", "'; --", "%00",
)  # fmt: skip

NUMBERS: Sequence[object] = (
    0, 1, -1, 5, 2**53 - 1, 2**53, 2**63, 10**400, 0.0, -0.0, 1.0, 1.5, 1e300, float("nan"), float("inf"), True, False, None,
)  # fmt: skip

Random = random.Random


@dataclass(frozen=True)
class Body:
    """A body, and the text in a failure by which it can be made again."""

    seed: str
    content: bytes


def body(number: int, good: Sequence[bytes]) -> Body:
    """Return the random body of this number: every other one is a changed good body, the others are JSON of any shape."""
    seed = f"{SEED}/{number}"
    source = Random(seed)
    return Body(seed, spoil(source, source.choice(good)) if number % 2 else shape(source, source.choice(good)))


def spoil(source: Random, content: bytes) -> bytes:
    for _ in range(source.choice((1, 1, 1, 2, 3, 8))):
        content = source.choice(SPOILERS)(source, content)
    return content


def spot(source: Random, content: bytes) -> int:
    return source.randrange(len(content) + 1)


def flip(source: Random, content: bytes) -> bytes:
    at = spot(source, content)
    return content[:at] + bytes([source.randrange(256)]) + content[at + 1 :]


def insert(source: Random, content: bytes) -> bytes:
    at = spot(source, content)
    return content[:at] + source.choice(NASTY) + content[at:]


def cut(source: Random, content: bytes) -> bytes:
    start, end = sorted((spot(source, content), spot(source, content)))
    return content[:start] + content[end:]


def repeat(source: Random, content: bytes) -> bytes:
    start, end = sorted((spot(source, content), spot(source, content)))
    return content[:end] + content[start:end] * source.choice((1, 2, 40)) + content[end:]


def replace_value(source: Random, content: bytes) -> bytes:
    """Put one of these values in the place of a whole value, so that the body around it stays JSON."""
    colons = [at for at, byte in enumerate(content) if byte == ord(":")]
    if not colons:
        return content
    start = source.choice(colons) + 1
    end = min((at for at in (content.find(b",", start), content.find(b"}", start)) if at >= 0), default=len(content))
    return content[:start] + source.choice(NASTY) + content[end:]


SPOILERS: Sequence[Callable[[Random, bytes], bytes]] = (flip, insert, cut, repeat, replace_value, replace_value)


def shape(source: Random, content: bytes) -> bytes:
    """Return an object of any fields: those of a good body, some of them with other values, and others."""
    fields = json.loads(content)
    for name in list(fields):
        if source.random() < 0.4:
            fields[name] = value(source, 0)
    if source.random() < 0.5:
        fields[source.choice((*TEXTS, "reference", "metadata", "currency", "external_id"))] = value(source, 0)
    return json.dumps(fields, ensure_ascii=source.random() < 0.7).encode("utf-8", "surrogatepass")


def value(source: Random, depth: int) -> object:
    kind = source.random()
    if kind < 0.4:
        return source.choice(TEXTS)
    if kind < 0.75 or depth > 9:
        return source.choice(NUMBERS)
    if kind < 0.85:
        return [value(source, depth + 1) for _ in range(source.choice((0, 1, 2, 30)) if depth < 2 else 1)]
    return {source.choice(TEXTS): value(source, depth + 1) for _ in range(source.choice((0, 1, 2, 25)) if depth < 2 else 1)}
