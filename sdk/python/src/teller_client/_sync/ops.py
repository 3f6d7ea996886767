"""What runs, what waits, how the database is."""

from __future__ import annotations

from teller_client._request import get
from teller_client._sync.http import SyncHttp
from teller_client.models import Database, Processes, Queue, Settings


class SyncOps:
    """`teller.ops`. For operators and viewers. Answers may be a second old."""

    def __init__(self, http: SyncHttp) -> None:
        self._http = http

    def queue(self) -> Queue:
        """Return how many transfers wait, for how long, and in which shards."""
        return Queue.from_dict(self._http.send(get("/v1/ops/queue")))

    def processes(self) -> Processes:
        """Return the processes that have a session of the database."""
        return Processes.from_dict(self._http.send(get("/v1/ops/processes")))

    def database(self) -> Database:
        """Return the database's size, connections, what waits for locks, what keeps events back, and the last audit."""
        return Database.from_dict(self._http.send(get("/v1/ops/database")))

    def settings(self) -> Settings:
        """Return the settings of the API process that answers, without secrets, and its version."""
        return Settings.from_dict(self._http.send(get("/v1/ops/settings")))
