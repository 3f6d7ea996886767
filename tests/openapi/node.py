"""The linter's package of Node, installed as its lock file pins it."""

import json
from pathlib import Path

from tests.sdk.typescript import alone, install, need_node, run

PACKAGE = Path(__file__).parent
SPECTRAL = PACKAGE / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
RULESET = PACKAGE / "ruleset.yaml"


def install_linter() -> None:
    """Install Spectral, unless exactly the packages of the lock file are there.

    Without Node the test is skipped; in CI it fails.
    """
    need_node()
    with alone(PACKAGE):
        install(PACKAGE)


def lint(document: object, folder: Path) -> list[str]:
    """Return what Spectral says of the document, a line each."""
    file, report = folder / "openapi.json", folder / "report.json"
    file.write_text(json.dumps(document))
    options: list[str | Path] = [
        "--ruleset",
        RULESET,
        "--format",
        "json",
        "--output",
        report,
        "--fail-severity",
        "error",
        "--quiet",
    ]
    run("node", SPECTRAL, "lint", file, *options, cwd=folder, allowed=(0, 1))
    return [f"{'/'.join(map(str, one['path']))}: {one['code']}: {one['message']}" for one in json.loads(report.read_text())]
