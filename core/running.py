"""The system that `make run` or `teller run` runs on this machine: its data directory, and the databases that it works on."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

FOLDER = ".teller"
HOME = Path(__file__).resolve().parents[1]  # of the packages: a checkout, or the folder of installed packages

DATABASES = {  # the settings of a command, by their names in local.json
    "DATABASE_URL": "database_url",
    "TELLER_ADMIN_DATABASE_URL": "admin_database_url",
    "TELLER_WORKER_DATABASE_URL": "worker_database_url",
    "TELLER_DELIVERER_DATABASE_URL": "deliverer_database_url",
}


def data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the data directory: TELLER_DATA_DIR, or `.teller` in the current folder.

    An installed Teller may be started from any folder. Where the current one has no `.teller`, it uses that of the user:
    `teller` in XDG_DATA_HOME (default: ~/.local/share).
    """
    here = Path(FOLDER)
    if configured := environment.get("TELLER_DATA_DIR"):
        return Path(configured).resolve()
    if here.is_dir() or is_checkout():
        return here.resolve()
    shared = Path(environment.get("XDG_DATA_HOME", ""))  # a relative one counts as unset (XDG Base Directory Specification 0.8)
    return (shared if shared.is_absolute() else Path(environment.get("HOME", "/")) / ".local" / "share") / "teller"


def is_checkout() -> bool:
    return (HOME / "pyproject.toml").exists()


def databases(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings that lead to the databases of the system that runs here. Empty where none runs, or one is configured."""
    if any(environment.get(name) or environment.get(f"{name}_FILE") for name in DATABASES):
        return {}
    try:
        state = json.loads(read_private(data_dir(environment) / "local.json"))
    except OSError:  # no file, or one that this account may not read
        return {}
    return {name: state[key] for name, key in DATABASES.items() if state.get(key)}


def read_private(file: Path) -> str:
    """Return the content of a file of this account. One of another account counts as missing: it could name any database."""
    with open(file, opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as opened:
        status = os.fstat(opened.fileno())
        if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(file)
        return opened.read()
