"""What runs, what waits, how the database is."""

from __future__ import annotations

from teller_client._async.http import AsyncHttp
from teller_client._request import get
from teller_client.models import Database, Processes, Queue, Settings


class AsyncOps:
    """`teller.ops`. For operators and viewers. Answers may be a second old."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def queue(self) -> Queue:
        """Return how many transfers wait, for how long, and in which shards."""
        return Queue.from_dict(await self._http.send(get("/v1/ops/queue")))

    async def processes(self) -> Processes:
        """Return the processes that have a session of the database."""
        return Processes.from_dict(await self._http.send(get("/v1/ops/processes")))

    async def database(self) -> Database:
        """Return the database's size, connections, what waits for locks, what keeps events back, and the last audit."""
        return Database.from_dict(await self._http.send(get("/v1/ops/database")))

    async def settings(self) -> Settings:
        """Return the settings of the API process that answers, without secrets, and its version."""
        return Settings.from_dict(await self._http.send(get("/v1/ops/settings")))
