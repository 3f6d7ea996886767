"""Which URLs are taken as callbacks, and which addresses a sender may connect to."""

import re
import socket
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from core.webhooks.callback_url import may_connect, url_problem

GOOD = [
    "https://hooks.example.com",
    "https://hooks.example.com/",
    "https://hooks.example.com:443/",
    "https://hooks.example.com:8443/in?key=a&key=b",
    "https://hooks.example.com?key=a/b?c",
    "https://HOOKS.Example.COM/In",
    "HTTPS://hooks.example.com/",
    "https://xn--bcher-kva.example.com/",
    "https://1.example.com/",
    "https://0x7f.example.com/",
    "https://127.0.0.1.nip.io/",  # a name like any other: its address is checked when it is connected to
    "https://example.com/a/../b;c=d/%2e%2e/%C3%A9",
    "https://example.com/!$&'()*+,;=:@-._~",
    "https://example.com/a@b:c",
    "https://" + "a" * 63 + ".com/",
    "https://" + "a." * 124 + "coms" + "/",
    "https://example.com/" + "a" * (2048 - 20),
]

INVALID = {
    "empty": "",
    "no scheme": "hooks.example.com/in",
    "no scheme but slashes": "//hooks.example.com/in",
    "a path alone": "/in",
    "one slash": "https:/hooks.example.com/",
    "no slash": "https:hooks.example.com",
    "three slashes": "https:///hooks.example.com/",
    "no host": "https://",
    "no host but a port": "https://:443/",
    "no host but a user": "https://user@/",
    "ftp": "ftp://hooks.example.com/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://hooks.example.com/",
    "javascript": "javascript:alert(1)",
    "an unknown scheme": "httpss://hooks.example.com/",
    "a fragment": "https://hooks.example.com/#in",
    "an empty fragment": "https://hooks.example.com/#",
    "a space in front": " https://hooks.example.com/",
    "a space behind": "https://hooks.example.com/ ",
    "a space inside": "https://hooks.example.com/a b",
    "a line feed behind": "https://hooks.example.com/\n",
    "a header behind": "https://hooks.example.com/\r\nHost: other",
    "a tab in the host": "https://hooks\t.example.com/",
    "NUL": "https://hooks.example.com/\0",
    "a backslash for a slash": "https:\\\\hooks.example.com\\",
    "a backslash behind the host": "https://hooks.example.com\\@127.0.0.1/",
    "two users": "https://a@b@127.0.0.1/",
    "an empty port": "https://hooks.example.com:/",
    "port 0": "https://hooks.example.com:0/",
    "port 0443": "https://hooks.example.com:0443/",
    "port 65536": "https://hooks.example.com:65536/",
    "port 99999": "https://hooks.example.com:99999/",
    "port 4294967739, which is 443 in 32 bits": "https://hooks.example.com:4294967739/",
    "a signed port": "https://hooks.example.com:+443/",
    "a port in other digits": "https://hooks.example.com:\u0664\u0664\u0663/",
    "a percent sign alone": "https://hooks.example.com/%",
    "half an escape": "https://hooks.example.com/%2",
    "no hexadecimal escape": "https://hooks.example.com/%zz",
    "an escaped host": "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "brackets in the path": "https://hooks.example.com/a[b]",
    "quotes": 'https://hooks.example.com/"',
    "angle brackets": "https://hooks.example.com/<a>",
    "a caret": "https://hooks.example.com/^",
    "an umlaut in the path": "https://hooks.example.com/ä",
    "an umlaut in the host": "https://bücher.example.com/",
    "full-width letters": "https://" + "".join(chr(ord(letter) + 0xFEE0) for letter in "localhost") + "/",
    "full-width digits": "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "circled digits": "https://①②⑦.⓪.⓪.①/",
    "ideographic full stops": "https://127。0。0。1/",
    "a full stop that is none": "https://127.0.0\u30021/",
    "a soft hyphen": "https://local\xadhost/",
    "a zero-width space": "https://local\u200bhost/",
    "a lone surrogate": "https://hooks.example.com/\ud800",
    "a trailing full stop": "https://hooks.example.com./",
    "an address with a trailing full stop": "https://127.0.0.1./",
    "localhost with a trailing full stop": "https://localhost./",
    "a leading full stop": "https://.example.com/",
    "two full stops": "https://hooks..example.com/",
    "full stops alone": "https://.../",
    "an underscore": "https://my_hooks.example.com/",
    "a leading hyphen": "https://-hooks.example.com/",
    "a trailing hyphen": "https://hooks-.example.com/",
    "a label too long": "https://" + "a" * 64 + ".com/",
    "a host too long": "https://" + "a." * 125 + "coms" + "/",
    "a URL too long": "https://example.com/" + "a" * (2048 - 19),
    "an open bracket": "https://[::1/",
    "a zone": "https://[fe80::1%25eth0]/",
    "a name in brackets": "https://[localhost]/",
    "a future address": "https://[v1.fe]/",
}

