"""Time over HTTP: transfers for later, deadlines, cancellations; and amounts that are open until they are applied."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from core import ids
from core.ids import Prefix
from tests.caller import Caller, new_key
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient
from tests.http.test_holds import money, outcome
from tests.system import System
from tests.waiting import wait_for


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


TOMORROW = ahead(86_400)


def ids_of(caller: Caller, query: str) -> list[str]:
    return [row["id"] for row in caller.get(f"/v1/transfers?{query}").body["data"]]


# --- Scheduled ---


def test_a_scheduled_transfer_waits_for_its_time_outside_of_the_queue(caller: Caller) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()

    answer = caller.transfer(wallet, other, 60, scheduled_for=TOMORROW, apply_within_s=60)

    scheduled = answer.body
    assert (answer.status, answer.headers["location"]) == (202, f"/v1/transfers/{scheduled['id']}")
    assert int(answer.headers["retry-after"]) > 80_000
    assert (scheduled["status"], scheduled["apply_by"]) == ("scheduled", None)
    assert datetime.fromisoformat(scheduled["scheduled_for"]) == datetime.fromisoformat(TOMORROW)
    assert caller.get(f"/v1/transfers/{scheduled['id']}").body == scheduled
    assert ids_of(caller, f"status=scheduled&wallet_id={wallet}") == [scheduled["id"]]
    assert scheduled["id"] in ids_of(caller, "status=scheduled&limit=100")
    assert ids_of(caller, f"status=queued&wallet_id={wallet}") == []
    assert caller.applied(caller.transfer(wallet, other, 100))["amount"] == 100  # nothing is reserved for it


def test_a_scheduled_transfer_is_applied_after_its_time(caller: Caller) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    body = {"source_wallet_id": wallet, "destination_wallet_id": other, "amount": 60, "scheduled_for": ahead(1)}

    answer = caller.post("/v1/transfers", body, key=new_key(), headers={"Prefer": "wait=20"})

    assert (answer.status, answer.body["status"]) == (200, "applied")
    assert answer.body["finished_at"] >= answer.body["scheduled_for"]
    assert caller.balance(other) == 60


def test_a_time_that_has_passed_means_now_so_that_a_repetition_may_come_late(caller: Caller) -> None:
    wallet, key, soon = caller.new_wallet(100), new_key(), datetime.now(UTC) + timedelta(seconds=1)
    sent = caller.withdraw(wallet, 5, key, scheduled_for=soon.isoformat())
    final = caller.applied(sent)

    elsewhere = soon.astimezone(datetime.strptime("+0530", "%z").tzinfo).isoformat()
    again = caller.withdraw(wallet, 5, key, scheduled_for=elsewhere)
    late = caller.withdraw(wallet, 5, scheduled_for=(soon - timedelta(minutes=2)).isoformat())

    assert (again.status, again.headers["idempotent-replayed"], again.body) == (200, "true", final)
    assert caller.withdraw(wallet, 5, key).code == "idempotency_key_reused"
    assert (late.body["status"], late.body["scheduled_for"]) == ("queued", None)
    assert caller.applied(late)["amount"] == 5


def test_a_hold_whose_time_has_just_passed_ends_counted_from_its_acceptance(caller: Caller) -> None:
    just_now = datetime.now(UTC) - timedelta(seconds=1)

    answer = caller.hold(caller.new_wallet(100), caller.new_wallet(), 5, scheduled_for=just_now.isoformat(), expires_in_s=60)

    assert (answer.status, answer.body["status"], answer.body["scheduled_for"]) == (202, "queued", None)
    final = caller.applied(answer)
    ends = datetime.fromisoformat(final["hold"]["expires_at"])
    assert ends == datetime.fromisoformat(final["created_at"]) + timedelta(seconds=60)


def test_a_hold_that_is_scheduled_reserves_and_ends_from_its_time_on(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.hold(payer, payee, 70, scheduled_for=ahead(1), expires_in_s=3600)

    early = caller.capture(hold.body["id"])

    assert money(caller, payer) == (100, 0, 100)
    assert outcome(caller, early) == ("rejected", "hold_closed")
    final = caller.applied(hold)
    assert datetime.fromisoformat(final["hold"]["expires_at"]) == datetime.fromisoformat(final["scheduled_for"]) + timedelta(
        hours=1
    )
    assert money(caller, payer) == (100, 70, 30)


def test_a_clients_scheduled_transfers_count_in_its_part_of_the_backlog(own_system: System) -> None:
    own_system.start_api({"TELLER_CLIENT_BACKLOG_MAX": "3"})
    caller = own_system.caller()
    ada, other = caller.new_client(), caller.new_wallet()
    key = caller.request("POST", f"/v1/clients/{ada['id']}/keys").body["key"]

    with closing(Caller(caller.url, key)) as client:

        def schedule(idempotency_key: str | None = None) -> Any:
            return client.transfer(ada["wallet"]["id"], other, 1, idempotency_key, scheduled_for=TOMORROW)

        first = schedule(again := new_key())
        assert [schedule().status for _ in range(2)] == [202, 202]
        full = schedule()
        assert (full.code, int(full.headers["retry-after"]) > 0) == ("backlog_full", True)
        assert schedule(again).body == first.body
        assert client.transfer(ada["wallet"]["id"], other, 1).status == 202  # what waits for its time stops no other transfer
        assert caller.transfer(ada["wallet"]["id"], other, 1, scheduled_for=TOMORROW).status == 202  # an operator's
        for id in ids_of(caller, "status=scheduled")[:3]:
            caller.cancel(id)
        wait_for(lambda: schedule().status == 202, "room for another one")


def test_a_clients_open_holds_count_in_its_part_of_the_backlog(own_system: System) -> None:
    """Each is a row that waits for its end: without a limit one client could delay the ends of all holds in its shard."""
    own_system.start_api({"TELLER_CLIENT_BACKLOG_MAX": "3"})
    own_system.start_workers(1)
    caller = own_system.caller()
    ada, other = caller.new_client(), caller.new_wallet()
    payer = ada["wallet"]["id"]
    caller.applied(caller.deposit(payer, 100))
    key = caller.request("POST", f"/v1/clients/{ada['id']}/keys").body["key"]

    with closing(Caller(caller.url, key)) as client:
        first = caller.applied(client.hold(payer, other, 1))["id"]
        for _ in range(2):
            wait_for(lambda: client.hold(payer, other, 1).status == 202, "the count of the queue")
        wait_for(lambda: caller.get(f"/v1/wallets/{payer}").body["held"] == 3, "three open holds")

        wait_for(lambda: client.transfer(payer, other, 1).status == 202, "a count in which the holds are not queued any more")
        assert client.hold(payer, other, 1).code == "backlog_full"
        caller.applied(caller.hold(payer, other, 1))  # an operator's
        for id in (first, caller.get(f"/v1/wallets/{payer}/holds").body["data"][0]["id"]):
            caller.applied(caller.release(id))
        wait_for(lambda: client.hold(payer, other, 1).status == 202, "room for another one")


# --- Deadlines ---


def test_what_is_taken_up_after_its_deadline_is_rejected(own_system: System) -> None:
    own_system.start_api()
    caller = own_system.caller()
    wallet = caller.new_wallet()

    late, in_time = caller.deposit(wallet, 5, apply_within_s=1), caller.deposit(wallet, 6, apply_within_s=3600)
    assert datetime.fromisoformat(late.body["apply_by"]) == datetime.fromisoformat(late.body["created_at"]) + timedelta(seconds=1)
    assert {**caller.get(f"/v1/transfers/{late.body['id']}").body, "queue": None} == late.body
    wait_for(lambda: datetime.now(UTC) > datetime.fromisoformat(late.body["apply_by"]), "the deadline to pass")
    own_system.start_workers(1)
    own_system.start_sweeper()

    assert outcome(caller, late) == ("rejected", "deadline_passed")
    assert outcome(caller, in_time) == ("applied", None)
    assert caller.balance(wallet) == 6


# --- Cancellations ---


def test_a_scheduled_transfer_is_canceled_once_and_for_ever(caller: Caller, shared_system: System) -> None:
    hook = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook", "events": ["transfer.canceled"]}).body["id"]
    wallet, other, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    scheduled = caller.transfer(wallet, other, 60, key, scheduled_for=ahead(2)).body

    canceled = caller.cancel(scheduled["id"])
    again = caller.cancel(scheduled["id"])

    assert (canceled.status, again.status, again.body) == (200, 200, canceled.body)
    assert canceled.body == {**scheduled, "status": "canceled", "finished_at": canceled.body["finished_at"]}
    assert canceled.body["finished_at"] > scheduled["created_at"]
    event = caller.get(f"/v1/events/evt_{scheduled['id'].removeprefix('trf_')}").body
    assert (event["type"], event["data"]) == ("transfer.canceled", canceled.body)
    fan_out_at(shared_system.database_url)
    [delivery] = caller.get(f"/v1/webhook-endpoints/{hook}/deliveries").body["data"]
    assert delivery["transfer_id"] == scheduled["id"]
    replay = caller.transfer(wallet, other, 60, key, scheduled_for=scheduled["scheduled_for"])
    assert (replay.status, replay.body) == (200, canceled.body)
    wait_for(lambda: datetime.now(UTC) > datetime.fromisoformat(scheduled["scheduled_for"]), "its time to come")
    assert caller.applied(caller.transfer(wallet, other, 1))["status"] == "applied"
    assert caller.get(f"/v1/transfers/{scheduled['id']}").body == canceled.body
    assert ids_of(caller, f"status=canceled&wallet_id={wallet}") == [scheduled["id"]]
    assert caller.balance(other) == 1


def test_an_endpoint_that_did_not_ask_for_it_gets_no_cancellation(caller: Caller, shared_system: System) -> None:
    hook = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook", "events": ["transfer.rejected"]}).body["id"]
    wallet = caller.new_wallet()
    caller.cancel(caller.withdraw(wallet, 1, scheduled_for=TOMORROW).body["id"])
    rejected = caller.wait_final(caller.withdraw(wallet, 1).body["id"])["id"]

    fan_out_at(shared_system.database_url)

    assert [row["transfer_id"] for row in caller.get(f"/v1/webhook-endpoints/{hook}/deliveries").body["data"]] == [rejected]


def test_a_queued_transfer_of_any_type_is_canceled(idle_system: System, idle_caller: Caller) -> None:
    wallet, other = idle_caller.new_wallet(), idle_caller.new_wallet()
    hold = idle_caller.hold(wallet, other, 5).body["id"]
    queued = [
        idle_caller.deposit(wallet, 5),
        idle_caller.withdraw(wallet, 5, apply_within_s=60),
        idle_caller.transfer(wallet, other, 5, up_to=True),
        idle_caller.capture(hold),
        idle_caller.release(hold, amount=1),
    ]

    for id in (*(answer.body["id"] for answer in queued), hold):
        canceled = idle_caller.cancel(id)
        assert (canceled.status, canceled.body["status"], canceled.body["failure"]) == (200, "canceled", None)
        assert canceled.body["hold"] is None
        assert id not in ids_of(idle_caller, "status=queued&limit=100")
    with psycopg.connect(idle_system.database_url) as connection:
        placed = "SELECT count(*) FROM queue WHERE transfer_id = ANY(%s)"
        assert connection.execute(placed, [[ids.parse(Prefix.TRANSFER, one.body["id"]) for one in queued]]).fetchone() == (0,)


def test_what_is_final_is_not_canceled_and_is_shown_as_it_is(caller: Caller) -> None:
    wallet = caller.new_wallet(5)

    for final in (caller.applied(caller.withdraw(wallet, 5)), caller.wait_final(caller.withdraw(wallet, 5).body["id"])):
        refused = caller.cancel(final["id"])
        assert (refused.status, refused.code) == (409, "not_cancelable")
        assert refused.body["transfer"] == final


def test_a_transfer_is_canceled_by_its_submitter_or_an_operator(caller: Caller, as_client: AsClient) -> None:
    ada, bob, eve = (caller.new_client() for _ in range(3))
    adas, bobs, eves = as_client(ada), as_client(bob), as_client(eve)
    wallets = ada["wallet"]["id"], bob["wallet"]["id"]
    of_ada, other_of_ada = (adas.transfer(*wallets, 1, scheduled_for=TOMORROW).body["id"] for _ in range(2))
    of_operator = caller.transfer(*wallets, 1, scheduled_for=TOMORROW).body["id"]

    assert eves.cancel(of_ada).code == eves.cancel(ids.text(Prefix.TRANSFER, ids.mint())).code == "not_found"
    assert bobs.cancel(of_ada).code == adas.cancel(of_operator).code == "forbidden"
    assert [adas.cancel(of_ada).status, caller.cancel(other_of_ada).status, caller.cancel(of_operator).status] == [200] * 3


def test_a_cancellation_takes_no_fields(caller: Caller) -> None:
    id = caller.withdraw(caller.new_wallet(), 1, scheduled_for=TOMORROW).body["id"]

    assert caller.post(f"/v1/transfers/{id}/cancel", {"amount": 1}).field_codes == {"/amount": "unknown_field"}
    assert caller.request("POST", f"/v1/transfers/{id}/cancel?x=1").code == "invalid_parameter"
    assert caller.post(f"/v1/transfers/{id}/cancel", {}).body["status"] == "canceled"


def test_a_request_that_waits_for_a_canceled_transfer_is_answered_at_once(own_system: System) -> None:
    own_system.start_api()
    caller = own_system.caller()
    wallet, key = caller.new_wallet(), new_key()
    body = {"wallet_id": wallet, "amount": 1}

    with ThreadPoolExecutor(1) as thread, closing(Caller(own_system.url)) as waiting:
        answer = thread.submit(waiting.post, "/v1/deposits", body, key=key, headers={"Prefer": "wait=30"})
        [id] = wait_for(lambda: ids_of(caller, f"idempotency_key={key}"), "the deposit to be stored")
        began = time.monotonic()
        caller.cancel(id)

        assert (answer.result(20).status, answer.result().body["status"]) == (200, "canceled")
    assert time.monotonic() - began < 10


def test_a_cancellation_costs_a_token_of_the_rate(own_system: System) -> None:
    own_system.start_api({"TELLER_RATE_LIMIT": "0.01", "TELLER_RATE_BURST": "2", "REDIS_URL": "redis://127.0.0.1:1/0"})
    caller = own_system.caller()
    id = caller.deposit(caller.new_wallet(), 1).body["id"]

    assert [caller.cancel(id).status for _ in range(2)] == [200, 429]


# --- Open amounts ---


def test_up_to_moves_what_is_available_and_is_rejected_when_that_is_nothing(caller: Caller) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    caller.applied(caller.hold(wallet, other, 40))

    queued = caller.transfer(wallet, other, 1000, up_to=True)
    final = caller.applied(queued)

    assert (queued.body["amount"], final["amount"]) == (1000, 60)
    assert [entry["amount"] for entry in final["entries"]] == [-60, 60]
    assert outcome(caller, caller.withdraw(wallet, 5, up_to=True)) == ("rejected", "insufficient_funds")
    assert money(caller, wallet) == (40, 40, 0)


def test_up_to_moves_no_more_than_its_amount(caller: Caller) -> None:
    wallet = caller.new_wallet(100)

    assert caller.applied(caller.withdraw(wallet, 30, up_to=True))["amount"] == 30
    assert caller.balance(wallet) == 70


def test_up_to_is_part_of_its_key_and_false_is_as_left_out(idle_caller: Caller) -> None:
    wallet, other, key = idle_caller.new_wallet(), idle_caller.new_wallet(), new_key()
    plain = idle_caller.transfer(wallet, other, 5, key).body

    def same(**fields: object) -> Mapping[str, Any]:
        answer = idle_caller.transfer(wallet, other, 5, key, **fields)
        return answer.body if answer.status == 202 else {"code": answer.code}

    assert same(up_to=False) == same(scheduled_for=None) == same(apply_within_s=None) == plain
    assert same(up_to=True) == same(scheduled_for=TOMORROW) == same(apply_within_s=60) == {"code": "idempotency_key_reused"}
