"""PgBouncer in front of a PostgreSQL server, where it is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest

from local.account import account_for
from local.server import free_port
from tests.waiting import wait_for

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])  # Debian's is not in every user's path
STOP_WITHIN_S = 10


@contextmanager
def pgbouncer(url: str, folder: Path, pool_mode: str, ignored: str = "options,extra_float_digits") -> Iterator[str]:
    """Give the URL of the same database through a PgBouncer in this mode, which drops these startup parameters."""
    program = shutil.which("pgbouncer", path=PATH)
    if program is None:
        pytest.skip("a pooler was NOT tested: there is no pgbouncer here (Debian: apt-get install pgbouncer)")
    folder.mkdir()
    account = account_for(folder)
    direct, port = urlsplit(url), free_port()
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{direct.username}" "{unquote(str(direct.password))}"\n')
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={direct.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = plain\nauth_file = {users}\npool_mode = {pool_mode}\n"
        f"ignore_startup_parameters = {ignored}\n"
    )
    for path in (folder, users, settings):
        account.own(path)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, settings], stdout=log, stderr=log, user=account.uid, group=account.gid, extra_groups=account.groups
        )
    address = f"{direct.netloc.rpartition('@')[0]}@127.0.0.1:{port}"
    through = urlunsplit(direct._replace(netloc=address))
    try:
        wait_for(lambda: lets_in(through), f"PgBouncer to let us in: {(folder / 'log').read_text()}")
        yield through
    finally:
        process.terminate()
        process.wait(STOP_WITHIN_S)


def lets_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
