"""HAProxy with a file of deploy/hosts, where it is installed, at addresses of this machine."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.server import free_port
from tests.system import ROOT
from tests.waiting import wait_for

FILES = ROOT / "deploy" / "hosts" / "haproxy"
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])  # Debian's is not in every user's path


def haproxy() -> str:
    """Return the path of HAProxy; skip the test where there is none."""
    program = shutil.which("haproxy", path=PATH)
    if program is None:
        pytest.skip("a balancer was NOT tested: there is no haproxy here (Debian: apt-get install haproxy)")
    return program


@contextmanager
def before_apis(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Give the URL of HAProxy with api.cfg, without TLS, before the APIs of these two ports."""
    program, port = haproxy(), free_port()
    first, second = ports
    text = (FILES / "api.cfg").read_text()
    text = re.sub(r"bind :443 ssl crt \S+ alpn \S+", f"bind 127.0.0.1:{port}", text)
    text = text.replace("10.0.0.11:8000", f"127.0.0.1:{first}").replace("10.0.0.12:8000", f"127.0.0.1:{second}")
    file = folder / "haproxy.cfg"
    file.write_text(text.replace("maxconn 20000", "maxconn 100"))  # open files: a test may have fewer
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([program, "-db", "-f", file], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(process, port, log.name), "HAProxy to listen")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(process: subprocess.Popen[bytes], port: int, log: str) -> bool:
    assert process.poll() is None, Path(log).read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
