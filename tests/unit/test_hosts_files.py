"""The files of deploy/hosts: what they name exists, what they set agrees, and the programs that read them take them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme
import yaml  # type: ignore[import-untyped]

from core.server_urls import parse_redis
from core.settings import SECRETS, known_names
from tests.balancer import haproxy
from tests.system import ROOT

HOSTS = ROOT / "deploy" / "hosts"
UNITS = {file.name: file.read_text() for file in sorted((HOSTS / "systemd").iterdir())}
SERVICES = {name: text for name, text in UNITS.items() if name.endswith(".service")}
COMMANDS = {
    "teller-api.service": "api",
    "teller-worker@.service": "worker apply",
    "teller-sweeper.service": "worker sweep",
    "teller-deliverer.service": "worker deliver",
    "teller-migrate.service": "core migrate",
    "teller-audit.service": "core audit",
}
PATRONI = yaml.safe_load((HOSTS / "patroni" / "patroni.yml").read_text())


def variables(unit: str) -> dict[str, str]:
    words = [word for line in re.findall(r"^Environment=(.*)$", unit, re.MULTILINE) for word in line.split()]
    return dict(word.split("=", 1) for word in words)


def verify(unit: str, name: str, folder: Path) -> str:
    """Return what systemd has to say about the unit, on a machine where Teller is installed."""
    file = folder / name
    file.write_text(unit.replace("/opt/teller", str(ROOT)))
    argv = ["systemd-analyze", "verify", "--man=no", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_a_unit_for_each_process_with_its_command() -> None:
    found = {
        name: re.findall(r"^ExecStart=/opt/teller/.venv/bin/python -m (.*)$", text, re.MULTILINE) for name, text in SERVICES.items()
    }

    assert found == {name: [command] for name, command in COMMANDS.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_gets_its_secrets_in_files_and_only_settings_of_teller(name: str) -> None:
    given = variables(SERVICES[name])
    loaded = set(re.findall(r"^LoadCredential=([a-z-]+):/etc/teller/", SERVICES[name], re.MULTILINE))

    assert given.keys() <= known_names()
    assert not given.keys() & set(SECRETS)
    assert {value for variable, value in given.items() if variable.endswith("_FILE")} == {f"%d/{one}" for one in loaded}


def test_each_unit_is_hardened_alike_and_only_the_deliverer_reaches_the_internet() -> None:
    hardening = {name: text[text.index("DynamicUser=yes") : text.index("SystemCallErrorNumber")] for name, text in SERVICES.items()}

    assert len(set(hardening.values())) == 1
    assert {name for name, text in SERVICES.items() if "\nIPAddressDeny=any\n" not in text} == {"teller-deliverer.service"}


def test_processes_of_one_host_have_metrics_ports_of_their_own() -> None:
    ports = [
        variables(text)["TELLER_METRICS_PORT"].replace("%i", instance)
        for name, text in SERVICES.items()
        for instance in ("123456789" if "@" in name else "1")
        if "TELLER_METRICS_PORT" in variables(text)
    ]

    assert len(set(ports)) == len(ports) == 11


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units_and_a_typo_does_not_pass(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text.replace("/opt/teller", str(ROOT)))

    assert {name: verify(text, name, tmp_path) for name, text in UNITS.items()} == dict.fromkeys(UNITS, "")
    patroni = (HOSTS / "patroni" / "patroni.service").read_text()
    assert "Unknown" not in verify(patroni, "patroni.service", tmp_path)  # that Patroni is not installed here is said too
    wrong = SERVICES["teller-api.service"].replace("ProtectSystem=", "ProtectSytem=")
    assert "ProtectSytem" in verify(wrong, "teller-api.service", tmp_path)


def test_haproxy_takes_its_files_and_a_typo_does_not_pass(tmp_path: Path) -> None:
    certificate = tmp_path / "teller.pem"
    trustme.CA().issue_cert("teller.example.com").private_key_and_cert_chain_pem.write_to_path(str(certificate))

    def takes(text: str) -> bool:
        file = tmp_path / "haproxy.cfg"
        file.write_text(text.replace("/etc/haproxy/teller.pem", str(certificate)))
        return subprocess.run([haproxy(), "-c", "-f", file], capture_output=True, timeout=30, check=False).returncode == 0

    for file in sorted((HOSTS / "haproxy").iterdir()):
        assert takes(file.read_text()), file
        assert not takes(file.read_text().replace("http-check expect", "http-check expects")), file


def test_patronis_times_fit_each_other_and_no_commit_rests_on_one_disk() -> None:
    dcs = PATRONI["bootstrap"]["dcs"]

    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]
    assert (dcs["synchronous_mode"], dcs["synchronous_mode_strict"], dcs["synchronous_node_count"]) == ("quorum", True, 1)
    assert PATRONI["watchdog"]["mode"] == "required"
    assert {"data-checksums", "UTF8"} <= {
        one if isinstance(one, str) else one.get("encoding") for one in PATRONI["bootstrap"]["initdb"]
    }
    assert all(dcs["postgresql"]["parameters"][name] == "on" for name in ("fsync", "full_page_writes", "synchronous_commit"))


def test_the_documents_name_the_primary_as_the_sentinels_do() -> None:
    [named] = re.findall(r"^sentinel monitor (\S+) ", (HOSTS / "redis" / "sentinel.conf").read_text(), re.MULTILINE)
    urls = re.findall(r"redis\+sentinel://\S+", (HOSTS / "README.md").read_text())

    assert urls
    assert {parse_redis(url).service for url in urls} == {named}
