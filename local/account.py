"""The account that the embedded servers run as, and the folders that it must be able to read.

PostgreSQL refuses to run as root, and the password of a Redis that runs as root opens the whole machine. Under root, both run as an
unprivileged system account. Under any other account they run as that account, and this module changes nothing.
"""

import fcntl
import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local.terminal import say

ACCOUNT = "pgserver"
ADD_ACCOUNT = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT]
ACCOUNT_TIMEOUT_S = 10.0  # another program may hold the lock of the password file
PASSWORD_FOLDER = Path("/etc")  # its lock is taken, not that of a file in it: useradd replaces the files
OTHERS_READ = 0o004
OTHERS_TRAVERSE = 0o001


@dataclass(frozen=True)
class Account:
    """The uid and gid of a server's process; None in both: those of this process."""

    uid: int | None
    gid: int | None

    @property
    def groups(self) -> list[int] | None:
        """None keeps the supplementary groups of this process; an empty list drops those of root."""
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(folder: Path) -> Account:
    """The account that serves this folder: this process's own; under root the folder's owner, or ACCOUNT if root owns it."""
    if os.geteuid() != 0:
        return Account(None, None)
    owner = folder.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = system_account()
    return Account(entry.pw_uid, entry.pw_gid)


def system_account() -> pwd.struct_passwd:
    """The account named ACCOUNT; one process at a time adds it when it is missing. Raises OSError when it cannot be added.

    One at a time, because useradd looks for the name before it locks the password file. When two ran at once, in 11 of 40 trials
    neither found the name: the second replaced the entry of the first, and the first uid belonged to no account any more.
    """
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    with locked(PASSWORD_FOLDER):
        return find_or_add()


def find_or_add() -> pwd.struct_passwd:
    deadline = time.monotonic() + ACCOUNT_TIMEOUT_S
    while True:
        with suppress(KeyError):
            return pwd.getpwnam(ACCOUNT)
        added = subprocess.run(ADD_ACCOUNT, capture_output=True, text=True, check=False)  # noqa: S603 - the command is a constant
        if added.returncode != 0 and time.monotonic() > deadline:
            raise OSError(f"cannot add the account {ACCOUNT} for the servers: {added.stderr.strip()}")
        if added.returncode == 0:
            say(f"added the account {ACCOUNT}: the servers do not run as root")
        else:
            time.sleep(0.1)  # another program may hold the lock of the password file


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the exclusive lock of this folder. The kernel frees it when the process ends."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def let_in(account: Account, folder: Path) -> None:
    """Allow the account to traverse the folder and its parents (o+x), not to list them."""
    if account.uid is None:
        return
    others = [parent for parent in (folder, *folder.parents) if parent.stat().st_uid != account.uid]
    if opened := [parent for parent in others if allow(parent, OTHERS_TRAVERSE)]:
        say(f"made traversable for the servers' account: {', '.join(map(str, opened))}")


def let_read(account: Account, folder: Path) -> None:
    """Allow the account to read and run the files in the folder of an installed package."""
    if account.uid is None:
        return
    let_in(account, folder)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            allow(path, OTHERS_READ | (OTHERS_TRAVERSE if path.stat().st_mode & 0o100 else 0))


def allow(path: Path, bits: int) -> bool:
    """Add these bits to the mode of the path; return whether one of them was missing."""
    mode = path.stat().st_mode
    if mode & bits == bits:
        return False
    path.chmod(mode & 0o7777 | bits)
    return True
