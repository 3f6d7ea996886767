"""The TypeScript SDK as a package: types as the API gives them, installed as users install it, its page executed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.version import VERSION
from tests.caller import OPERATOR_KEY
from tests.sdk import typescript
from tests.sdk.typescript import PACKAGE, run
from tests.system import System

README = PACKAGE / "README.md"
FIRST_TRANSFER_LINES_MAX = 12
STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"]
TSC = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
PRETTIER = PACKAGE / "node_modules" / "prettier" / "bin" / "prettier.cjs"
TYPES = PACKAGE / "node_modules" / "@types"


@pytest.fixture(scope="module")
def built() -> None:
    typescript.build()


@pytest.fixture(scope="module")
def installed(built: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program's folder in which the packed package is installed, without any network."""
    folder = tmp_path_factory.mktemp("program")
    packed = folder / "packed"
    packed.mkdir()
    [report] = json.loads(run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", packed))
    (folder / "package.json").write_text('{"private": true}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", packed / report["filename"], cwd=folder)
    return folder


def blocks() -> Sequence[str]:
    return re.findall(r"^```ts\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def reaching(system: System) -> dict[str, str]:
    return {"TELLER_URL": system.url, "TELLER_KEY": OPERATOR_KEY}


def test_the_package_has_the_version_of_teller() -> None:
    manifest, lock = (json.loads((PACKAGE / name).read_text()) for name in ("package.json", "package-lock.json"))

    assert manifest["version"] == lock["version"] == lock["packages"][""]["version"] == VERSION


def test_the_package_needs_no_other_and_the_tools_that_build_it_are_pinned_without_a_registry() -> None:
    manifest, lock = (json.loads((PACKAGE / name).read_text()) for name in ("package.json", "package-lock.json"))

    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & manifest.keys()
    assert [each for each in manifest["devDependencies"].values() if not re.fullmatch(r"\d+\.\d+\.\d+", each)] == []
    assert [name for name, each in lock["packages"].items() if name and not ("integrity" in each and "resolved" not in each)] == []


def test_the_types_are_those_that_the_openapi_document_gives_now(built: None) -> None:
    run("node", "scripts/generate.mjs", "--check", environment={"TELLER_PYTHON": sys.executable})


def test_the_sources_have_the_form_that_prettier_gives_them(built: None) -> None:
    run("node", PRETTIER, "--check", "src", "test", "scripts", "package.json", "tsconfig.json")


def test_what_javascript_alone_can_do_is_done_well(built: None) -> None:
    run("node", "--test", ".test/client.test.js")


def test_the_package_holds_what_runs_and_no_more(installed: Path) -> None:
    package = installed / "node_modules" / "teller-client"
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}

    assert {name.split("/")[0] for name in files} == {"LICENSE", "README.md", "dist", "package.json"}
    assert {name.split("/")[1] for name in files if name.startswith("dist/")} == {"esm", "cjs"}
    assert (package / "LICENSE").read_text() == (PACKAGE.parents[1] / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("program.mjs", 'import { Teller, VERSION } from "teller-client"; console.log(typeof Teller, VERSION);'),
        ("program.cjs", 'const { Teller, VERSION } = require("teller-client"); console.log(typeof Teller, VERSION);'),
    ],
)
def test_the_installed_package_can_be_imported_and_required(installed: Path, name: str, script: str) -> None:
    (installed / name).write_text(script)

    assert run("node", name, cwd=installed).split() == ["function", VERSION]


@pytest.fixture(scope="module")
def said_by_tsc(installed: Path) -> str:
    """What the strictest tsc says of programs for Node of both forms, the page's among them. It writes them as JavaScript."""
    good = 'import { Teller } from "teller-client";\nexport const sent = new Teller().transfers.get("trf_a");\n'
    bad = good + 'new Teller().transfers.create({ source: "wal_a", destination: "wal_b", amount: 1 }); // the key is missing\n'
    programs = {"esm.mts": good, "cjs.cts": good, "bad.mts": bad, "page.mts": "\n".join([*blocks(), RECEIVED])}
    for name, program in programs.items():
        (installed / name).write_text(program)
    flags = [*STRICT, "--module", "nodenext", "--lib", "es2022", "--typeRoots", str(TYPES), "--types", "node"]
    return subprocess.run(["node", TSC, *flags, *programs], cwd=installed, capture_output=True, text=True, check=False).stdout


def test_strict_programs_of_both_forms_compile_and_a_payment_without_a_key_does_not(said_by_tsc: str) -> None:
    assert [line.split("(")[0] for line in said_by_tsc.splitlines() if ": error TS" in line] == ["bad.mts"], said_by_tsc
    assert "Property 'key' is missing" in said_by_tsc


def test_the_first_transfer_of_the_page_fits_twelve_lines_and_runs(installed: Path, shared_system: System) -> None:
    first = blocks()[0]
    (installed / "first.mjs").write_text(first)

    assert len(first.splitlines()) <= FIRST_TRANSFER_LINES_MAX
    assert run("node", "first.mjs", cwd=installed, environment=reaching(shared_system)) == "applied 1050\n"


RECEIVED = """
import { createHmac } from "node:crypto";
const payload = JSON.stringify({ type: "transfer.applied", timestamp: new Date().toISOString(), data: sent });
const at = String(Math.floor(Date.now() / 1000));
const digest = createHmac("sha256", Buffer.from(secrets[0]!.slice(6), "base64")).update(`evt_a.${at}.${payload}`).digest("base64");
for (const signature of [digest, digest.toLowerCase()]) {
  const headers = { "webhook-id": "evt_a", "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
  console.log((await receive(new Request("http://receiver.example", { method: "POST", body: payload, headers }))).status);
}
"""


def test_the_page_is_one_program_that_runs(installed: Path, said_by_tsc: str, shared_system: System) -> None:
    printed = run("node", "page.mjs", cwd=installed, environment=reaching(shared_system)).splitlines()

    assert printed[:5] == [
        "applied 1050",
        "rejected insufficient_funds",
        "Bob has too little",
        "scheduled canceled",
        "[ 'queued', 'queued' ]",
    ]
    assert [line for line in printed if line in {"204", "401"}] == ["204", "401"]


@pytest.mark.skipif(shutil.which("node") is None, reason="it hides node, and there is none")
@pytest.mark.parametrize("ci", [None, "true"])
def test_without_node_the_tests_are_skipped_and_ci_fails(ci: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)

    with pytest.raises(pytest.fail.Exception if ci else pytest.skip.Exception, match="needs node, which is not installed"):
        typescript.need_node()


@pytest.mark.parametrize(("version", "says"), [("v18.19.1", "Node 20 or later, and this is v18.19.1"), ("v22.0.0", None)])
def test_an_older_node_is_named(version: str, says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    missing = typescript.what_is_missing()

    assert missing is None if says is None else says in (missing or "")
