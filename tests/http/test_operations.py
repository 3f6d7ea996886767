"""What docs/operating, the dashboard and the alerts name exists, and what exists is in the docs."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from core.admin.audit import CHECKS, Report
from core.admin.commands import write_metrics
from local.server import free_port
from tests.caller import Caller
from tests.system import System

ROOT = Path(__file__).parents[2]
OPERATING = ROOT / "docs" / "operating"
METRICS = ROOT / "docs" / "reference" / "metrics.md"
MONITORING = OPERATING / "monitoring"
DOCS = "\n".join(page.read_text() for page in sorted(OPERATING.glob("*.md")))
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
TRIALS: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts-test.yml").read_text())["tests"]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana-dashboard.json").read_text())
PROMETHEUS: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus.yml").read_text())

FUNCTIONS = {"absent", "and", "by", "histogram_quantile", "increase", "max", "min", "on", "or", "rate", "sum", "time", "vector"}
LABELS = {"check", "code", "instance", "job", "le", "outcome", "reason", "shard", "state", "type", "version"}
PROMETHEUS_OWN = {"up"}
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


@pytest.fixture(scope="module")
def shown(shared_system: System, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The name of every sample that is shown by an API, a sweeper, a deliverer or an audit. A worker shows what a sweeper does."""
    ports = {"sweep": free_port(), "deliver": free_port()}
    workers = [shared_system.start("worker", verb, environment={"TELLER_METRICS_PORT": str(ports[verb])}) for verb in ports]
    for worker in workers:
        shared_system.wait_for_heartbeat(worker)
    file = tmp_path_factory.mktemp("audit") / "teller.prom"
    write_metrics(file, Report(violations={}, counts=dict.fromkeys(CHECKS, 0), transfers=0, entries=0, wallets=0), 1.0)
    texts = [scrape(shared_system.url), *(scrape(f"http://127.0.0.1:{port}") for port in ports.values()), file.read_text()]
    for worker in workers:
        worker.terminate()
        worker.wait(30)
    return {sample.name for text in texts for family in text_string_to_metric_families(text) for sample in family.samples}


def scrape(url: str) -> str:
    caller = Caller(url)
    text: str = caller.get("/metrics").body
    caller.close()
    return text


def families(samples: set[str]) -> set[str]:
    """The metrics' names as the docs have them: a histogram is one."""
    histograms = {name.removesuffix("_bucket") for name in samples if name.endswith("_bucket")}
    parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
    return {name for name in samples - parts | histograms if name.startswith("teller_")}


def names_in(expr: str) -> set[str]:
    """The metrics that an expression uses."""
    without_strings = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expr)
    return set(re.findall(r"[a-z_]{2,}", without_strings)) - FUNCTIONS - LABELS


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])


def test_the_docs_list_every_metric_that_there_is(shown: set[str]) -> None:
    listed = re.findall(r"^\| `(teller_\w+)` \|", METRICS.read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(families(shown))


def test_alerts_and_dashboard_use_nothing_that_is_not_there(shown: set[str]) -> None:
    used = set[str]().union(*(names_in(query) for query in queries()))

    assert used - shown - PROMETHEUS_OWN == set()
    assert {name for name in used if name.startswith("process_")} == PROCESS


def test_every_metric_is_on_the_dashboard(shown: set[str]) -> None:
    on_it = set[str]().union(*(names_in(target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]))

    assert families(shown) - on_it - {name.removesuffix("_bucket") for name in on_it} == set()


def test_every_panel_has_a_title_a_unit_and_the_data_source_that_is_chosen() -> None:
    assert [variable["type"] for variable in DASHBOARD["templating"]["list"]] == ["datasource"]
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert {source["datasource"]["uid"] for source in (panel, *panel["targets"])} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_alert_is_in_the_docs_with_what_to_do() -> None:
    listed = re.findall(r"^\| (Teller\w+) \|[^|]+\|[^|]+\|$", DOCS, re.MULTILINE)

    assert sorted(listed) == sorted(rule["alert"] for rule in RULES)
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket") for rule in RULES)


def test_every_alert_is_tried_where_it_must_fire_and_where_it_must_not() -> None:
    tried = {(case["alertname"], bool(case.get("exp_alerts"))) for trial in TRIALS for case in trial["alert_rule_test"]}

    assert tried == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


@pytest.mark.long
def test_the_alerts_fire_when_they_must_and_only_then() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("the alerts were NOT tried: promtool, which comes with Prometheus, is not installed")

    command = [promtool, "test", "rules", str(MONITORING / "alerts-test.yml")]
    tried = subprocess.run(command, check=False, capture_output=True, text=True)

    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_what_the_docs_quote_is_what_the_code_says() -> None:
    ours = ("api/**/*.py", "core/**/*.py", "worker/**/*.py", "core/**/*.sql")
    said = "".join(file.read_text() for pattern in ours for file in ROOT.glob(pattern))
    quoted = re.findall(r'"([a-z][^"\n]+)"', DOCS)

    assert len(quoted) > 5
    assert [words for words in quoted if words not in said] == []


def test_every_job_that_a_query_names_is_scraped() -> None:
    jobs = {job["job_name"] for job in PROMETHEUS["scrape_configs"]}
    named = {name for query in queries() for name in re.findall(r'job="([^"]+)"', query)}

    assert named == jobs - {"node"}
    assert PROMETHEUS["rule_files"] == ["alerts.yml"]


def test_the_containers_have_the_ports_that_are_scraped() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = {config["names"][0]: config["port"] for job in PROMETHEUS["scrape_configs"] for config in job.get("dns_sd_configs", [])}

    assert ports == {
        "api": services["api"]["environment"]["TELLER_PORT"],
        "worker": services["worker"]["environment"]["TELLER_METRICS_PORT"],
        "sweeper": services["sweeper"]["environment"]["TELLER_METRICS_PORT"],
        "deliverer": services["deliverer"]["environment"]["TELLER_METRICS_PORT"],
    }
