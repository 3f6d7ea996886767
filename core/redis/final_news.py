"""The news of final transfers, published after COMMIT for requests that wait (api/intake/final_listener.py).

These requests also look once a second, because Redis may lose the news.
"""

from collections.abc import Sequence
from uuid import UUID

from core.failpoint import failpoint
from core.redis.hints import HintProtocol
from core.redis.keys import FINAL

__all__ = ["FinalNews"]


class FinalNews(HintProtocol):
    """Publishes which transfers became final."""

    def publish_final(self, ids: Sequence[UUID]) -> None:
        """Publish that these transfers are final. Call it only after COMMIT."""
        if ids:
            failpoint("doorbell.before_publish")
            self._hints.attempt(lambda: self._hints.redis.publish(FINAL, b"".join(id.bytes for id in ids)))
