"""The names of everything that Teller keeps in Redis for its doorbells, and what happens to a key of a wrong type.

The names are shared by processes of all versions that run at the same time, so a rolling upgrade must not change them.
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
DELIVERIES = "deliveries"  # a queue of its own: a listener pops from one queue alone, see worker/listen.py
PROBE = "probe"  # a queue of jobs that never run: core/redis/probe.py writes one and deletes it
FINAL = "final"  # the channel on which ids of transfers that became final are published, 16 bytes each
BATCHER = "gatherer"  # exists while one worker, the batcher, waits for more transfers on behalf of all
HANDED_OVER = "left-to-gatherer"  # the set of shards that other workers have handed over to the batcher
DELIVERIES_FLAG = "doorbell:deliveries"

FLAG_TTL_S = 5  # heals a flag whose job was lost or whose worker died; longer than a drain's fair share. The sweeper comes before

# The types of the keys that last for as long as there is work. Flags and wishes are written and deleted whatever their type.
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
    """Delete those of the lasting keys that have a wrong type: no process of Teller wrote them. Raises RedisError."""
    keys = [(key, kind) for kind, of_kind in KEY_TYPES.items() for key in of_kind]
    with connection.pipeline(transaction=False) as pipeline:
        for key, _ in keys:
            pipeline.type(key)
        found = pipeline.execute()
    wrong = [key for (key, kind), is_of in zip(keys, found, strict=True) if is_of not in (kind, b"none")]
    if wrong:
        logger.warning("keys of a wrong type deleted", keys=wrong)
        connection.unlink(*wrong)
