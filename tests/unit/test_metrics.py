"""Each metric is shown by the processes whose code counts it, and by no others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

import api.http.problems as counts_problems
from core import metrics
from core.metrics import COUNTED_BY, OF_ALL, REGISTRY
from tests.system import ROOT

FOLDERS = {"api": ["api"], "apply": ["worker/ledger"], "sweep": ["worker/ledger"], "deliver": ["worker/webhooks"]}
ELSEWHERE = {  # counted in core, on behalf of these
    "api": {"teller_transfers_canceled", "teller_doorbells"},
    "apply": {"teller_doorbells"},
    "sweep": {"teller_doorbells"},
    "deliver": set[str](),
}
BY_FUNCTION = {
    "count_drained": ("APPLIED", "REJECTED", "DRAIN_TRANSFERS", "DRAIN_SECONDS"),
    "count_attempt": ("DELIVERIES", "DELIVERY_SECONDS"),
}


def counted_in(folder: Path) -> Iterator[str]:
    """The metrics that the code of this folder names: `metrics.NAME`, or by a function of core/metrics.py."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "metrics":
                for name in BY_FUNCTION.get(node.attr, (node.attr,)):
                    if name.isupper():
                        yield family_name(getattr(metrics, name))


def family_name(metric: object) -> str:
    one = next(iter(metric.values())) if isinstance(metric, dict) else metric
    assert isinstance(one, MetricWrapperBase)
    return str(one._name)


@pytest.mark.parametrize("process", COUNTED_BY)
def test_a_process_shows_what_its_code_counts(process: str) -> None:
    counted = {name for folder in FOLDERS[process] for name in counted_in(ROOT / folder)} | ELSEWHERE[process]
    if process == "api":
        counted.add(family_name(counts_problems.COUNTED))

    assert counted == COUNTED_BY[process]


def test_each_metric_is_shown_by_a_process() -> None:
    families = {family.name for family in REGISTRY.collect()}

    shown = frozenset[str]().union(*COUNTED_BY.values())
    assert {name for name in families if not name.startswith(OF_ALL)} == shown
