"""Renders the chart and checks what comes out: by Kubernetes' schemas, and by small ones for the kinds of operators.

Kubernetes drops a field that it does not know without a word, and so do the operators. So each schema refuses unknown fields.
"""

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import yaml  # type: ignore[import-untyped]
from kubernetes_validate import utils

from tests.system import ROOT

CHART = ROOT / "deploy" / "helm" / "teller"
VALUES = tuple(sorted((CHART / "ci").glob("*.yaml")))
OWN_SCHEMAS = Path(__file__).parent / "schemas"
OLDEST, NEWEST = "1.29", 3  # minor versions of Kubernetes: the chart's kubeVersion, and how many of the newest

Object = dict[str, Any]

# A validation reads two files, one of a megabyte, each time.
utils.schema_contents = functools.cache(utils.schema_contents)


class Refused(Exception):
    """Helm, or a schema, refuses the chart. The message says why."""


def helm() -> str | None:
    """Return the path of Helm: of the PATH, or where `go install` puts it."""
    return shutil.which("helm") or shutil.which("helm", path=str(Path.home() / "go" / "bin"))


def versions() -> Sequence[str]:
    """Return the oldest minor version of Kubernetes that the chart supports, and the newest whose schemas are installed."""
    known: list[str] = utils.all_versions()
    return [OLDEST, *known[-NEWEST:]]


def lint(chart: Path, *arguments: str) -> None:
    """Raises Refused."""
    call("lint", str(chart), "--strict", "--quiet", "--kube-version", versions()[-1], *arguments)


def render(chart: Path, *arguments: str) -> list[Object]:
    """Return the objects of a release named teller. Raises Refused."""
    text = call("template", "teller", str(chart), "--namespace", "money", "--kube-version", versions()[-1], *arguments)
    return [one for one in yaml.safe_load_all(text) if one]


def call(*arguments: str) -> str:
    program = helm()
    assert program is not None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


def validate(found: Object, version: str) -> None:
    """Check the object against the schema of its kind, which refuses unknown fields. Raises Refused."""
    try:
        if (own := OWN_SCHEMAS / f"{found['kind'].lower()}.json").exists():
            jsonschema.Draft202012Validator(json.loads(own.read_text())).validate(found)
        else:
            kubernetes_validate.validate(found, version, strict=True)
    except (jsonschema.ValidationError, utils.SchemaNotFoundError) as error:
        raise Refused(f"{found['kind']} {found['metadata']['name']}: {getattr(error, 'json_path', '')} {error.message}") from None


def pods(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """The pod of each Deployment, Job and CronJob, by its kind of Teller."""
    for one in objects:
        spec = one.get("spec", {})
        template = (spec.get("jobTemplate", {}).get("spec", spec)).get("template")
        if template is not None:
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template


def of_kind(objects: Sequence[Object], kind: str) -> dict[str, Object]:
    """The objects of a kind of Kubernetes, by name."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def variables(pod: Object) -> dict[str, Object]:
    """The environment of the pod's container, by name."""
    return {one["name"]: one for one in pod["spec"]["containers"][0]["env"]}
