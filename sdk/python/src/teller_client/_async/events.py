"""The feed of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from teller_client._async.http import AsyncHttp
from teller_client._page import LIMIT_MAX
from teller_client._request import Id, get, path_of
from teller_client._retry import pause_s
from teller_client._shims import AsyncStop
from teller_client.errors import TEMPORARY
from teller_client.events import Event, parse_event

POLL_S = 1.0


class AsyncFeed:
    """The events of a feed in their order, now and to come. Iterate over it. It ends after `stop()`."""

    def __init__(self, http: AsyncHttp, after: str | None, poll_s: float) -> None:
        self._http = http
        self._poll_s = poll_s
        self._stop = AsyncStop()
        self.after = after

    def stop(self) -> None:
        """End the iteration: after the event at hand, or at once where it waits for the next one."""
        self._stop.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        faults = 0
        while not self._stop.is_set():
            try:
                page = await self._http.send(get("/v1/events", {"after": self.after, "limit": LIMIT_MAX}), within_s=0)
            except TEMPORARY as fault:
                faults += 1
                await self._stop.wait(pause_s(self._http.limits, faults, getattr(fault, "retry_after", None)))
                continue
            faults = 0
            for raw in page["data"]:
                if self._stop.is_set():
                    return
                yield self._handed_out(raw)
            if not page["has_more"]:
                await self._stop.wait(self._poll_s)

    def _handed_out(self, raw: Any) -> Event:
        event = parse_event(raw)
        self.after = event.id
        return event


class AsyncEvents:
    """`teller.events`."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    def follow(self, *, after: str | None = None, poll: float = POLL_S) -> AsyncFeed:
        """Return all events after the event `after`, oldest first, then each new one as it comes.

        Without `after` it begins with the first event that there is. Store the id of each event with what you made of it, and pass
        the last stored id as `after` when your process starts again: no event is missed, and none comes twice. Faults only delay
        it; it raises what a wait cannot help against, such as Unauthorized. `poll` is in seconds.
        """
        return AsyncFeed(self._http, after, poll)

    async def list(self, *, after: str | None = None, limit: int | None = None) -> Events:
        """Return one page of events after the event `after`, oldest first."""
        page = await self._http.send(get("/v1/events", {"after": after, "limit": limit}))
        return [parse_event(raw) for raw in page["data"]]

    async def get(self, id: Id) -> Event:
        """Return an event."""
        return parse_event(await self._http.send(get(path_of("/v1/events/{}", id))))


Events = list[Event]