FORBIDDEN = {
    "http": "http://hooks.example.com/",
    "http on 443": "http://hooks.example.com:443/",
    "HTTP": "HTTP://hooks.example.com/",
    "port 80": "https://hooks.example.com:80/",
    "port 22": "https://hooks.example.com:22/",
    "port 444": "https://hooks.example.com:444/",
    "port 6379": "https://hooks.example.com:6379/",
    "port 65535": "https://hooks.example.com:65535/",
    "a user": "https://user@hooks.example.com/",
    "a user and a password": "https://user:password@hooks.example.com/",
    "an empty user": "https://@hooks.example.com/",
    "a host for a user": "https://hooks.example.com@127.0.0.1/",
    "a public address": "https://93.184.215.14/",
    "this host": "https://127.0.0.1/",
    "this host, short": "https://127.1/",
    "this host, decimal": "https://2130706433/",
    "this host, hexadecimal": "https://0x7f000001/",
    "this host, HEXADECIMAL": "https://0X7F.1/",
    "this host, octal": "https://0177.0.0.1/",
    "this host, octal, long": "https://0000000000000000000000000000177.0.0.1/",
    "this host, octal in one": "https://017700000001/",
    "this host, mixed": "https://0x7f.0.0.01/",
    "this host, wrapped round": "https://4294967296127/",
    "any host": "https://0/",
    "any host, hexadecimal of nothing": "https://0x/",
    "no such address": "https://999.999.999.999/",
    "five parts": "https://1.2.3.4.5/",
    "a name that ends in a number": "https://hooks.example.1/",
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "a public IPv6 address": "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 loopback, long": "https://[0:0:0:0:0:0:0:1]/",
    "IPv6 of nothing": "https://[::]/",
    "an IPv4-mapped address": "https://[::ffff:127.0.0.1]/",
    "an IPv4-mapped address in hexadecimal": "https://[::ffff:7f00:1]/",
    "no IPv6 address": "https://[:::::]/",
    "an IPv4 address in brackets": "https://[127.0.0.1]/",
    "localhost": "https://localhost/",
    "LOCALHOST": "https://LocalHost/",
    "below localhost": "https://a.localhost/",
    "a name without a full stop": "https://redis/",
    "a company's": "https://hooks.corp/",
    "a cloud's": "https://metadata.google.internal/",
    "a home's": "https://printer.home.arpa/",
    "a neighbour's": "https://printer.local/",
    "a reversed address": "https://1.0.0.127.in-addr.arpa/",
    "an onion": "https://duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion/",
}

# With `allow_private`: None where it makes the difference, else what is still said.
PRIVATE = {
    "http://hooks.example.com/": None,
    "http://hooks.example.com:8000/": None,
    "https://hooks.example.com:1/": None,
    "http://localhost:9000/in": None,
    "http://receiver/": None,
    "http://127.0.0.1:9000/in": None,
    "http://10.1.2.3/": None,
    "http://172.31.255.255/": None,
    "http://192.168.0.1/": None,
    "http://[::1]:9000/": None,
    "http://[fd00::1]/": None,
    "http://93.184.215.14/": None,
    "http://user@localhost/": "url_forbidden",
    "http://169.254.169.254/": "url_forbidden",
    "http://[fe80::1]/": "url_forbidden",
    "http://[::ffff:127.0.0.1]/": "url_forbidden",
    "http://[::ffff:169.254.169.254]/": "url_forbidden",
    "http://2130706433/": "url_forbidden",
    "http://127.1/": "url_forbidden",
    "http://0177.0.0.1/": "url_forbidden",
    "http://0.0.0.0/": "url_forbidden",
    "http://localhost./": "url_invalid",
    "http://localhost:65536/": "url_invalid",
    "ftp://localhost/": "url_invalid",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_public_https_url_is_taken(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_plain_url_is_invalid_even_where_private_ones_are_allowed(name: str) -> None:
    assert url_problem(INVALID[name]) == "url_invalid"
    assert url_problem(INVALID[name], allow_private=True) == "url_invalid"


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_leads_elsewhere_than_to_the_public_is_forbidden(name: str) -> None:
    assert url_problem(FORBIDDEN[name]) == "url_forbidden"


@pytest.mark.parametrize("url", PRIVATE)
def test_development_may_use_plain_http_and_private_places_and_nothing_else(url: str) -> None:
    assert url_problem(url, allow_private=True) == PRIVATE[url]
    assert url_problem(url) is not None


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.from_regex(r"https?://[a-z0-9.:@\\-]{0,4}a\.com[a-z0-9.:@/\\?#\[\]%-]{0,8}", fullmatch=True))
def test_whatever_is_taken_is_read_alike_by_other_parsers(url: str) -> None:
    if url_problem(url, allow_private=True) is None:
        host = re.split(r"[:/?]", url.partition("://")[2])[0]
        assert (urlsplit(url).hostname, urlsplit(url).username) == (host, None)
        assert (URL(url, encoded=True).raw_host, URL(url, encoded=True).user) == (host, None)


@pytest.mark.parametrize("url", GOOD)
def test_path_and_query_are_sent_as_they_were_given(url: str) -> None:
    given_path = re.sub(r"(?i)^https://[a-z0-9.:-]+", "", url)

    assert URL(url, encoded=True).raw_path_qs == ("" if given_path.startswith("/") else "/") + given_path


def test_a_long_url_is_refused_as_fast_as_a_short_one() -> None:
    """A pattern that backtracks would take years."""
    began = time.process_time()

    assert url_problem("https://example.com/?" + "a?" * 1000 + "#") == "url_invalid"
    assert url_problem("https://" + "a@" * 1000 + "#") == "url_invalid"
    assert url_problem("https://" + "a." * 1000 + "#") == "url_invalid"
    assert url_problem("https://example.com/" + "%41" * 100_000) == "url_invalid"

    assert time.process_time() - began < 2


PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]

