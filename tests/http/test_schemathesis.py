"""Schemathesis: what it makes of the OpenAPI document, sent to the running system. schemathesis.toml says which of its checks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.caller import OPERATOR_KEY
from tests.http.conftest import Limits
from tests.system import ROOT

SEED = 20261123
WITHIN_S = 270  # it takes 10 to 25 seconds on a machine that does nothing else


@pytest.mark.timeout(300)
@pytest.mark.long
def test_every_operation_does_as_the_document_says_whatever_is_sent(limits: Limits, tmp_path: Path) -> None:
    caller = limits.caller
    operations = sum(len(methods) for methods in caller.get("/openapi.json").body["paths"].values())
    client, source = caller.new_client(), limits.funded
    wallet = client["wallet"]["id"]
    endpoint = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook"}).body["id"]
    environment = {
        "TELLER_OPERATOR_KEY": OPERATOR_KEY,
        "PYTHONPATH": str(ROOT),
        "EXISTING_wal_": wallet,
        "EXISTING_source": source,
        "EXISTING_cli_": client["id"],
        "EXISTING_trf_": caller.deposit(wallet, 5).body["id"],
        "EXISTING_whk_": endpoint,
    }

    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={ROOT / 'tests' / 'http' / 'schemathesis.toml'}",
            "run",
            f"{caller.url}/openapi.json",
            f"--seed={SEED}",
        ],
        check=False,
        cwd=tmp_path,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )

    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert re.search(rf"Tested: +{operations}\n", said), said
    for type in ("deposit", "withdrawal", "transfer", "reversal"):  # good data was among it
        assert caller.get(f"/v1/transfers?wallet_id={wallet}&type={type}&limit=2").body["data"], type
