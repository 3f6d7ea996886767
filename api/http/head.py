"""The head of a request: what it must say about host and length (RFC 9112), and how large it may be.

`is_plain` is the check that every request pays. `problem_with` is the whole check, for the few heads that need it.
docs/concepts/state-tables.md draws the states of a connection.
"""

Headers = list[tuple[bytes, bytes]]


def is_plain(headers: Headers) -> bool:
    """Return whether the headers name one Host and no transfer coding, as almost all do."""
    hosts = 0
    for name, _ in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            return False
    return hosts == 1


def problem_with(url: bytes, version: str, headers: Headers, *, size_max: int | None, fields_max: int) -> str | None:
    """Return the code of the problem with this head, or None.

    `size_max` limits the bytes of target and header fields. It is None for a head that came in one slice, which is smaller.
    """
    if len(headers) > fields_max or (size_max is not None and size_of(url, headers) > size_max):
        return "headers_too_large"
    if b"#" in url or not is_well_framed(version, headers):
        return "malformed_request"
    return None


def size_of(url: bytes, headers: Headers) -> int:
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def is_well_framed(version: str, headers: Headers) -> bool:
    """Return whether it is clear to which host the request goes and where it ends (RFC 9112, sections 3.2 and 6.1)."""
    hosts = sum(name == b"host" for name, _ in headers)
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if version == "1.1":
        return hosts == 1 and codings in ([], [b"chunked"])
    return version == "1.0" and hosts <= 1 and not codings
