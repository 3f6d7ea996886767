"""What the chart gives to each process, and that a typo in a value or in a template is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import SECRETS, known_names
from tests.chart.chart import CHART, VALUES, Object, Refused, helm, lint, of_kind, pods, render, validate, variables, versions

pytestmark = pytest.mark.skipif(helm() is None, reason="Helm is not installed: .ci/chart")

WORKING = ("worker", "sweeper", "deliverer")
EVERYWHERE = {"0.0.0.0/0", "::/0"}


def values(name: str) -> tuple[str, str]:
    return "--values", str(CHART / "ci" / f"{name}.yaml")


@pytest.fixture(scope="module")
def plain() -> list[Object]:
    return render(CHART)


@pytest.fixture(scope="module")
def scaled() -> list[Object]:
    return render(CHART, *values("scaled"))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the chart in which a text of a file, which is there once or more, is replaced by another."""

    def copy(file: str, right: str, wrong: str) -> Path:
        chart = tmp_path / "teller"
        shutil.copytree(CHART, chart)
        text = (chart / file).read_text()
        assert right in text
        (chart / file).write_text(text.replace(right, wrong))
        return chart

    return copy


def check(chart: Path, *arguments: str) -> None:
    lint(chart, *arguments)
    for one in render(chart, *arguments):
        for version in versions():
            validate(one, version)


@pytest.mark.parametrize("file", [None, *VALUES], ids=lambda file: file.stem if file else "defaults")
def test_the_chart_is_right_for_the_oldest_and_the_newest_versions_of_kubernetes(file: Path | None) -> None:
    check(CHART, *(("--values", str(file)) if file else ()))


@pytest.mark.parametrize(
    ("file", "right", "wrong", "by"),
    [
        ("templates/_helpers.tpl", "readOnlyRootFilesystem", "readOnlyRootFileSystem", "small"),
        ("templates/_helpers.tpl", "enableServiceLinks", "enableServiceLink", "small"),
        ("templates/_helpers.tpl", "maxUnavailable: {{", "maxUnavailabe: {{", "small"),
        ("templates/api.yaml", "readinessProbe", "readynessProbe", "small"),
        ("templates/api.yaml", "averageUtilization", "averageUtilisation", "scaled"),
        ("templates/migration.yaml", "activeDeadlineSeconds", "activeDeadline", "small"),
        ("templates/audit.yaml", "concurrencyPolicy", "concurrentPolicy", "outside"),
        ("templates/networkpolicies.yaml", '"ipBlock"', '"ipblock"', "outside"),
        ("templates/ingress.yaml", "pathType", "pathKind", "scaled"),
        ("templates/worker.yaml", "maxReplicaCount", "maxReplicasCount", "scaled"),
        ("templates/metrics.yaml", "endpoints:", "endpoint:", "scaled"),
        ("templates/cloudnativepg.yaml", "dataDurability: required", "dataDurability: preferred", "cloudnativepg"),
        ("templates/cloudnativepg.yaml", "passwordSecret", "passwordsSecret", "cloudnativepg"),
        ("templates/sweeper.yaml", ".replicas", ".replica", "small"),
    ],
)
def test_a_typo_in_a_template_is_refused(
    changed: Callable[[str, str, str], Path], file: str, right: str, wrong: str, by: str
) -> None:
    chart = changed(file, right, wrong)

    with pytest.raises(Refused):
        check(chart, *values(by))


