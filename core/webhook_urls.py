"""Which URLs webhooks may be sent to, as far as their text tells. What their hosts resolve to is looked at when they are called."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

URL_LENGTH_MAX = 2000
PORTS = (443, 8443)

# RFC 3986's characters, percent signs only before two hex digits; a fragment would never be sent.
CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=\[\]]|%[0-9A-Fa-f]{2})+", re.ASCII)
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*", re.ASCII)

# What resolvers and browsers read as an IPv4 address, however it is written: its last label begins with a digit (WHATWG URL, 3.5).
ADDRESS = re.compile(r"(?:.*\.)?[0-9][0-9a-fx]*", re.ASCII)
PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "arpa", "onion")


EXPECTED = f"must be a URL such as https://example.com/hook, in ASCII, without fragment, of at most {URL_LENGTH_MAX} characters"


class UrlInvalid(ValueError):
    """This is no URL that could be called."""


class UrlForbidden(ValueError):
    """This URL is not called here."""


def check(url: str, *, allow_private: bool) -> None:
    """Accept https to a public name on port 443 or 8443, without userinfo. Raises UrlInvalid or UrlForbidden, never with the URL.

    `allow_private`, for development, lets http, any port, addresses and private names pass too.
    """
    parts = split(url)
    if "@" in parts.netloc:
        raise UrlForbidden("must not hold a user or a password")
    if allow_private:
        return
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise UrlForbidden("must be https")
    if (parts.port or 443) not in PORTS:
        raise UrlForbidden("must be on port 443 or 8443")
    if ":" in host or ADDRESS.fullmatch(host):
        raise UrlForbidden("must name its host, not give its address")
    if "." not in host or host.rpartition(".")[2] in PRIVATE_NAMES:
        raise UrlForbidden("must name a public host")


def split(url: str) -> SplitResult:
    """Return the parts of a URL that could be called. Raises UrlInvalid."""
    if len(url) > URL_LENGTH_MAX or CHARACTERS.fullmatch(url) is None:
        raise UrlInvalid(EXPECTED)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlInvalid(EXPECTED) from None
    if parts.scheme not in {"https", "http"} or port == 0 or not is_host(parts):
        raise UrlInvalid(EXPECTED)
    return parts


def is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return NAME.fullmatch(host) is not None
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
