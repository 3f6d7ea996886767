"""docs/reference/metrics.md, from the registry of core/metrics.py and from what is looked up for a scrape."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

import api.http.problems  # noqa: F401  # adds its counter to the registry
from core.metrics import COUNTED_BY, OF_ALL, REGISTRY
from tests.reference.markdown import code, codes, document, table, wrapped
from tests.system import ROOT

ABOUT = (
    "What `/metrics` of the API shows, and the port `TELLER_METRICS_PORT` of a worker, sweeper or deliverer. The"
    " alerts and the dashboard in `docs/operating/monitoring` use them."
)
LOOKED_UP = (
    "Not counted by a process, but measured for a scrape of the API, or written by `python -m core audit --textfile`."
    " Each is a gauge."
)


class LookedUp(NamedTuple):
    """A metric that is made for each scrape, and the module that makes it."""

    name: str
    help: str
    label: str
    module: str


def page() -> str:
    return document(
        "Metrics",
        ABOUT,
        "## Counted",
        table(("metric", "kind", "label", "values of the label", "counted by", "meaning"), sorted(counted())),
        "## Looked up",
        wrapped(LOOKED_UP),
        table(
            ("metric", "label", "made by", "meaning"),
            sorted((code(one.name), code(one.label) if one.label else "", code(one.module), one.help) for one in looked_up()),
        ),
    )


def counted() -> Iterator[tuple[str, ...]]:
    for collector in REGISTRY._collector_to_names:
        if isinstance(collector, MetricWrapperBase):
            [family] = collector.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = codes(collector._labelnames), codes(values(collector))
            yield code(name), family.type, *labels, ", ".join(counting(family.name)), family.documentation


def counting(name: str) -> Iterator[str]:
    """The processes that count, and show, this metric."""
    return (process for process, names in COUNTED_BY.items() if name in names or name.startswith(OF_ALL))


def values(collector: MetricWrapperBase) -> Iterator[str]:
    """The values that the label of a counter has from the start. Those of gauges appear with what they show."""
    if isinstance(collector, Counter) and collector._labelnames:
        yield from sorted(
            {value for family in collector.collect() for sample in family.samples for value in sample.labels.values()}
        )


def looked_up() -> Iterator[LookedUp]:
    """Find each call of exposition.family and exposition.level: names and texts of the metrics are written there."""
    for package in ("api", "core", "worker"):
        for file in sorted((ROOT / package).rglob("*.py")):
            yield from looked_up_in(file)


def looked_up_in(file: Path) -> Iterator[LookedUp]:
    """Yield the metrics that this module makes. The arguments are read from its source, without running it."""
    tree = ast.parse(file.read_text())
    texts = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"exposition.family", "exposition.level"}:
            name, help, *rest = (ast.literal_eval(texts.get(ast.unparse(part), part)) for part in constants(node, texts))
            yield LookedUp(name, help, rest[0] if rest else "", str(file.relative_to(ROOT)))


def constants(call: ast.Call, texts: dict[str, ast.expr]) -> Iterator[ast.expr]:
    """Return the arguments that are constants, or names of the module's constants: the name, the text, the label."""
    return (part for part in call.args if isinstance(part, ast.Constant) or ast.unparse(part) in texts)
