"""Holds that expire in a system of real processes, while Redis loses everything."""

import pytest
import redis

from core import ids
from core.ids import Prefix
from tests.system import System
from tests.waiting import wait_for
from tests.world import World, hold

HOLDS = 1000
FINAL_WITHIN_S = 30.0
LATE_S = 10.0  # promised are 3 s; the machine that runs the tests may be busy with others


@pytest.mark.long
def test_a_thousand_holds_expire_within_seconds_though_redis_is_flushed(own_system: System) -> None:
    own_system.start_api()
    own_system.start_workers(1)
    own_system.start_sweeper()
    caller = own_system.caller()
    payer, payee = (ids.parse(Prefix.WALLET, caller.new_wallet(amount)) for amount in (5000, 1))
    world = World(own_system.database_url, own_system.database_url)
    world.submit(*(hold(payer, payee, 1, expires_in_s=6) for _ in range(HOLDS)))
    wait_for(lambda: world.wallet(payer).held == HOLDS, "all to be reserved", FINAL_WITHIN_S)

    with redis.Redis.from_url(own_system.redis_url) as client:
        client.flushall()
    wait_for(lambda: world.wallet(payer).held == 0, "all to be released", FINAL_WITHIN_S)

    late = "SELECT max(extract(epoch FROM r.finished_at - h.expires_at)) FROM transfers r JOIN transfers h ON h.id = r.parent"
    [(late_s,)] = world.query(late)
    assert late_s < LATE_S
    assert world.query("SELECT count(*) FROM transfers WHERE type = 'release' AND status = 'applied'") == [(HOLDS,)]
    own_system.audit()
