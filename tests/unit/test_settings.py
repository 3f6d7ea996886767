"""What a process reads at its start. Nothing here reads the environment in which the tests run."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from core import settings
from core.cores import default_api_processes
from core.settings import SECRET_MAX_BYTES, SECRETS, Settings
from local import start
from tests.system import ROOT

PACKAGES = ("api", "core", "worker", "console", "local", "cli", "teller", "sdk/python/src")

DATABASE = "postgresql://teller:swordfish@127.0.0.1/teller"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
        monkeypatch.delenv(f"{field.alias}_FILE", raising=False)


def load(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return settings.load()


def test_everything_but_the_database_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"DATABASE_URL": DATABASE}).model_dump() == {
        "database_url": DATABASE,
        "admin_database_url": None,
        "worker_database_url": None,
        "deliverer_database_url": None,
        "redis_url": "redis://127.0.0.1:6379/0",
        "host": "127.0.0.1",
        "port": 8000,
        "api_processes": default_api_processes(),
        "keep_alive_s": 75,
        "connections_max": 4000,
        "operator_key": None,
        "shards": 16,
        "rate_limit": None,
        "rate_burst": 100,
        "backlog_max": 1_000_000,
        "client_backlog_max": 10_000,
        "webhooks_allow_private": False,
        "cors_origins": (),
        "delivery_retention_days": 30,
        "metrics_key": None,
        "metrics_port": None,
        "log_level": "INFO",
        "heartbeat_file": None,
    }


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DATABASE_URL": DATABASE,
        "TELLER_ADMIN_DATABASE_URL": "postgres://owner@127.0.0.1/teller",
        "TELLER_WORKER_DATABASE_URL": "postgres://worker@127.0.0.1/teller",
        "TELLER_DELIVERER_DATABASE_URL": "postgres://deliverer@127.0.0.1/teller",
        "REDIS_URL": "rediss://:secret@redis:6380/1",
        "TELLER_HOST": "0.0.0.0",
        "TELLER_PORT": "65535",
        "TELLER_API_PROCESSES": "64",
        "TELLER_KEEP_ALIVE_S": "3600",
        "TELLER_CONNECTIONS_MAX": "10",
        "TELLER_OPERATOR_KEY": "k" * 255,
        "TELLER_SHARDS": "1024",
        "TELLER_RATE_LIMIT": "0.5",
        "TELLER_RATE_BURST": "7",
        "TELLER_BACKLOG_MAX": "8",
        "TELLER_CLIENT_BACKLOG_MAX": "9",
        "TELLER_WEBHOOK_ALLOW_PRIVATE": "true",
        "TELLER_CORS_ORIGINS": "https://app.example.com, http://localhost:3000,https://[::1]:8443",
        "TELLER_DELIVERY_RETENTION_DAYS": "1",
        "TELLER_METRICS_KEY": "k" * 32,
        "TELLER_METRICS_PORT": "9464",
        "TELLER_LOG_LEVEL": "DEBUG",
        "TELLER_HEARTBEAT_FILE": "/tmp/beat",
    }
    assert set(given) == {field.alias for field in Settings.model_fields.values()}

    assert load(monkeypatch, given).model_dump() == {
        "database_url": DATABASE,
        "admin_database_url": "postgres://owner@127.0.0.1/teller",
        "worker_database_url": "postgres://worker@127.0.0.1/teller",
        "deliverer_database_url": "postgres://deliverer@127.0.0.1/teller",
        "redis_url": "rediss://:secret@redis:6380/1",
        "host": "0.0.0.0",
        "port": 65535,
        "api_processes": 64,
        "keep_alive_s": 3600,
        "connections_max": 10,
        "operator_key": "k" * 255,
        "shards": 1024,
        "rate_limit": 0.5,
        "rate_burst": 7,
        "backlog_max": 8,
        "client_backlog_max": 9,
        "webhooks_allow_private": True,
        "cors_origins": ("https://app.example.com", "http://localhost:3000", "https://[::1]:8443"),
        "delivery_retention_days": 1,
        "metrics_key": "k" * 32,
        "metrics_port": 9464,
        "log_level": "DEBUG",
        "heartbeat_file": Path("/tmp/beat"),
    }


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [str(field.alias) for field in Settings.model_fields.values() if field.alias != "DATABASE_URL"]

    assert load(monkeypatch, {"DATABASE_URL": DATABASE, **dict.fromkeys(names, "")}) == Settings.model_validate(
        {"DATABASE_URL": DATABASE}
    )


def test_an_empty_database_url_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="DATABASE_URL: Field required"):
        load(monkeypatch, {"DATABASE_URL": ""})


BAD = {
    "DATABASE_URL": [
        "mysql://teller:swordfish@127.0.0.1/teller",
        "swordfish",
        " postgres://swordfish",
        "POSTGRES://teller:swordfish@127.0.0.1/teller",
        *(f"postgresql://teller:a{raw}swordfish@db/teller" for raw in '/@#?% ["\n'),
        "postgresql://teller:swordfish@db/teller?swordfish=1",
        "postgresql://teller:swordfish@db:65536/teller",
        "postgresql://teller:swordfish@db:/teller",
        "postgresql://teller:swordfish@db/teller/swordfish",
        "postgresql://:swordfish@db/teller",
    ],
    "TELLER_ADMIN_DATABASE_URL": ["mysql://teller:swordfish@127.0.0.1/teller", "swordfish", "postgresql://o:a/swordfish@db/teller"],
    "TELLER_WORKER_DATABASE_URL": ["mysql://teller:swordfish@127.0.0.1/teller", "swordfish"],
    "TELLER_DELIVERER_DATABASE_URL": ["mysql://teller:swordfish@127.0.0.1/teller", "swordfish"],
    "REDIS_URL": [
        "http://:swordfish@redis",
        "swordfish",
        "REDIS://:swordfish@redis",
        *(f"redis://:a{raw}swordfish@redis:6379/0" for raw in '/@#?% ["\n\tü'),
        *(f"redis+sentinel://:a{raw}swordfish@one,two/primary" for raw in "/@#?%"),
        "redis://swordfish@redis",
        "redis://:swordfish@",
        "redis:///0?swordfish",
        "redis://:swordfish@redis:0",
        "redis://:swordfish@redis:65536",
        "redis://:swordfish@redis:",
        "redis://:swordfish@redis:port",
        "redis://:swordfish@redis/zero",
        "redis://:swordfish@redis/0/1",
        "redis://:swordfish@redis/-1",
        "redis://:swordfish@redis/99999999",
        "redis://:swordfish@redis?db=1",
        "redis://:swordfish@redis?socket_timeout=60",
        "redis://:swordfish@redis/0?swordfish=1",
        "rediss://:swordfish@redis/0?ssl_cert_reqs=none&ssl_cert_reqs=required",
        "redis://:swordfish@one,two",
        "redis://:swordfish@one two",
        "redis+sentinel://:swordfish@one,two",
        "redis+sentinel://:swordfish@one,/primary",
        "redis+sentinel://:swordfish@one/primary/zero",
        "unix://:swordfish@/socket",
        "unix://swordfish",
        "unix:///socket?swordfish=1",
    ],
    "TELLER_PORT": ["0", "65536", "swordfish", "80.5", "-1"],
    "TELLER_API_PROCESSES": ["0", "65", "swordfish"],
    "TELLER_KEEP_ALIVE_S": ["0", "3601", "swordfish"],
    "TELLER_CONNECTIONS_MAX": ["9", "100001", "swordfish"],
    "TELLER_OPERATOR_KEY": ["sword fish" * 4, "swordfish" * 4 + "\n", "schwertfisch-ü" * 3, "s" * 256, "s", "swordfish", "s" * 31],
    "TELLER_SHARDS": ["0", "3", "12", "1023", "2048", "-16", "swordfish"],
    "TELLER_WEBHOOK_ALLOW_PRIVATE": ["swordfish", "2"],
    "TELLER_CORS_ORIGINS": [
        "*",
        "null",
        "swordfish.example.com",
        "https://swordfish.example.com/",
        "https://Swordfish.example.com",
        "https://a@swordfish",
        "https://swordfish:0",
        "ftp://swordfish",
        "https://*.swordfish.example.com",
        "https://swordfish,",
    ],
    "TELLER_DELIVERY_RETENTION_DAYS": ["0", "36501", "1.5", "swordfish"],
    "TELLER_METRICS_KEY": ["sword fish" * 4, "schwertfisch-ü" * 3, "s", "s" * 31],
    "TELLER_METRICS_PORT": ["0", "65536", "swordfish"],
    "TELLER_LOG_LEVEL": ["info", "TRACE", "swordfish"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_named_and_never_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SystemExit) as refused:
        load(monkeypatch, {"DATABASE_URL": DATABASE, name: value})

    message = str(refused.value.code)
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [name]
    assert "swordfish" not in message
    assert value not in message or len(value) < 5  # "0" is in "less than or equal to 1024"


GOOD_URLS = {
    "DATABASE_URL": [
        "postgres://teller@db/teller",
        "postgresql://teller:a%2Fb%40c%23d%3Fe%25@db:5432/teller?sslmode=require&target_session_attrs=read-write",
        "postgresql://teller:pa:ss@one:5432,two:5433/teller",
        "postgresql://teller@[::1]:5432/teller",
        "postgresql:///teller?host=/var/run/postgresql",
    ],
    "REDIS_URL": [
        "redis://redis",
        "redis://:a%2Fb%40c%23d%3Fe%25@my_redis.internal:6380/15",
        "redis://teller:pa:ss@10.0.0.1",
        "redis://[::1]:6379/0",
        "rediss://:p@redis/1?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem",
        "redis+sentinel://teller:p@one:26379,two,[::1]:3/primary/2?sentinel_password=s",
        "rediss+sentinel://one/primary?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock?db=3&password=p",
    ],
}


@pytest.mark.parametrize(("name", "url"), [(name, url) for name, urls in GOOD_URLS.items() for url in urls])
def test_a_url_that_is_what_it_seems_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    assert url in load(monkeypatch, {"DATABASE_URL": DATABASE, name: url}).model_dump().values()


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as refused:
        load(monkeypatch, {name: values[0] for name, values in BAD.items()})

    message = str(refused.value.code)
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == list(BAD)
    assert "swordfish" not in message


@pytest.mark.parametrize("shards", [2**power for power in range(11)])
def test_the_count_of_shards_is_a_power_of_two(shards: int) -> None:
    assert Settings.model_validate({"DATABASE_URL": DATABASE, "TELLER_SHARDS": shards}).shards == shards


def test_settings_never_change() -> None:
    frozen = Settings.model_validate({"DATABASE_URL": DATABASE})

    with pytest.raises(ValidationError, match="frozen"):
        frozen.port = 80


KEY = "swordfish-swordfish-swordfish-swordfish"
IN_FILES = {
    name: KEY if name.endswith("_KEY") else "redis://:swordfish@redis/1" if "REDIS" in name else DATABASE for name in SECRETS
}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str) -> None:
    for name, value in IN_FILES.items():
        (tmp_path / name).write_bytes(f"{value}{end}".encode())
    files = {f"{name}_FILE": str(tmp_path / name) for name in IN_FILES}

    read = load(monkeypatch, files).model_dump(by_alias=True)

    assert {name: read[name] for name in IN_FILES} == IN_FILES


def test_no_setting_that_is_secret_lacks_its_file() -> None:
    names = {str(field.alias) for field in Settings.model_fields.values()}

    assert {name for name in names if name.endswith(("_KEY", "_URL"))} == set(SECRETS)


def write(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


UNUSABLE: list[tuple[Callable[[Path], object], str]] = [
    (lambda file: None, "No such file or directory"),
    (Path.mkdir, "Is a directory"),
    (os.mkfifo, "it is not a regular file"),
    (write(b""), "it is empty"),
    (write(b"\n"), "it is empty"),
    (write(b" \n"), "it is empty"),
    (write(b"swordfish\xff"), "it is not UTF-8"),
    (write(KEY.encode() + b"\n\n"), "it holds more than one line of printable characters"),
    (write(KEY.encode() + b"\nsecond"), "it holds more than one line of printable characters"),
    (write(KEY.encode() + b"\0"), "it holds more than one line of printable characters"),
    (write(b"s" * (SECRET_MAX_BYTES + 1)), f"it holds more than {SECRET_MAX_BYTES} bytes"),
    (lambda file: file.symlink_to("/dev/zero"), "it is not a regular file"),
]


@pytest.mark.parametrize(("make", "why"), UNUSABLE)
@pytest.mark.parametrize("name", ["DATABASE_URL", "TELLER_METRICS_KEY"])
def test_a_file_that_cannot_be_used_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, make: Callable[[Path], object], why: str
) -> None:
    file = tmp_path / "secret"
    make(file)

    with pytest.raises(SystemExit) as refused:
        load(monkeypatch, {**({} if name == "DATABASE_URL" else {"DATABASE_URL": DATABASE}), f"{name}_FILE": str(file)})

    assert refused.value.code == (
        f"teller: these settings are not valid:\n  {name}: {name}_FILE names a file that cannot be used: {why}"
    )


def test_a_secret_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    given = {"DATABASE_URL": DATABASE, "TELLER_METRICS_KEY": KEY, "TELLER_METRICS_KEY_FILE": str(tmp_path / "key")}

    with pytest.raises(SystemExit) as refused:
        load(monkeypatch, given)

    assert str(refused.value.code).endswith("  TELLER_METRICS_KEY: is set, and TELLER_METRICS_KEY_FILE too: one of them is meant")
    assert "swordfish" not in str(refused.value.code)


def test_what_is_wrong_in_a_file_is_told_as_what_is_wrong_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("mysql://swordfish")

    with pytest.raises(SystemExit) as refused:
        load(monkeypatch, {"DATABASE_URL_FILE": str(tmp_path / "url")})

    assert "  DATABASE_URL: Value error, must begin with postgresql://" in str(refused.value.code)
    assert "swordfish" not in str(refused.value.code)


def test_an_unknown_variable_is_named_with_the_nearest_known_one() -> None:
    environment = {
        "TELLER_PROT": "8502",
        "TELLER_WORKRES": "3",
        "TELLER_PORT": "1",
        "teller_port": "2",
        "TELLERS": "",
        "OTHER_PORT": "",
    }

    assert settings.unknown_names({**environment, "TELLER_XYZZY": ""}) == {
        "TELLER_PROT": "TELLER_PORT",
        "TELLER_WORKRES": "TELLER_WORKERS",
        "TELLER_XYZZY": None,
    }
    assert settings.unknown_lines(environment)[0] == (
        "TELLER_PROT is not a setting of Teller, and nothing reads it; did you mean TELLER_PORT?"
    )


def test_each_variable_that_the_code_names_is_known() -> None:
    """Otherwise the program that reads it would be warned of it."""
    read = re.compile(r"""["'](TELLER_[A-Z_]+)["']""")
    places = [ROOT / "docker-compose.yml", *(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))]
    named = {name for file in places for name in read.findall(file.read_text())}
    named |= set(re.findall(r"\$\{(TELLER_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert "TELLER_BIND" in named
    assert named <= settings.known_names()


def test_a_full_disk_comes_first() -> None:
    reason = "the cluster was not made:\nFATAL:  could not extend file: No space left on device\nAborted"

    first, *rest = start.explained(reason).splitlines()
    assert first == "no space left on the disk of the data directory; Teller needs about 100 MB to start"
    assert rest == reason.splitlines()
    assert start.explained("port 8000 is taken") == "port 8000 is taken"
