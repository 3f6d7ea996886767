"""Which URLs webhooks may be sent to, as far as their text tells."""

import pytest

from core.webhook_urls import URL_LENGTH_MAX, UrlForbidden, UrlInvalid, check

GOOD = [
    "https://example.com",
    "https://example.com/",
    "https://EXAMPLE.com:443/hook?a=b&c=%20",
    "https://example.com:8443/hook",
    "https://a-b.c_d.example.com/x@y:z",
    "https://xn--bcher-kva.example/",
    "https://example.com/" + "a" * (URL_LENGTH_MAX - 20),
    "https://3com.com",
    "https://example.3com",
]

# Allowed for development alone.
FORBIDDEN = [
    "http://example.com/",
    "https://example.com:80/",
    "https://example.com:22/",
    "https://example.com:65535/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://1.2.3.4:8443/",
    "https://example.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]:443/",
    "https://[fe80::1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://metadata/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://1.0.0.127.in-addr.arpa/",
    "http://localhost:8080/hook",
]

FORBIDDEN_ALWAYS = [
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "http://a@localhost/",
]

INVALID = [
    "",
    "x",
    "example.com",
    "/hook",
    "//example.com/",
    "https:",
    "https:/",
    "https://",
    "https:///hook",
    "https:example.com",
    "https://:443/",
    "https://?x",
    "ftp://example.com/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:port/",
    "https://example.com:-1/",
    "https://example.com/#fragment",
    "https://example.com/a b",
    "https://example.com/a\n",
    "https://example.com\t/",
    "https://example.com\\@evil.com/",
    "https://example.com/\x00",
    "https://bücher.example/",
    "https://example.com/ü",
    "https://ex%61mple.com/",
    "https://example.com/%",
    "https://example.com/%zz",
    "https://example..com/",
    "https://.example.com/",
    "https://example.com./",
    "https://-example.com/",
    "https://example-.com/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 127 + "com/",
    "https://[::1/",
    "https://[example.com]/",
    "https://[v1.x]/",
    "https://[::g]/",
    "https://example.com/" + "a" * (URL_LENGTH_MAX - 19),
]


@pytest.mark.parametrize("url", GOOD)
def test_a_public_https_url_is_accepted(url: str) -> None:
    check(url, allow_private=False)
    check(url, allow_private=True)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_what_is_not_public_is_for_development_alone(url: str) -> None:
    with pytest.raises(UrlForbidden):
        check(url, allow_private=False)
    check(url, allow_private=True)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("url", FORBIDDEN_ALWAYS)
def test_a_user_or_a_password_is_always_forbidden(url: str, allow_private: bool) -> None:
    with pytest.raises(UrlForbidden):
        check(url, allow_private=allow_private)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("url", INVALID)
def test_what_is_no_url_is_invalid(url: str, allow_private: bool) -> None:
    with pytest.raises(UrlInvalid):
        check(url, allow_private=allow_private)