PRIVATE_ADDRESSES = [
    "10.0.0.0",
    "10.255.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "::1",
    "fc00::1",
    "fd00:ec3::254",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]

FORBIDDEN_ADDRESSES = {
    "0.0.0.0": "unspecified",
    "0.255.255.255": "this host",
    "100.64.0.0": "carriers' NAT",
    "100.100.100.200": "carriers' NAT, and a cloud's metadata",
    "100.127.255.255": "carriers' NAT",
    "168.63.129.16": "a cloud's agent",
    "169.254.0.0": "link-local",
    "169.254.169.254": "link-local, and most clouds' metadata",
    "169.254.255.255": "link-local",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "protocol assignments, and a cloud's metadata",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relays",
    "198.18.0.0": "benchmarks",
    "198.19.255.255": "benchmarks",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::127.0.0.1": "IPv4-compatible",
    "::8.8.8.8": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "::ffff:0:127.0.0.1": "IPv4-translated",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::8.8.8.8": "NAT64",
    "64:ff9b:1::1": "NAT64 of a network's own",
    "100::1": "discarded",
    "2001::1": "Teredo",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:2::1": "benchmarks",
    "2001:10::1": "ORCHID",
    "2001:20::1": "ORCHIDv2",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "2002:808:808::1": "6to4",
    "3fff::1": "documentation",
    "3fff:fff:ffff::1": "documentation",
    "4000::1": "not assigned",
    "5f00::1": "segment routing",
    "fe80::1": "link-local",
    "fe80::1%lo": "link-local with a zone",
    "febf::1": "link-local",
    "fd00:ec2::254": "a cloud's metadata, private by its range",
    "fd00:ec2::23": "a cloud's metadata, for containers",
    "fd20:ce::254": "a cloud's metadata, private by its range",
    "fd00:c1::a9fe:a9fe": "a cloud's metadata, private by its range",
    "fd00:42::42": "a cloud's metadata, private by its range",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
}

NO_ADDRESSES = [
    "",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1 ",
    "127.0.0.1\n",
    "1.2.3.4.5",
    "[::1]",
    "\uff11.1.1.1",
]


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert may_connect(address)
    assert may_connect(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_private_addresses_only_where_that_is_allowed(address: str) -> None:
    assert not may_connect(address)
    assert may_connect(address, allow_private=True)


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_special_addresses_never(address: str) -> None:
    assert not may_connect(address)
    assert not may_connect(address, allow_private=True)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_plain_address_never(text: str) -> None:
    assert not may_connect(text, allow_private=True)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_whatever_the_standard_library_calls_special_is_never_taken_for_public(address: IPv4Address | IPv6Address) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local

    assert not (special and may_connect(str(address)))


@pytest.mark.parametrize("name", [name for name in FORBIDDEN if "this host" in name])
def test_what_the_system_reads_as_this_host_is_among_the_forbidden(name: str) -> None:
    """The resolver of the system is the one that reads odd notations, so it says what they stand for."""
    host = urlsplit(FORBIDDEN[name]).hostname
    try:
        answers = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        assert "wrapped" in name  # glibc refuses that one; others have not
    else:
        assert ip_address(answers[0][4][0]).is_loopback
