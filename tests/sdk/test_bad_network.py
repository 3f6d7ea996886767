"""A hundred transfers through a bad network are a hundred transfers, with every SDK."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.sdk.bad_network import BadNetwork, Fault
from tests.sdk.drivers import Driver

TRANSFERS = 100
AT_ONCE = 20
PATIENT = {"read_timeout_s": 2, "retry_within_s": 40, "backoff_s": 0.05}
# python-async is what the other one is generated from, and it waits for ten seconds here.
DRIVERS = ("python", pytest.param("python-async", marks=pytest.mark.long), "typescript")


@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
def test_a_hundred_transfers_through_a_bad_network_are_a_hundred_transfers(driver: Driver, caller: Caller) -> None:
    source, destination = caller.new_wallet(10_000), caller.new_wallet()
    run = new_key()

    def send(number: int) -> Mapping[str, Any]:
        args = {"source": source, "destination": destination, "amount": number, "key": f"{run}-{number}", "wait": 1}
        return driver.call(network.url, "transfers.create", args, key=OPERATOR_KEY, options=PATIENT)

    with BadNetwork(caller.url, seed=16) as network, ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(1, TRANSFERS + 1)))

    assert [answer["error"] for answer in answers if "error" in answer] == []
    assert all(network.happened[fault] for fault in Fault), network.happened
    ids = [answer["ok"]["id"] for answer in answers]
    assert len(set(ids)) == TRANSFERS
    assert sorted(caller.wait_final(id)["amount"] for id in ids) == list(range(1, TRANSFERS + 1))
    assert caller.balance(destination) == sum(range(1, TRANSFERS + 1))
    assert len(entries(caller, destination)) == TRANSFERS


def entries(caller: Caller, wallet: str) -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while True:
        page = caller.get(f"/v1/wallets/{wallet}/entries?limit=100{cursor}").body
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"