@pytest.mark.parametrize(
    "wrong",
    [
        "api.replica=3",
        "worker.autoscaling.enable=true",
        "api.settings.TELLER_BACKLOG_MX=5",
        "api.settings.TELLER_BACKLOG_MAX=many",
        "api.resources.limit.memory=1Gi",
        "secrets.api.databaseURL=x",
        "secrets.worker.name=",
        "shards=12",
        "networkPolicy.postgres.peers[0].podSelectors.a=b",
        "cloudnativepg.parameters.fsync=off",
        "pod.spread.whenUnsatisfiable=Never",
        "logLevel=LOUD",
        "images.api.digest=sha256:1",
        "audit.schedule=nightly",
        "host=localhost",
        "api.disruptionBudget.maxUnavailable=0",
        "worker.disruptionBudget.maxUnavailable=0%",
    ],
)
def test_a_typo_in_a_value_is_refused(wrong: str) -> None:
    with pytest.raises(Refused, match="schema"):
        render(CHART, "--set", wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("worker.replicas=17", "17 workers for 16 shards"),
        ("worker.autoscaling.enabled=true,worker.autoscaling.maxReplicas=17", "17 workers for 16 shards"),
        ("worker.autoscaling.enabled=true", "prometheus is empty"),
        ("api.replicas=8", "connections while they are replaced, and maxConnections less spareConnections is 160"),
        ("ingress.enabled=true,ingress.host=teller.example.com", "host and tlsSecret"),
        ("ingress.enabled=true,ingress.host=teller.example.com,ingress.tlsSecret=tls", "metrics needs no key"),
        ("api.service.type=LoadBalancer", "metrics needs no key"),
        ("api.autoscaling.enabled=true,api.resources.requests.cpu=null", "requests.cpu is empty"),
        ("cloudnativepg.enabled=true", "databaseUrl: uri"),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_the_reason(wrong: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        render(CHART, "--set", wrong)


def test_the_annotations_of_pods_are_on_every_pod_and_the_host_in_every_process() -> None:
    made = dict(pods(render(CHART, *values("outside"), "--set", "host=::,console.enabled=true")))

    bare = [kind for kind, pod in made.items() if pod["metadata"].get("annotations") != {"example.com/team": "payments"}]
    assert bare == []
    listening = {kind: variables(pod)["TELLER_HOST"]["value"] for kind, pod in made.items() if "TELLER_HOST" in variables(pod)}
    assert listening == dict.fromkeys(("api", "console", *WORKING), "::")


def test_each_process_is_given_the_secrets_of_its_own_role_and_no_others(scaled: list[Object]) -> None:
    given = {
        kind: {name: one["valueFrom"]["secretKeyRef"]["name"] for name, one in variables(pod).items() if "valueFrom" in one}
        for kind, pod in pods(scaled)
    }

    assert given == {
        "api": {
            **dict.fromkeys(("DATABASE_URL", "REDIS_URL", "TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY"), "teller-api"),
        },
        "worker": {"DATABASE_URL": "teller-worker", "REDIS_URL": "teller-worker"},
        "sweeper": {"DATABASE_URL": "teller-worker", "REDIS_URL": "teller-worker"},
        "deliverer": {"DATABASE_URL": "teller-deliverer", "REDIS_URL": "teller-deliverer"},
        "console": {"TELLER_CONSOLE_SECRET": "teller-console"},
        "audit": {"DATABASE_URL": "teller-worker"},
        "migrate": {
            "DATABASE_URL": "teller-api",
            "TELLER_WORKER_DATABASE_URL": "teller-worker",
            "TELLER_DELIVERER_DATABASE_URL": "teller-deliverer",
            "TELLER_ADMIN_DATABASE_URL": "teller-owner",
            "TELLER_OPERATOR_KEY": "teller-api",
        },
    }


def test_no_secret_is_a_value_and_every_variable_is_a_setting(scaled: list[Object]) -> None:
    for _, pod in pods(scaled):
        found = variables(pod)

        assert not {name for name in found if name in SECRETS and "value" in found[name]}
        assert found.keys() <= known_names()


def test_a_million_is_written_as_a_whole_number(scaled: list[Object]) -> None:
    [api] = [pod for kind, pod in pods(scaled) if kind == "api"]

    assert {variables(api)[name]["value"] for name in ("TELLER_BACKLOG_MAX", "TELLER_RATE_LIMIT")} == {"5000000", "12.5"}


def test_pods_have_no_rights_and_no_token_and_no_variables_of_services(scaled: list[Object]) -> None:
    """A Service named teller would set TELLER_PORT to its URL."""
    found = list(pods(scaled))

    assert {kind for kind, _ in found} == {"api", *WORKING, "console", "migrate", "audit"}
    for _, pod in found:
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False
        assert pod["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_only_the_deliverer_reaches_the_internet_and_no_kind_is_without_a_policy(scaled: list[Object]) -> None:
    policies = {
        one["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: one["spec"]
        for one in of_kind(scaled, "NetworkPolicy").values()
    }
    reached = {
        kind: {peer["ipBlock"]["cidr"] for rule in policy["egress"] for peer in rule["to"] if "ipBlock" in peer}
        for kind, policy in policies.items()
    }

    assert reached == {kind: EVERYWHERE if kind == "deliverer" else set() for kind, _ in pods(scaled)}
    assert all(policy["policyTypes"] == ["Ingress", "Egress"] for policy in policies.values())
    [internet] = [rule for rule in policies["deliverer"]["egress"] if any("ipBlock" in peer for peer in rule["to"])]
    assert {port["port"] for port in internet["ports"]} == {443, 8443}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(internet["to"][0]["ipBlock"]["except"])


def test_every_selector_finds_the_pods_of_one_kind(scaled: list[Object]) -> None:
    found = dict(pods(scaled))
    selectors = [
        *(one["spec"]["selector"] for one in of_kind(scaled, "Service").values()),
        *(one["spec"]["selector"]["matchLabels"] for one in of_kind(scaled, "PodDisruptionBudget").values()),
        *(one["spec"]["podSelector"]["matchLabels"] for one in of_kind(scaled, "NetworkPolicy").values()),
    ]

    for selector in selectors:
        chosen = [kind for kind, pod in found.items() if selector.items() <= pod["metadata"]["labels"].items()]
        assert chosen == [selector["app.kubernetes.io/component"]]


def test_the_migration_comes_before_the_pods_and_after_its_own_policy(plain: list[Object]) -> None:
    job = of_kind(plain, "Job")["teller-migrate"]["metadata"]["annotations"]
    policy = of_kind(plain, "NetworkPolicy")["teller-migrate"]["metadata"]["annotations"]

    assert job["helm.sh/hook"] == policy["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(policy["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])


def test_with_a_cluster_of_its_own_the_first_migration_waits_for_it_and_the_cluster_is_never_deleted() -> None:
    """A hook would be waited for before the Cluster exists, and a Cluster that is a hook would be deleted with its data."""
    first, later = (render(CHART, *values("cloudnativepg"), *more) for more in ((), ("--is-upgrade",)))

    assert "annotations" not in of_kind(first, "Job")["teller-migrate-first"]["metadata"]
    assert of_kind(later, "Job")["teller-migrate"]["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    for objects in (first, later):
        annotations = of_kind(objects, "Cluster")["teller-db"]["metadata"]["annotations"]
        assert annotations == {"helm.sh/resource-policy": "keep"}


def test_an_autoscaled_deployment_has_no_count_of_its_own(plain: list[Object], scaled: list[Object]) -> None:
    for name in ("teller-api", "teller-worker"):
        assert of_kind(plain, "Deployment")[name]["spec"]["replicas"] == 2
        assert "replicas" not in of_kind(scaled, "Deployment")[name]["spec"]


def test_the_jobs_of_the_alerts_are_the_names_of_the_services(scaled: list[Object]) -> None:
    alerts = (CHART.parents[2] / "docs" / "operating" / "monitoring" / "alerts.yml").read_text()
    watched = {
        name
        for name, service in of_kind(scaled, "Service").items()
        if {port["name"] for port in service["spec"]["ports"]} & {"http", "metrics"}
    }

    assert watched == {"teller-api", *(f"teller-{kind}" for kind in WORKING)}
    assert all(f'job="{name}"' in alerts for name in watched)


def test_the_api_takes_requests_while_balancers_learn_of_its_end(plain: list[Object]) -> None:
    [api] = [pod["spec"] for kind, pod in pods(plain) if kind == "api"]
    [seconds] = [int(word) for word in api["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] if word.isdigit()]

    assert of_kind(plain, "Deployment")["teller-api"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert api["terminationGracePeriodSeconds"] >= seconds + 30
    assert of_kind(plain, "Service")["teller-api-alive"]["spec"]["publishNotReadyAddresses"] is True
