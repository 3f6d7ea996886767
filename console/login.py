"""Logins: the person's key, sealed in a cookie. The console stores none, and a page never holds one."""

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Literal

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import Response

from console.api import Api, Refused

COOKIE = "teller_console"
LASTS_S = 8 * 3600  # a working day
FREE = 5  # bad logins of an address that are answered at once. These five are guesses
FIRST_WAIT_S = 0.25
WAIT_MAX_S = 4.0
FORGET_AFTER_S = 600.0
ADDRESSES_MAX = 1000  # some 200 kB
KEYS_READ_MAX = 300  # of which the person's key is looked for, to show its name

Role = Literal["operator", "viewer"]


class NotForClients(Exception):
    """A client's key: the console is for operators and viewers."""


@dataclass(frozen=True)
class Login:
    """The login of a person. `csrf` is in each form, and must come back with it."""

    key: str
    role: Role
    person: str
    csrf: str

    @property
    def acts(self) -> bool:
        return self.role == "operator"


class Seal:
    """Seals logins by Fernet: AES-128-CBC with HMAC-SHA-256 (https://github.com/fernet/spec), and the time of the sealing."""

    def __init__(self, secret: str | None) -> None:
        digest = hashlib.sha256(f"teller console {secret or secrets.token_hex(32)}".encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def write(self, response: Response, login: Login, request: Request) -> None:
        sealed = self._fernet.encrypt(json.dumps(asdict(login)).encode()).decode()
        response.set_cookie(
            COOKIE, sealed, max_age=LASTS_S, path="/", httponly=True, samesite="strict", secure=came_over_tls(request)
        )

    def read(self, request: Request) -> Login | None:
        """Return the login of a request's cookie, None where there is none or it is too old."""
        try:
            opened = self._fernet.decrypt(request.cookies.get(COOKIE, "").encode(), ttl=LASTS_S)
            return Login(**json.loads(opened))
        except (InvalidToken, TypeError):  # TypeError: another version of the console has sealed other fields
            return None


class BadLogins:
    """Bad logins by address: each after the first FREE is answered later, so that a program tries few keys.

    Only answers to bad keys wait. So a person with a good key logs in at once, also from the same address.
    """

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}  # how many, and when the last one was; the newest is the last

    def add(self, address: str, now: float) -> float:
        """Count a bad login, and return the seconds that its answer has to wait."""
        count, at = self._counts.pop(address, (0, now))
        count = count + 1 if now - at < FORGET_AFTER_S else 1
        self._counts[address] = (count, now)
        if len(self._counts) > ADDRESSES_MAX:
            self._counts.pop(next(iter(self._counts)))
        return min(FIRST_WAIT_S * 2 ** min(count - FREE - 1, 10), WAIT_MAX_S) if count > FREE else 0.0


def came_over_tls(request: Request) -> bool:
    """Whether the browser used https, also to a proxy in front of the console. A wrong header only makes the cookie stricter."""
    first = request.headers.get("x-forwarded-proto", "").partition(",")[0]  # each further proxy adds its own after a comma
    return "https" in {request.url.scheme, first.strip().lower()}


async def log_in(api: Api) -> Login:
    """Return the login of the key. Raises Refused for a key that is not known, NotForClients, and Away."""
    try:
        await api.get("/v1/ops/queue")
    except Refused as refused:
        if refused.status == 403:
            raise NotForClients from None
        raise
    role: Role = "operator" if await may_act(api) else "viewer"
    return Login(api.key, role, await name_of(api), secrets.token_urlsafe(24))


async def may_act(api: Api) -> bool:
    """Whether the key is an operator's: only viewers may not see when the secret for callback URLs was made."""
    try:
        await api.find("/v1/webhook-secret")
    except Refused as refused:
        if refused.status == 403:
            return False
        raise
    return True


def hint_of(key: str) -> str:
    """Return the hint of a key, as the API and its lists have it."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


async def name_of(api: Api) -> str:
    """Return the name of the person's key, or how lists of keys show it."""
    hint = hint_of(api.key)
    async for key in api.rows("/v1/keys", KEYS_READ_MAX):
        if key["hint"] == hint:
            return str(key["name"] or f"key {hint}")
    return f"key {hint}"
