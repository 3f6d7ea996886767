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
            opened = self._fernet.decrypt(request.cookies.get(COOKIE, ""), ttl=LASTS_S)
        except InvalidToken:
            return None
        return Login(**json.loads(opened))


def came_over_tls(request: Request) -> bool:
    """Whether the browser used https, also to a proxy in front of the console. A wrong header only makes the cookie stricter."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "")}


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


async def name_of(api: Api) -> str:
    """Return the name of the person's key, or how lists of keys show it."""
    hint = hashlib.sha256(api.key.encode()).hexdigest()[:8]
    async for key in api.rows("/v1/keys", KEYS_READ_MAX):
        if key["hint"] == hint:
            return str(key["name"] or f"key {hint}")
    return f"key {hint}"
