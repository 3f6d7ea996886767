"""The commands of README, walk-through and recipes are run, and so is the receiver of the page on webhooks."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from core.settings import Settings
from core.webhooks.signing import make_secret, sign
from local.server import free_port
from tests import walkthrough
from tests.caller import OPERATOR_KEY, Caller
from tests.system import System
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
WEBHOOKS = ROOT / "docs" / "concepts" / "webhooks.md"


@pytest.mark.parametrize("page", walkthrough.PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_shows(shared_system: System, page: Path) -> None:
    assert walkthrough.check(page, shared_system.url, OPERATOR_KEY, shared_system.database_url) > 1


def test_the_audit_prints_what_the_walk_through_shows(shared_system: System) -> None:
    shown = re.search(r"^```\n(ok .*?)\n```$", walkthrough.START.read_text(), re.MULTILINE | re.DOTALL)

    assert shown
    assert without_counts(shown[1]) == without_counts("\n".join(shared_system.audit().lines()))


def without_counts(text: str) -> str:
    return re.sub(r"\d+(?= (transfers|entries|wallets|of clients|external))", "N", text)


def written(field: FieldInfo) -> str:
    """The default as a text; empty where there is none, where it is empty, or where it depends on the machine."""
    return "" if field.default in (None, ()) or field.default_factory else str(field.default)


COMPOSE = {
    name: default
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text())
    if name != "COMPOSE_PROJECT_NAME"
}


def test_the_compose_file_has_the_defaults_of_the_code() -> None:
    """But for the shards, of which it says nothing: `migrate` warns where a number is set and ignored."""
    fields = {str(field.alias): field for field in Settings.model_fields.values() if field.alias != "TELLER_SHARDS"}

    assert COMPOSE["TELLER_SHARDS"] == ""
    assert {name: default for name, default in COMPOSE.items() if name in fields} == {
        name: written(fields[name]) if fields[name].default else "" for name in COMPOSE if name in fields
    }


def test_env_example_shows_every_setting_of_the_compose_file_with_its_default() -> None:
    example = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == COMPOSE


SECRET = make_secret()
BODY = b'{"type":"transfer.applied","data":{"reference":"caf\xc3\xa9"}}'


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """The receiver of the page on webhooks, run as it stands there."""
    [lines] = re.findall(r"^```python\n(.*?)^```$", WEBHOOKS.read_text(), re.MULTILINE | re.DOTALL)
    script = tmp_path_factory.mktemp("receiver") / "receiver.py"
    script.write_text(lines)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PORT": str(port), "SECRET": SECRET}, stderr=subprocess.DEVNULL
    )
    caller = Caller(f"http://127.0.0.1:{port}", key=None)
    wait_for(lambda: listens(caller), "the receiver to listen")
    yield caller
    caller.close()
    process.kill()
    process.wait()


def listens(caller: Caller) -> bool:
    try:
        return caller.request("GET", "/").status == 501
    except ConnectionError:
        return False


def test_the_shown_receiver_takes_what_is_signed_also_while_a_secret_is_replaced(receiver: Caller) -> None:
    for secrets in ([SECRET], [make_secret(), SECRET]):
        headers = sign("evt_01h455vb4pex5vsknk084sn02q", int(time.time()), BODY, secrets)
        assert receiver.post("/hook", BODY, headers=headers).status == 204


@pytest.mark.parametrize("what", ["another's", "changed", "of long ago", "of times to come", "unsigned", "of another event"])
def test_the_shown_receiver_refuses_anything_else(receiver: Caller, what: str) -> None:
    sent_at = int(time.time()) + {"of long ago": -600, "of times to come": 600}.get(what, 0)
    headers = sign("evt_01h455vb4pex5vsknk084sn02q", sent_at, BODY, [make_secret() if what == "another's" else SECRET])
    body = BODY.replace(b"applied", b"refused") if what == "changed" else BODY
    if what == "unsigned":
        headers = {}
    if what == "of another event":
        headers["webhook-id"] = headers["webhook-id"].replace("q", "r")

    assert receiver.post("/hook", body, headers=headers).status == 401
