"""The doorbell of the deliverers: one flag for all, raised when webhooks became due. Each deliverer also looks once a second."""

from rq import Queue

from core.redis.hints import HintProtocol, Hints
from core.redis.jobs import DELIVER, SERIALIZER, enqueue
from core.redis.keys import DELIVERIES, DELIVERIES_FLAG

__all__ = ["DelivererDoorbell"]


class DelivererDoorbell(HintProtocol):
    """Rings for a deliverer. The flag is not renewed: if it expires during a long run, one superfluous job is enqueued."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(hints)
        self._queue = Queue(DELIVERIES, connection=hints.redis, serializer=SERIALIZER)

    def ring(self) -> None:
        """Wake one deliverer, unless the flag is up: then a job is queued or running. Call it only after COMMIT."""
        self._hints.attempt(self._ring)

    def lower(self) -> None:
        """Lower the flag: the next commit rings again. Look once more for due webhooks after this call."""
        self._hints.attempt(lambda: self._hints.redis.unlink(DELIVERIES_FLAG))

    def _ring(self) -> None:
        if self._hints.raise_flags([DELIVERIES_FLAG]):
            with self._hints.lowering_if_refused([DELIVERIES_FLAG]):
                enqueue(self._queue, DELIVER)
