"""What docker-compose.yml gives to each process: secrets, networks, a way out. Containers themselves are tried by .ci/compose."""

from typing import Any

import yaml  # type: ignore[import-untyped]

from core.admin.rights import PUBLISHED_PASSWORDS
from core.settings import ALL_SECRETS
from tests.system import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "api", "console", "worker", "sweeper", "deliverer")
ON_POSTGRES = tuple(name for name in OURS if name != "console")


def test_each_container_is_given_the_secrets_that_it_uses_and_no_others() -> None:
    given = {name: {key for key in SERVICES[name]["environment"] if key in ALL_SECRETS} for name in OURS}
    roles = ("DATABASE_URL", "TELLER_WORKER_DATABASE_URL", "TELLER_DELIVERER_DATABASE_URL", "TELLER_ADMIN_DATABASE_URL")

    assert given == {
        "migrate": {*roles, "TELLER_OPERATOR_KEY"},
        "api": {"DATABASE_URL", "REDIS_URL", "TELLER_OPERATOR_KEY", "TELLER_METRICS_KEY"},
        "console": {"TELLER_CONSOLE_SECRET"},
        "worker": {"DATABASE_URL", "REDIS_URL"},
        "sweeper": {"DATABASE_URL", "REDIS_URL"},
        "deliverer": {"DATABASE_URL", "REDIS_URL"},
    }


def test_each_kind_of_process_connects_as_a_role_of_its_own_that_migrate_is_told_of() -> None:
    urls = {name: SERVICES[name]["environment"]["DATABASE_URL"] for name in ON_POSTGRES}
    migrate = SERVICES["migrate"]["environment"]

    assert len({urls[name] for name in ("api", "worker", "deliverer")}) == 3
    assert urls["sweeper"] == urls["worker"] == migrate["TELLER_WORKER_DATABASE_URL"]
    assert urls["api"] == migrate["DATABASE_URL"]
    assert urls["deliverer"] == migrate["TELLER_DELIVERER_DATABASE_URL"]


def test_only_the_deliverer_is_on_a_network_with_a_way_out_and_only_api_and_console_are_published() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}

    special = {"api": {"inside", "front"}, "console": {"inside", "front"}, "deliverer": {"inside", "out"}}
    assert networks == {**{name: {"inside"} for name in SERVICES}, **special}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["networks"]["front"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["api", "console"]


def test_migrate_warns_of_each_password_that_stands_in_the_file() -> None:
    urls = [value for key, value in SERVICES["migrate"]["environment"].items() if key.endswith("_URL")]

    defaults = {url.split(":-")[1].split("}")[0] for url in urls}
    assert defaults == PUBLISHED_PASSWORDS


def test_the_backup_and_the_audit_run_only_where_the_profile_is_asked_for() -> None:
    profiled = {name for name, service in SERVICES.items() if "profiles" in service}

    assert profiled == {"backup", "audit"}
    assert all(SERVICES[name]["profiles"] == ["nightly"] for name in profiled)


def test_the_nightly_containers_are_given_one_secret_each() -> None:
    backup, audit = SERVICES["backup"]["environment"], SERVICES["audit"]["environment"]

    assert backup["PGPASSWORD"] == SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert {key for key in audit if key in ALL_SECRETS} == {"DATABASE_URL"}
    assert audit["DATABASE_URL"] == SERVICES["worker"]["environment"]["DATABASE_URL"]
    assert not set(ALL_SECRETS) & backup.keys()
