"""A cancellation locks its shard as a drain does. A worker that comes at that moment passes the shard by."""

from datetime import UTC, datetime, timedelta

import psycopg
import redis

from core import ids
from core.ids import Prefix
from core.ledger.sharding import shard_of
from core.redis.keys import flag, rerun
from tests.system import System
from tests.waiting import wait_for
from tests.world import SHARDS


def test_a_worker_that_passed_a_shard_by_is_rung_again_when_a_cancellation_ends(own_system: System) -> None:
    """No sweeper runs, and the flag stays up: nothing else would wake a worker for the shard, also for later transfers.

    The test's own lock stands for that of the cancellation, so that it lasts until the worker has come.
    """
    own_system.start_api()
    own_system.start_workers(1)
    caller = own_system.caller()
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    shard = shard_of(ids.parse(Prefix.WALLET, payer), SHARDS)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    asked = caller.transfer(payer, payee, 1, scheduled_for=tomorrow).body["id"]

    with psycopg.connect(own_system.database_url) as locked, redis.Redis.from_url(own_system.redis_url) as bells:
        locked.execute("SELECT FROM shards WHERE shard = %s FOR UPDATE", [shard])
        sent = caller.transfer(payer, payee, 2).body["id"]
        wait_for(lambda: bells.exists(rerun(shard)), "a worker to pass the shard by")
        wait_for(lambda: not bells.keys("rq:job:*"), "the end of its job, in which it tries the lock once more")
        locked.rollback()
        assert bells.exists(flag(shard))

    assert caller.cancel(asked).body["status"] == "canceled"

    assert caller.wait_final(sent)["status"] == "applied"
