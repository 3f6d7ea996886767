"""The requests of all clients and their answers, and whether these agree: the verdict compares them with the database."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

View = dict[str, Any]

FINAL = ("applied", "rejected")


@dataclass
class Asked:
    """A money request, known by its key. `id` is the one in its first answer."""

    key: str
    source: str | None  # None for a deposit
    destination: str
    amount: int
    id: str | None = None


@dataclass
class Outcome:
    """A final state, and when a reader had it (monotonic seconds)."""

    status: str
    failure: object
    finished_at: str
    read_at: float


@dataclass
class Overdraft:
    """A wallet that held `funds` cents, and got more than that many debits of one cent at once."""

    funds: int
    keys: list[str] = field(default_factory=list)


class History:
    """What the clients of a trial asked and read. Not thread-safe. `broken` has the violations, in words.

    `chains` has, by wallet, the keys of transfers of which each was sent after the 202 of the one before, in that order.
    """

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.broken: list[str] = []
        self.asked: dict[str, Asked] = {}
        self.outcomes: dict[str, Outcome] = {}  # by transfer id
        self.chains: dict[str, list[str]] = {}
        self.overdrafts: list[Overdraft] = []
        self.followed: list[str] = []  # transfer ids, in the order of the feed
        self.heard: Counter[str] = Counter()  # webhooks that the endpoint got, by transfer
        self.counts: Counter[str] = Counter()
        self._key_of: dict[str, str] = {}

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def complain(self, text: str) -> None:
        self.broken.append(text)
        self.say(f"BROKEN: {text}")

    def ask(self, asked: Asked) -> Asked:
        """Note a request before it is sent for the first time."""
        self.asked[asked.key] = asked
        return asked

    def answer(self, asked: Asked, status: int, view: View, sent_at: float) -> None:
        """Note that the request was answered with this transfer, in 200 or 202."""
        if (status == 202) != (view["status"] == "queued"):
            self.complain(f"{view['id']} is {view['status']} in an answer of {status}")
        if self._key_of.setdefault(view["id"], asked.key) != asked.key:
            self.complain(f"{view['id']} was given to two keys, {asked.key} and {self._key_of[view['id']]}")
        if asked.id is None:
            asked.id = view["id"]
            self.counts["accepted"] += 1
        elif asked.id != view["id"]:
            self.complain(f"the key {asked.key} stands for {asked.id} and for {view['id']}")
        self.read(view, sent_at)

    def hear(self, event_id: str, type: str, view: View) -> None:
        """Note a webhook that the endpoint got: its final state must be the one that all read, each time under one event id."""
        if event_id != view["id"].replace("trf_", "evt_"):
            self.complain(f"{view['id']} was told as {event_id}")
        if view["status"] not in FINAL or type != f"transfer.{view['status']}":
            self.complain(f"{view['id']} was told as {type} and is {view['status']}")
        self.heard[view["id"]] += 1
        self.read(view, time.monotonic())

    def read(self, view: View, sent_at: float) -> None:
        """Note a transfer's state as it was read by a request sent then. Once final it stays as it is, for every later request."""
        before = self.outcomes.get(view["id"])
        is_final = view["status"] in FINAL
        if before is None and is_final:
            self.outcomes[view["id"]] = Outcome(view["status"], view["failure"], view["finished_at"], time.monotonic())
        elif before is not None and is_final:
            if (before.status, before.failure, before.finished_at) != (view["status"], view["failure"], view["finished_at"]):
                self.complain(f"{view['id']} was {before} and is {view}")
        elif before is not None and sent_at > before.read_at:
            self.complain(f"{view['id']} was read as queued after another request had read that it is {before.status}")
