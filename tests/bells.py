"""All protocols of one process over Redis, for tests that play a process."""

from core.redis.batcher import Batcher
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.final_news import FinalNews
from core.redis.hints import Hints
from core.redis.probe import Probe
from core.redis.shard_doorbell import ShardDoorbell


class Bells:
    """The protocols over one connection, which `close` closes."""

    def __init__(self, redis_url: str) -> None:
        self.hints = Hints(redis_url)
        self.doorbell = ShardDoorbell(self.hints)
        self.batcher = Batcher(self.hints)
        self.deliverers = DelivererDoorbell(self.hints)
        self.news = FinalNews(self.hints)
        self.probe = Probe(self.hints)

    def close(self) -> None:
        self.hints.close()
