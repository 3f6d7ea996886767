"""The names of Teller's queues, keys and channel in Redis, and the deletion of keys of a wrong type.

During a rolling upgrade, processes of two versions share these names: they must not change.
"""

import redis

from core import log

__all__ = [
    "BATCHER",
    "DELIVERIES",
    "DELIVERIES_FLAG",
    "FINAL",
    "FLAG_TTL_S",
    "HANDED_OVER",
    "PROBE",
    "QUEUE",
    "delete_wrong_types",
    "flag",
    "rerun",
]

QUEUE = "transfers"
DELIVERIES = "deliveries"  # a queue of its own: a listener pops from one queue only, see worker/listen.py
PROBE = "probe"  # a queue of jobs that never run: core/redis/probe.py writes one and deletes it
FINAL = "final"  # the channel for the ids of transfers that became final, 16 bytes each
BATCHER = "gatherer"  # exists while one worker is the batcher
HANDED_OVER = "left-to-gatherer"  # the set of shards that other workers have handed over to the batcher
DELIVERIES_FLAG = "doorbell:deliveries"

# After 5 s a flag is down whose job was lost or whose worker died. Longer than the 3 s of a drain. The sweeper is faster.
FLAG_TTL_S = 5

# The types of the keys that exist while there is work. Flags and wishes need none: SET and UNLINK work on any type.
KEY_TYPES = {
    b"list": (f"rq:queue:{QUEUE}", f"rq:queue:{DELIVERIES}", f"rq:queue:{PROBE}"),
    b"set": ("rq:queues", HANDED_OVER),
    b"string": (BATCHER,),
}

logger = log.get(__name__)


def flag(shard: int) -> str:
    """Return the key that exists while a job for this shard is queued or running."""
    return f"doorbell:{shard}"


def rerun(shard: int) -> str:
    """Return the key that exists while the worker that drains this shard is asked to look once more."""
    return f"rerun:{shard}"


def delete_wrong_types(connection: redis.Redis) -> None:
    """Delete those of KEY_TYPES that have a wrong type: no process of Teller wrote them. Raises RedisError."""
    keys = [(key, kind) for kind, of_kind in KEY_TYPES.items() for key in of_kind]
    with connection.pipeline(transaction=False) as pipeline:
        for key, _ in keys:
            pipeline.type(key)
        actual = pipeline.execute()
    wrong = [key for (key, kind), is_of in zip(keys, actual, strict=True) if is_of not in (kind, b"none")]
    if wrong:
        logger.warning("keys of a wrong type deleted", keys=wrong)
        connection.unlink(*wrong)
