"""The main job, over HTTP: deposits and transfers from submission to outcome."""

from tests.caller import Caller


def test_a_deposit_is_accepted_and_then_applied(caller: Caller) -> None:
    wallet = caller.new_wallet()

    accepted = caller.deposit(wallet, 5000, reference="first")

    assert accepted.status == 202
    assert accepted.headers["location"] == f"/v1/transfers/{accepted.body['id']}"
    assert int(accepted.headers["retry-after"]) > 0
    assert accepted.body["status"] == "queued"
    final = caller.wait_final(accepted.body["id"])
    assert (final["type"], final["status"], final["source_wallet_id"]) == ("deposit", "applied", None)
    assert [entry["amount"] for entry in final["entries"]] == [-5000, 5000]
    assert final["finished_at"] > final["created_at"]
    assert caller.balance(wallet) == 5000
