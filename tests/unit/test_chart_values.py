"""The values of the Helm chart: their schema is strict, knows each setting of Teller, and is what values.yaml has."""

import json
from collections.abc import Iterator
from typing import Any

import yaml  # type: ignore[import-untyped]

from core.ledger.sharding import SHARDS_MAX
from core.settings import API, APPLYING, DELIVERER, SECRETS, SWEEPER, About, Settings
from core.version import VERSION
from tests.chart.chart import OLDEST
from tests.system import ROOT

CHART = ROOT / "deploy" / "helm" / "teller"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())

# Of the settings, what the chart sets itself or has as values of its own.
SET_BY_THE_CHART = {
    *("TELLER_HOST", "TELLER_PORT", "TELLER_API_PROCESSES", "TELLER_METRICS_PORT", "TELLER_HEARTBEAT_FILE"),
    *("TELLER_LOG_LEVEL", "TELLER_SHARDS", "TELLER_WEBHOOK_ALLOW_PRIVATE"),
}
FREE = {"global"}  # Helm's own


def objects(schema: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema of an object in this one, with its place."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield name, schema
        for key, below in schema.items():
            yield from objects(below, f"{name}.{key}")
    elif isinstance(schema, list):
        for below in schema:
            yield from objects(below, name)


def read_by(*processes: str) -> dict[str, Any]:
    """The settings that one of the processes reads, but for secrets and what the chart sets."""
    found = {}
    for field in Settings.model_fields.values():
        [about] = [one for one in field.metadata if isinstance(one, About)]
        if field.alias and set(processes) & set(about.read_by) and field.alias not in {*SECRETS, *SET_BY_THE_CHART}:
            found[field.alias] = field
    return found


def bounds(field: Any) -> dict[str, float | None]:
    return {key: next((getattr(one, key) for one in field.metadata if hasattr(one, key)), None) for key in ("ge", "gt", "le")}


def test_every_object_of_the_schema_refuses_unknown_names() -> None:
    loose = [name for name, schema in objects(SCHEMA) if schema.get("additionalProperties", True) is True]

    assert [name for name in loose if name.rpartition(".")[2] not in FREE] == []


def test_each_process_may_be_given_the_settings_that_it_reads_and_no_others() -> None:
    def known(process: str) -> set[str]:
        return set(SCHEMA["properties"][process]["properties"].get("settings", {"properties": {}})["properties"])

    assert known("api") == set(read_by(API))
    assert known("sweeper") == set(read_by(SWEEPER))
    assert known("worker") == set(read_by(*APPLYING)) - set(read_by(SWEEPER)) == set()
    assert known("deliverer") == set(read_by(DELIVERER)) == set()


def test_the_bounds_of_settings_are_those_of_teller() -> None:
    for process in (API, SWEEPER):
        for name, schema in SCHEMA["properties"][process]["properties"]["settings"]["properties"].items():
            given = {"ge": schema.get("minimum"), "gt": schema.get("exclusiveMinimum"), "le": schema.get("maximum")}
            assert given == bounds(read_by(process)[name]), name
    assert SCHEMA["properties"]["shards"]["enum"] == [2**power for power in range(SHARDS_MAX.bit_length())]


def test_each_value_of_the_schema_is_in_values_yaml_and_commented_there() -> None:
    assert set(SCHEMA["properties"]) - FREE == VALUES.keys()
    for name, schema in SCHEMA["properties"].items():
        if name not in FREE and schema.get("properties"):
            assert set(schema["properties"]) == VALUES[name].keys(), name


def test_the_chart_has_the_version_of_teller() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == VERSION
    assert chart["kubeVersion"] == f">={OLDEST}.0-0"
