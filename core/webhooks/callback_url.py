"""Where webhooks may be sent: the URLs that the API accepts, and the addresses that the deliverer may connect to.

A caller gives the URL, and the deliverer connects from inside the operator's network. So the API accepts a grammar narrower than
any parser's, and the deliverer checks each address when it connects, because a name may resolve to another address each time.
"""

import re
from enum import StrEnum
from ipaddress import ip_address, ip_network

URL_LENGTH_MAX = 2048
HOST_LENGTH_MAX = 253  # RFC 1035, section 2.3.4, less the root
PORTS = frozenset({443, 8443})  # services on other ports do not expect webhooks

# RFC 3986 without fragments (they are never sent), empty ports, and empty or percent-encoded hosts. A host in another script must
# be given in its ASCII form (RFC 5890): so no library maps a character to a dot, a digit or `localhost` after the check.
PATH = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*"
QUERY = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*"
URL = re.compile(
    rf"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?P<userinfo>[^/?#@\s\\]*@)?"
    rf"(?:\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    rf"(?:/{PATH})?(?:\?{QUERY})?",
    re.ASCII,
)
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)

# A last label like this makes many resolvers read the whole as an IPv4 address: `127.1`, `0x7f000001`, `0177.0.0.1`.
# Source: WHATWG URL, "ends in a number checker".
NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*", re.ASCII)

# Names that are never public: RFC 6761, 6762 (local), 7686 (onion), 8375 (home.arpa), 9476 (alt); ICANN (the others).
PRIVATE_ENDS = frozenset(
    {"localhost", "test", "example", "invalid", "local", "onion", "arpa", "alt", "internal", "home", "corp", "mail"}
)

# Source: IANA's registries of special-purpose addresses. Written out, because `ipaddress.is_global` changes with Python's version
# and calls several of these global.
FORBIDDEN = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; some clouds' metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by registry; inside Azure it is the host's agent
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
]

# IPv6 outside of it is loopback, unique local, link-local, multicast, unassigned, or contains an IPv4 address (mapped, NAT64).
GLOBAL_UNICAST = ip_network("2000::/3")

# Metadata services of clouds in the range of private addresses. They give keys to each process that asks: always forbidden.
# Source: the clouds' manuals. Their IPv4 addresses are link-local, or forbidden above.
METADATA = [
    ip_network(text)
    for text in (
        "fd00:ec2::/32",  # AWS: fd00:ec2::254, and ::23 for the credentials of containers
        "fd20:ce::/32",  # Google: fd20:ce::254
        "fd00:c1::/32",  # Oracle: fd00:c1::a9fe:a9fe
        "fd00:42::/32",  # Scaleway: fd00:42::42
    )
]

# What `allow_private` adds. Not link-local: no receiver is developed there, and clouds' metadata services answer there.
PRIVATE = [ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")]


class UrlProblem(StrEnum):
    """Why a URL is refused: field codes of the HTTP contract."""

    INVALID = "url_invalid"  # not an absolute http or https URL in plain ASCII
    FORBIDDEN = "url_forbidden"  # a URL to which Teller does not send


def url_problem(url: str, *, allow_private: bool = False) -> UrlProblem | None:
    """Return why the URL is refused, or None. Resolves no name: the deliverer checks the address when it connects.

    `allow_private` is for development: it allows plain http, every port, IP addresses, and this host and private networks.
    """
    match = URL.fullmatch(url)
    if match is None or len(url) > URL_LENGTH_MAX:
        return UrlProblem.INVALID
    host, port = match["name"] or match["literal"], int(match["port"] or 443)
    if port > 65535 or not (is_address(host) or is_name(host)):
        return UrlProblem.INVALID
    if match["userinfo"]:
        return UrlProblem.FORBIDDEN
    if not allow_private and (match["scheme"].lower() != "https" or port not in PORTS or is_address(host) or not is_public(host)):
        return UrlProblem.FORBIDDEN
    if is_address(host) and not may_connect(host, allow_private=True):
        return UrlProblem.FORBIDDEN
    return None


def may_connect(address: str, *, allow_private: bool = False) -> bool:
    """Return whether a webhook may be sent to this IP address: a public one or, with `allow_private`, a private one."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if any(ip in network for network in METADATA):
        return False
    if allow_private and any(ip in network for network in PRIVATE):
        return True
    return (ip.version == 4 or ip in GLOBAL_UNICAST) and not any(ip in network for network in FORBIDDEN)


def is_address(host: str) -> bool:
    """Return whether any resolver could read the host as an IP address, in any notation."""
    return ":" in host or NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def is_name(host: str) -> bool:
    return len(host) <= HOST_LENGTH_MAX and all(LABEL.fullmatch(label) for label in host.split("."))


def is_public(name: str) -> bool:
    return "." in name and name.rpartition(".")[2].lower() not in PRIVATE_ENDS
