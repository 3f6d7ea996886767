"""Where the API's address and key come from: arguments, the environment, a stored login, or the system that runs in this folder.

A key goes only to the address that it belongs to: that of a login is not sent to the address of an argument.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.exits import Cannot
from cli.options import Common
from core import running

LOCAL = "local"
DEFAULT = "default"


@dataclass(frozen=True)
class Target:
    """An API and a key for it. `said_by` names where the address stands."""

    url: str
    key: str
    said_by: str


@dataclass(frozen=True)
class Source:
    """An address, a key, or both, from one place."""

    said_by: str
    url: str | None
    key: str | None


def target(common: Common) -> Target:
    """Return the API and the key of this call. Raises Cannot when one of them is nowhere."""
    found = list(sources(common))
    place = next((one for one in found if one.url), None)
    if place is None or place.url is None:
        raise Cannot("no API is named: call `teller login`, or set TELLER_URL and TELLER_KEY; `teller run` starts one here")
    key = next((one.key for one in found if one.key and (one.url is None or same(one.url, place.url))), None)
    if key is None and place.said_by == LOCAL:
        key = local_key()
    if key is None:
        raise Cannot(f"no key for {place.url}: call `teller login`, or set TELLER_KEY")
    return Target(place.url, key, place.said_by)


def sources(common: Common) -> Iterator[Source]:
    """Yield the places in the order in which they are asked. A profile that is named is asked before the environment."""
    yield Source("--url", common.url, None)
    yield Source("--key", None, common.key)
    if common.profile is not None:
        yield named(common.profile)
        return
    yield Source("TELLER_URL", os.environ.get("TELLER_URL"), None)
    yield Source("TELLER_KEY", None, os.environ.get("TELLER_KEY"))
    chosen = os.environ.get("TELLER_PROFILE")
    if chosen:
        yield named(chosen)
        return
    if DEFAULT in (stored := read()):
        yield source_of(DEFAULT, stored[DEFAULT])
    if state := running_here():
        yield Source(LOCAL, state["api_url"], None)


def named(name: str) -> Source:
    """Return the profile of this name. Raises Cannot when there is none."""
    if name == LOCAL:
        state = running_here()
        if state is None:
            raise Cannot("nothing runs in this folder or above it: no .teller/local.json of yours is there")
        return Source(LOCAL, state["api_url"], None)
    stored = read()
    if name not in stored:
        raise Cannot(f"there is no profile {name!r}; stored are: {', '.join(sorted(stored)) or 'none'}")
    return source_of(name, stored[name])


def source_of(name: str, login: Mapping[str, Any]) -> Source:
    return Source(f"profile {name}", login.get("url"), login.get("key"))


def same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def file() -> Path:
    """Return the file of the logins: in XDG_CONFIG_HOME, or ~/.config."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "teller" / "profiles.json"


def read() -> dict[str, dict[str, Any]]:
    """Return the stored logins by name. Raises Cannot for a file that others may read, or that is none of this command."""
    try:
        with file().open() as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise Cannot(f"{file()} holds keys and may be read by others (mode {mode:o}): chmod 600 it")
            logins = json.load(opened)["profiles"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Cannot(f"{file()} cannot be read: {error}") from None
    if not isinstance(logins, dict) or not all(isinstance(each, dict) for each in logins.values()):
        raise Cannot(f"{file()} is no file of this command")
    return logins


def store(name: str, url: str, key: str) -> None:
    """Add the login, or replace it. Only the file's owner may read it (mode 600)."""
    logins = {**read(), name: {"url": url, "key": key}}
    write_private(file(), {"profiles": logins})


def write_private(path: Path, content: object) -> None:
    """Replace the file in one step; it is never open to others."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as opened:
            json.dump(content, opened, indent=2)
        draft.replace(path)
    except OSError as error:
        raise Cannot(f"{path} cannot be written: {error.strerror}") from None


def data_dir() -> Path | None:
    """Return the data directory of the system that runs in this folder or one above it, or else where core/running.py says."""
    here = Path.cwd()
    above = [] if "TELLER_DATA_DIR" in os.environ else [folder / running.FOLDER for folder in (here, *here.parents)]
    return next((folder for folder in (*above, running.data_dir()) if is_running(folder)), None)


def is_running(folder: Path) -> bool:
    """Return whether the folder has a local.json of this account that no other may read: another one may name any address."""
    try:
        state = (folder / "local.json").stat()
    except OSError:
        return False
    return state.st_uid == os.geteuid() and not state.st_mode & 0o077


def running_here() -> dict[str, Any] | None:
    """Return the contents of local.json of the system that runs here; None where none runs."""
    folder = data_dir()
    if folder is None:
        return None
    try:
        state = json.loads((folder / "local.json").read_text())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) and isinstance(state.get("api_url"), str) else None


def local_key() -> str | None:
    """Return the operator key for the system that runs here: the configured one, or the one that is stored beside its data."""
    if configured := os.environ.get("TELLER_OPERATOR_KEY"):
        return configured
    folder = data_dir()
    try:
        key = json.loads((folder / "login.json").read_text())["key"] if folder else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None


def store_local_key(key: str) -> None:
    folder = data_dir()
    assert folder is not None  # the caller has just found the system there
    write_private(folder / "login.json", {"key": key})
