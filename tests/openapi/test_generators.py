"""Generators make clients of the OpenAPI document that compile, read well, and move money."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.caller import OPERATOR_KEY
from tests.sdk import typescript
from tests.sdk.document import openapi
from tests.sdk.typescript import PACKAGE, run
from tests.system import ROOT, System

TSC = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
GENERATOR = PACKAGE / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
TYPES = PACKAGE / "node_modules" / "@types"

PYTHON = """
import sys
from teller_api import AuthenticatedClient
from teller_api.api.clients import create_client
from teller_api.api.keys import create_client_key, revoke_key
from teller_api.api.transfers import create_deposit, create_transfer, create_transfer_batch, get_transfer, list_transfers
from teller_api.models import (
    Client, ClientCreate, DepositCreate, KeyWithSecret, Problem, Transfer, TransferBatch, TransferBatchCreate, TransferCreate,
    TransferItem, TransferPage, TransferStatus,
)

url, key, order = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=key) as teller:
    ada, bob = (create_client.sync(client=teller, body=ClientCreate(name=name)) for name in ("Ada", "Bob"))
    assert isinstance(ada, Client) and isinstance(bob, Client)
    body = DepositCreate(wallet_id=ada.wallet.id, amount=5000)
    paid_in = create_deposit.sync(client=teller, body=body, idempotency_key=f"{order}-in", prefer="wait=20")
    assert isinstance(paid_in, Transfer) and paid_in.status is TransferStatus.APPLIED
    lunch = TransferCreate(source_wallet_id=ada.wallet.id, destination_wallet_id=bob.wallet.id, amount=1050)
    paid = create_transfer.sync(client=teller, body=lunch, idempotency_key=order, prefer="wait=20")
    assert isinstance(paid, Transfer) and paid.status is TransferStatus.APPLIED
    again = get_transfer.sync(client=teller, transfer_id=paid.id)
    assert isinstance(again, Transfer) and again.entries == paid.entries
    page = list_transfers.sync(client=teller, wallet_id=bob.wallet.id, status=TransferStatus.APPLIED)
    assert isinstance(page, TransferPage) and [one.id for one in page.data] == [paid.id]
    items = [
        TransferItem(idempotency_key=f"{order}-{n}", source_wallet_id=ada.wallet.id, destination_wallet_id=to, amount=1)
        for n, to in enumerate((bob.wallet.id, ada.wallet.id))
    ]
    batch = create_transfer_batch.sync(client=teller, body=TransferBatchCreate(transfers=list(items)))
    assert isinstance(batch, TransferBatch)
    good, bad = batch.results
    assert isinstance(good.transfer, Transfer) and isinstance(bad.problem, Problem)
    made = create_client_key.sync_detailed(client=teller, client_id=ada.id)
    assert isinstance(made.parsed, KeyWithSecret)
    revoked = revoke_key.sync_detailed(client=teller, key_id=made.parsed.id)
    assert revoked.status_code == 204
    missing = get_transfer.sync(client=teller, transfer_id="trf_01kg9z7f6me2w9y4d1s8a3q5n7")
    assert isinstance(missing, Problem)
    print(paid.status, bad.problem.code, missing.code)
"""

TYPESCRIPT = """
import type { components, operations, webhooks } from "./teller.js";

type Schemas = components["schemas"];
type Body<Name extends keyof operations> = operations[Name] extends { requestBody: { content: { "application/json": infer B } } }
  ? B
  : never;
type Answer<Name extends keyof operations, Status extends number> = operations[Name] extends {
  responses: { [S in Status]: { content: { "application/json": infer A } } };
}
  ? A
  : never;

const [url, key, order] = process.argv.slice(2) as [string, string, string];

async function post<A>(path: string, body: unknown, name: string): Promise<A> {
  const known = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const headers = { ...known, "Idempotency-Key": name, Prefer: "wait=20" };
  return (await (await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })).json()) as A;
}

async function client(body: Body<"createClient">): Promise<Answer<"createClient", 201>> {
  return post("/v1/clients", body, `${order}-${body.name}`);
}

const [ada, bob] = [await client({ name: "Ada" }), await client({ name: "Bob" })];
const deposit: Body<"createDeposit"> = { wallet_id: ada.wallet.id, amount: 5000 };
await post("/v1/deposits", deposit, `${order}-in`);
const lunch: Schemas["TransferCreate"] = {
  source_wallet_id: ada.wallet.id,
  destination_wallet_id: bob.wallet.id,
  amount: 1050,
};
const paid = await post<Answer<"createTransfer", 202>>("/v1/transfers", lunch, order);
const status: Schemas["TransferStatus"] = paid.status;
const refused = await post<Schemas["Problem"]>("/v1/transfers", { ...lunch, amount: 0 }, `${order}-0`);
const code: Schemas["ProblemCode"] = refused.code;
type Sent = NonNullable<webhooks["transfer.applied"]["post"]>["requestBody"]["content"]["application/json"];
const event: Pick<Sent, "type" | "data"> = { type: "transfer.applied", data: paid };
console.log(status, code, event.data.entries.length);
"""


@pytest.mark.long
def test_a_python_client_is_generated_checked_and_moves_money(tmp_path: Path, shared_system: System) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(openapi()))
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    generator = Path(sys.executable).with_name("openapi-python-client")
    options = ["--path", "openapi.json", "--output-path", "teller_api", "--meta", "none", "--config", "config.yaml"]
    said = run(generator, "generate", *options, "--fail-on-warning", cwd=tmp_path)
    (tmp_path / "use.py").write_text(PYTHON)

    assert "Warning" not in said
    named = {file.stem for file in (tmp_path / "teller_api" / "api").glob("*/*.py")}
    assert {"create_transfer", "list_wallet_entries", "rotate_webhook_endpoint_secret"} <= named
    inline = [file.stem for file in (tmp_path / "teller_api" / "models").glob("*type_[0-9]*.py")]
    assert inline == []  # a class without a name of its own
    run(sys.executable, "-m", "compileall", "-q", "teller_api", cwd=tmp_path)
    # --follow-imports=silent: the generator has a class Client of its own, beside that of the document
    run(sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--strict", "use.py", cwd=tmp_path)
    printed = run(sys.executable, "use.py", shared_system.url, OPERATOR_KEY, f"python-{tmp_path.name}", cwd=tmp_path)
    assert printed.split() == ["applied", "validation_failed", "not_found"]


@pytest.mark.long
def test_typescript_types_are_generated_checked_and_describe_what_moves(tmp_path: Path, shared_system: System) -> None:
    typescript.need_node()
    with typescript.alone():
        typescript.install()
    (tmp_path / "openapi.json").write_text(json.dumps(openapi()))
    # Without the flag, a field of a request that has a default is required.
    run("node", GENERATOR, "openapi.json", "--output", "teller.ts", "--default-non-nullable", "false", cwd=tmp_path)
    (tmp_path / "use.mts").write_text(TYPESCRIPT)
    flags = ["--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    checked = subprocess.run(
        ["node", TSC, *flags, "--typeRoots", TYPES, "--types", "node", "use.mts"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stdout
    made = (tmp_path / "teller.ts").read_text()
    assert "_v1_" not in made
    printed = run("node", "use.mjs", shared_system.url, OPERATOR_KEY, f"typescript-{tmp_path.name}", cwd=tmp_path)
    assert printed.split() == ["applied", "validation_failed", "2"]


def test_the_generator_is_pinned() -> None:
    assert "openapi-python-client==" in (ROOT / "requirements-dev.txt").read_text()
