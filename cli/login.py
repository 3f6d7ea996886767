"""teller login: store an address and a key."""

import getpass
import os
import sys
from typing import Annotated

from cyclopts import Parameter

from cli import local_login, output, profiles
from cli.exits import WELL, Cannot
from cli.options import DEFAULTS, Common
from cli.session import client


def login(*, common: Common = DEFAULTS, remove: Annotated[bool, Parameter(negative="", help="forget the login")] = False) -> int:
    """Store an address and a key in a file that only you may read (mode 600), for all later commands.

    The address comes from --url or TELLER_URL. The key comes from --key or TELLER_KEY, is asked for at a terminal, or is read from
    standard input. Both are tried before they are stored. --profile gives the login a name: later commands take it with --profile.

    Without an address, in the folder of a running `teller run`, it makes an operator key for that system and stores it beside its
    data.
    """
    name = common.profile or profiles.DEFAULT
    if remove:
        return removed(name)
    url = common.url or os.environ.get("TELLER_URL")
    if url is None and name in {profiles.DEFAULT, profiles.LOCAL}:
        return login_here(common)
    if url is None:
        raise Cannot("say the API's address, with --url or TELLER_URL")
    if name == profiles.LOCAL:
        raise Cannot("`local` names the system of the folder: give this login another name")
    key = common.key or os.environ.get("TELLER_KEY") or asked()
    check(url, key, common)
    profiles.store(name, url, key)
    return said(name, url, str(profiles.file()), common)


def login_here(common: Common) -> int:
    """Make a key for the system of this folder. Raises Cannot where none runs."""
    running = profiles.running_here()
    if running is None:
        raise Cannot("say the API's address, with --url or TELLER_URL: nothing runs in this folder or above it")
    key = local_login.make_key(running)
    check(running["api_url"], key, common)
    profiles.store_local_key(key)
    return said(profiles.LOCAL, running["api_url"], str(profiles.data_dir()), common)


def removed(name: str) -> int:
    stored = profiles.read()
    if name not in stored:
        raise Cannot(f"there is no profile {name!r}")
    stored.pop(name)
    profiles.write_private(profiles.file(), {"profiles": stored})
    output.line(f"forgot {name}; the key itself is still good: `teller keys revoke` ends it")
    return WELL


def asked() -> str:
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise Cannot("a login needs a key")
    return key.strip()


def check(url: str, key: str, common: Common) -> None:
    """Ask the API something that every key may ask. Raises the SDK's errors."""
    with client(url, key, common.retry_within) as teller:
        teller.request("GET", "/v1/events", query={"limit": 1})


def said(name: str, url: str, where: str, common: Common) -> int:
    if common.json:
        output.json_document({"profile": name, "url": url})
    else:
        output.line(f"logged in to {url} as {name}; stored in {where}")
    return WELL
