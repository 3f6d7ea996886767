"""What a process reads at its start. Nothing here reads the environment of whoever runs the tests."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from core import settings
from core.settings import Settings

DATABASE = "postgresql://teller:swordfish@127.0.0.1/teller"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return settings.load()


def test_everything_but_the_database_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"DATABASE_URL": DATABASE}).model_dump() == {
        "database_url": DATABASE,
        "admin_database_url": None,
        "redis_url": "redis://127.0.0.1:6379/0",
        "host": "127.0.0.1",
        "port": 8000,
        "api_processes": 1,
        "operator_key": None,
        "shards": 16,
        "rate_limit": None,
        "rate_burst": 100,
        "backlog_max": 1_000_000,
        "client_backlog_max": 10_000,
        "webhooks_allow_private": False,
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
        "REDIS_URL": "rediss://:secret@redis:6380/1",
        "TELLER_HOST": "0.0.0.0",
        "TELLER_PORT": "65535",
        "TELLER_API_PROCESSES": "64",
        "TELLER_OPERATOR_KEY": "k" * 255,
        "TELLER_SHARDS": "1024",
        "TELLER_RATE_LIMIT": "0.5",
        "TELLER_RATE_BURST": "7",
        "TELLER_BACKLOG_MAX": "8",
        "TELLER_CLIENT_BACKLOG_MAX": "9",
        "TELLER_WEBHOOK_ALLOW_PRIVATE": "true",
        "TELLER_DELIVERY_RETENTION_DAYS": "1",
        "TELLER_METRICS_KEY": "k",
        "TELLER_METRICS_PORT": "9464",
        "TELLER_LOG_LEVEL": "DEBUG",
        "TELLER_HEARTBEAT_FILE": "/tmp/beat",
    }
    assert set(given) == {field.alias for field in Settings.model_fields.values()}

    assert load(monkeypatch, given).model_dump() == {
        "database_url": DATABASE,
        "admin_database_url": "postgres://owner@127.0.0.1/teller",
        "redis_url": "rediss://:secret@redis:6380/1",
        "host": "0.0.0.0",
        "port": 65535,
        "api_processes": 64,
        "operator_key": "k" * 255,
        "shards": 1024,
        "rate_limit": 0.5,
        "rate_burst": 7,
        "backlog_max": 8,
        "client_backlog_max": 9,
        "webhooks_allow_private": True,
        "delivery_retention_days": 1,
        "metrics_key": "k",
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
    "DATABASE_URL": ["mysql://teller:swordfish@127.0.0.1/teller", "swordfish", " postgres://swordfish"],
    "TELLER_ADMIN_DATABASE_URL": ["mysql://teller:swordfish@127.0.0.1/teller", "swordfish"],
    "REDIS_URL": ["http://:swordfish@redis", "swordfish", "redis://:swordfish/@redis:6379", "redis://:swordfish[@redis"],
    "TELLER_PORT": ["0", "65536", "swordfish", "80.5", "-1"],
    "TELLER_API_PROCESSES": ["0", "65", "swordfish"],
    "TELLER_OPERATOR_KEY": ["sword fish", "swordfish\n", "schwertfisch-ü", "s" * 256],
    "TELLER_SHARDS": ["0", "3", "12", "1023", "2048", "-16", "swordfish"],
    "TELLER_WEBHOOK_ALLOW_PRIVATE": ["swordfish", "2"],
    "TELLER_DELIVERY_RETENTION_DAYS": ["0", "36501", "1.5", "swordfish"],
    "TELLER_METRICS_KEY": ["sword fish", "schwertfisch-ü"],
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
