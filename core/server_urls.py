"""Strict parsing of the URLs of PostgreSQL and Redis: no part of a URL can be mistaken for another part.

Client libraries parse URLs leniently: they take the part of a password before a raw `/` for the port, ignore `/abc` in place of a
database number, and report an unknown option only with the first connection. Here each such URL is refused when the process starts.
The message repeats nothing of the URL, because any part of it may be the password. The form is RFC 3986's; in a user name and a
password, all but letters, digits and `-._~!$&'()*+,;=:` must be percent-encoded.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

__all__ = ["RedisAddress", "check_postgres", "parse_redis"]

REDIS_SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "unix")
POSTGRES_SCHEMES = ("postgresql", "postgres")
REDIS_PORT, SENTINEL_PORT = 6379, 26379
DATABASE_MAX = 65_535  # A guess: far above any configured number of databases; the default is 16
TLS_OPTIONS = ("ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile")
SENTINEL_OPTIONS = ("sentinel_password", "sentinel_username")
UNIX_OPTIONS = ("db", "password")

ENCODE = "percent-encode what is special in its user name and password ('/' is %2F, '@' is %40, '#' is %23, '?' is %3F, '%' is %25)"
USERINFO = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:%]*")
HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?\])")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

Host = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a URL, still percent-encoded. `userinfo` is None where there is no `@`."""

    scheme: str
    userinfo: str | None
    hosts: str
    path: str
    query: str


@dataclass(frozen=True, slots=True, repr=False)
class RedisAddress:
    """The address of a Redis: one host, or the hosts of the Sentinels that name the primary of `service`."""

    hosts: tuple[Host, ...]
    database: int
    username: str | None
    password: str | None
    is_tls: bool
    service: str | None  # None: no Sentinel
    socket: str | None  # the path of a Unix socket, in place of hosts
    options: dict[str, str]


def parse_redis(url: str) -> RedisAddress:
    """Return the address. Raises ValueError, with a message that repeats nothing of the URL."""
    parts = split(url, REDIS_SCHEMES)
    if parts.scheme == "unix":
        return unix_socket(parts)
    username, password = credentials(parts.userinfo)
    is_sentinel = parts.scheme.endswith("+sentinel")
    is_tls = parts.scheme.startswith("rediss")
    hosts = tuple(host_of(one, SENTINEL_PORT if is_sentinel else REDIS_PORT) for one in parts.hosts.split(","))
    if len(hosts) > 1 and not is_sentinel:
        raise ValueError("names several hosts: only redis+sentinel:// and rediss+sentinel:// URLs do")
    service, database = service_and_database(parts.path) if is_sentinel else (None, database_of(parts.path.removeprefix("/")))
    known = (*(TLS_OPTIONS if is_tls else ()), *(SENTINEL_OPTIONS if is_sentinel else ()))
    return RedisAddress(hosts, database, username, password, is_tls, service, None, options_of(parts.query, known))


def check_postgres(url: str) -> None:
    """Refuse a URL that libpq or Teller could misread. Raises ValueError, as parse_redis does."""
    parts = split(url, POSTGRES_SCHEMES)
    if parts.userinfo is not None and not parts.userinfo.partition(":")[0]:
        raise ValueError("has a password and no user name")
    for one in parts.hosts.split(",") if parts.hosts else ():
        host_of(one, 5432)
    if "/" in parts.path.removeprefix("/"):
        raise ValueError(f"has more than one '/' behind its host; {ENCODE}")


def split(url: str, schemes: tuple[str, ...]) -> Parts:
    """Split the URL into its parts. Raises ValueError where the split is ambiguous."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in schemes:
        raise ValueError(f"must begin with {', '.join(f'{one}://' for one in schemes)}, in lower case")
    if not all("\x21" <= character <= "\x7e" for character in url):
        raise ValueError("has a space, a control character or one that is not ASCII; percent-encode it")
    if BAD_PERCENT.search(rest):
        raise ValueError(f"has a '%' without two hexadecimal digits behind it; {ENCODE}")
    if "#" in rest:
        raise ValueError(f"has a '#'; {ENCODE}")
    before_query, _, query = rest.partition("?")
    authority, slash, path = before_query.partition("/")
    if rest.count("@") > 1 or "@" in path + query:
        raise ValueError(f"has an '@' in a wrong place, or a '/' or '?' before it; {ENCODE}")
    userinfo, at, hosts = authority.rpartition("@")
    if not USERINFO.fullmatch(userinfo):
        raise ValueError(f"has a special character in its user name or password; {ENCODE}")
    return Parts(scheme, userinfo if at else None, hosts, slash + path, query)


def credentials(userinfo: str | None) -> tuple[str | None, str | None]:
    if userinfo is None:
        return None, None
    username, colon, password = userinfo.partition(":")
    if not colon:
        raise ValueError(
            "has a user name and no password; a password alone is written with a colon before it: redis://:PASSWORD@HOST"
        )
    return unquote(username) or None, unquote(password) or None


def host_of(text: str, default_port: int) -> Host:
    bracket = text.rfind("]") + 1
    name, colon, port = text[:bracket] + text[bracket:].partition(":")[0], *text[bracket:].partition(":")[1:]
    if not name:
        raise ValueError("has no host")
    if not HOST.fullmatch(name):
        raise ValueError(f"has a host that is neither a name nor an address; {ENCODE}")
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise ValueError(f"has a port that is no number from 1 to 65535; {ENCODE}")
    return unquote(name).strip("[]"), int(port) if colon else default_port


def service_and_database(path: str) -> tuple[str, int]:
    """Return service and database of a Sentinel URL's path, `/service` or `/service/database`."""
    service, _, database = path.removeprefix("/").partition("/")
    if not service:
        raise ValueError("names no primary: redis+sentinel://HOST,HOST/NAME, where NAME is what `sentinel monitor NAME` calls it")
    return unquote(service), database_of(database)


def database_of(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= DATABASE_MAX):
        raise ValueError(f"has a database that is no number from 0 to {DATABASE_MAX}; {ENCODE}")
    return int(text)


def options_of(query: str, known: tuple[str, ...]) -> dict[str, str]:
    """Return the options after `?`. Raises ValueError for an unknown option, and for one that is given twice."""
    if not query:
        return {}
    try:
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ValueError("has options that are not NAME=VALUE&NAME=VALUE") from None
    given = dict(options)
    if len(given) < len(options) or not given.keys() <= set(known):
        raise ValueError(f"has an option behind '?' that is not taken, or one twice; those taken: {', '.join(known) or 'none'}")
    return given


def unix_socket(parts: Parts) -> RedisAddress:
    if parts.userinfo is not None or parts.hosts or not parts.path.removeprefix("/"):
        raise ValueError("must be unix:///PATH, with nothing before the path; ?db=NUMBER&password=PASSWORD may follow")
    options = options_of(parts.query, UNIX_OPTIONS)
    database, password = database_of(options.get("db", "")), options.get("password")
    return RedisAddress((), database, None, password, is_tls=False, service=None, socket=unquote(parts.path), options={})
