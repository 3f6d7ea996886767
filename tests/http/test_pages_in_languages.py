"""The examples of pages in Python and TypeScript print what the pages show, and the receivers of webhooks take what is signed."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from core.webhooks.signing import make_secret, sign
from local.server import free_port
from tests import walkthrough
from tests.caller import OPERATOR_KEY, Caller
from tests.sdk import typescript
from tests.system import ROOT, System
from tests.waiting import wait_for

WEBHOOKS = ROOT / "docs" / "guides" / "webhooks.md"
FIRST_TRANSFER_LINES_MAX = 12
SDK = ROOT / "sdk" / "python" / "src"
STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "--noEmitOnError"]
NODE = ["--target", "es2022", "--module", "nodenext", "--lib", "es2022", "--types", "node"]


def pages_in(language: str) -> list[Path]:
    return [page for page in walkthrough.PAGES if walkthrough.steps(page, language)]


def name(page: Path) -> str:
    return page.stem.lower()


def texts(page: Path, language: str) -> Sequence[str]:
    return [*walkthrough.set_up(page, language), *(step.programs[language] for step in walkthrough.steps(page, language))]


def compare(page: Path, language: str, printed: list[str]) -> None:
    steps = walkthrough.steps(page, language)
    walkthrough.compare(page, language, steps, printed[-len(steps) :])


def reaching(system: System) -> dict[str, str]:
    return {"TELLER_URL": system.url, "TELLER_KEY": OPERATOR_KEY, "PYTHONPATH": str(SDK)}


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of all pages in TypeScript, as JavaScript. tsc checks them as strictly as it can."""
    typescript.build()
    folder = tmp_path_factory.mktemp("examples")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "teller-client").symlink_to(typescript.PACKAGE)
    for page in pages_in("ts"):
        (folder / f"{name(page)}.mts").write_text(walkthrough.program("ts", texts(page, "ts")))
    (folder / "receiver.mts").write_text(walkthrough.files(WEBHOOKS)["receiver.ts"])
    modules = typescript.PACKAGE / "node_modules"
    tsc = modules / "typescript" / "bin" / "tsc"
    typescript.run(
        "node", tsc, *STRICT, *NODE, "--typeRoots", modules / "@types", *(file.name for file in folder.glob("*.mts")), cwd=folder
    )
    return folder


@pytest.mark.parametrize("page", pages_in("python"), ids=name)
def test_the_python_of_a_page_prints_what_it_shows(shared_system: System, page: Path) -> None:
    code = walkthrough.program("python", texts(page, "python"))

    compare(page, "python", walkthrough.outputs_of([sys.executable, "-W", "error", "-"], code, reaching(shared_system)))


@pytest.mark.parametrize("page", pages_in("ts"), ids=name)
def test_the_typescript_of_a_page_prints_what_it_shows(compiled: Path, shared_system: System, page: Path) -> None:
    program = compiled / f"{name(page)}.mjs"

    compare(page, "ts", walkthrough.outputs_of(["node", str(program)], "", reaching(shared_system)))


def test_the_first_transfer_is_the_same_in_the_readme_and_fits_twelve_lines_of_each_language() -> None:
    first, shown = (walkthrough.steps(page, "python")[0] for page in (walkthrough.START, walkthrough.README))

    assert (shown.programs, shown.output) == (first.programs, first.output)
    assert set(first.programs) == set(walkthrough.LANGUAGES)
    assert max(len(text.splitlines()) for text in first.programs.values()) <= FIRST_TRANSFER_LINES_MAX


SECRET = make_secret()
SHOWN = next(step.output for step in walkthrough.steps(walkthrough.START) if '"status": "applied"' in (step.output or "")) or ""
EVENT = {"type": "transfer.applied", "timestamp": "2026-01-31T09:30:00.000000Z", "data": {**json.loads(SHOWN), "reference": "café"}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
RECEIVERS = ("receiver.py", "by_hand.py", "receiver.ts", "Receiver.java")


@pytest.fixture(scope="module", params=RECEIVERS)
def receiver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A receiver of the page on webhooks, run as it stands there."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "SECRET": SECRET, "PYTHONPATH": str(SDK)}
    command = command_of(request, tmp_path_factory.mktemp("receiver"))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    caller = Caller(f"http://127.0.0.1:{port}", key=None)
    try:
        wait_for(lambda: listens(caller, process), "the receiver to listen", 60)
        yield caller
    finally:
        caller.close()
        process.kill()
        process.wait()


def command_of(request: pytest.FixtureRequest, folder: Path) -> Sequence[str]:
    """Write the receiver to a file, and return the command that runs it."""
    file = folder / request.param
    file.write_text(walkthrough.files(WEBHOOKS)[request.param])
    if request.param.endswith(".ts"):
        return ["node", str(request.getfixturevalue("compiled") / "receiver.mjs")]
    if request.param.endswith(".java"):
        if shutil.which("javac") is None:
            pytest.skip("the receiver in Java needs a JDK, which is not installed: apt-get install default-jdk-headless")
        return ["java", str(file)]
    return [sys.executable, str(file)]


def listens(caller: Caller, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the receiver has ended"
    try:
        caller.post("/", b"")
    except ConnectionError:
        return False
    return True


def signed(secrets: Sequence[str] = (SECRET,), body: bytes = BODY, sent_at: float | None = None) -> Mapping[str, str]:
    return sign("evt_01h455vb4pex5vsknk084sn02q", int(time.time() if sent_at is None else sent_at), body, secrets)


def test_a_shown_receiver_takes_what_is_signed_also_while_a_secret_is_replaced(receiver: Caller) -> None:
    for secrets in ([SECRET], [make_secret(), SECRET]):
        assert receiver.post("/hook", BODY, headers=signed(secrets)).status == 204


def test_a_shown_receiver_refuses_anything_else(receiver: Caller) -> None:
    of_another_event = {**signed(), "webhook-id": "evt_01h455vb4pex5vsknk084sn02r"}
    refused = {
        "another's": (BODY, signed([make_secret()])),
        "changed": (BODY.replace(b"applied", b"refused"), signed()),
        "of long ago": (BODY, signed(sent_at=time.time() - 600)),
        "of times to come": (BODY, signed(sent_at=time.time() + 600)),
        "unsigned": (BODY, {}),
        "of another event": (BODY, of_another_event),
    }

    answers = {what: receiver.post("/hook", body, headers=headers).status for what, (body, headers) in refused.items()}
    assert answers == dict.fromkeys(refused, 401)
