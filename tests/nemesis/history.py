"""The requests of all clients and their answers, and whether these agree: the verdict compares them with the database."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.currencies import USD
from core.ledger.kinds import Fit, Type

View = dict[str, Any]
Lines = tuple[tuple[str, int], ...]  # wallet and signed amount, debits first

FINAL = ("applied", "rejected", "canceled")
PENDING = ("scheduled", "queued")


@dataclass
class Asked:
    """A money request, known by its key. `id` is the one in its first answer.

    A child names the two wallets that its transfer has: those of its hold, or those of its parent turned round. With `lines`, these
    are the first debit's and the first credit's, and the amount is what all credits sum to.
    """

    key: str
    source: str | None  # None: outside
    destination: str | None  # None: outside
    amount: int | None  # None: all that is left of the parent
    type: Type = "transfer"
    parent: str | None = None
    up_to: bool = False
    final: bool = False
    scheduled_for: datetime | None = None
    apply_within_s: int | None = None
    expires_in_s: int | None = None
    currency: str = USD  # History.ask sets it
    lines: Lines | None = None
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))  # before it is sent for the first time
    id: str | None = None
    answered_at: datetime | None = None

    @property
    def fit(self) -> Fit | None:
        if self.lines is not None:
            return None
        if self.amount is None:
            return "rest_and_funds" if self.up_to else "rest"
        return "funds" if self.up_to else None


@dataclass
class Outcome:
    """A final state, and when a reader had it (monotonic seconds)."""

    status: str
    failure: object
    finished_at: str
    amount: int
    read_at: float

    @property
    def shown(self) -> tuple[str, object, str, int]:
        return self.status, self.failure, self.finished_at, self.amount


@dataclass
class Overdraft:
    """A wallet that held `funds` cents, and got more than that many debits of one cent at once."""

    funds: int
    keys: list[str] = field(default_factory=list)


@dataclass
class Ruled:
    """A wallet with rules: which refusals these may lead to, and what must hold because of them."""

    reasons: set[str]
    frozen: tuple[datetime, datetime] | None = None  # from the answer to a freeze of its debits to the request that ended it
    debits_per_day_max: int | None = None
    closing: str | None = None  # the key of its closure


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
        self.ruled: dict[str, Ruled] = {}  # by wallet
        self.followed: list[str] = []  # transfer ids, in the order of the feed
        self.heard: Counter[str] = Counter()  # webhooks that the endpoint got, by transfer
        self.cancellations: dict[str, int | None] = {}  # by transfer, the status of the answer; None: not known yet
        self.restarts: list[datetime] = []  # when no process was alive: each drain that ended later also began later
        self.counts: Counter[str] = Counter()
        self.currencies: dict[str, str] = {}  # of wallets that are not in USD
        self.pools: list[list[str]] = []  # wallets that all clients use, by currency
        self._key_of: dict[str, str] = {}

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def complain(self, text: str) -> None:
        self.broken.append(text)
        self.say(f"BROKEN: {text}")

    def ask(self, asked: Asked) -> Asked:
        """Note a request before it is first sent. Its currency is that of the wallet that it debits, or else credits."""
        asked.currency = self.currencies.get(asked.source or asked.destination or "", USD)
        self.asked[asked.key] = asked
        return asked

    def answer(self, asked: Asked, status: int, view: View, sent_at: float) -> None:
        """Note that the request was answered with this transfer, in 200 or 202."""
        if (status == 202) != (view["status"] in PENDING):
            self.complain(f"{view['id']} is {view['status']} in an answer of {status}")
        if self._key_of.setdefault(view["id"], asked.key) != asked.key:
            self.complain(f"{view['id']} was given to two keys, {asked.key} and {self._key_of[view['id']]}")
        if asked.id is None:
            asked.id = view["id"]
            asked.answered_at = datetime.now(UTC)
            self.counts["accepted"] += 1
            self.counts[f"accepted of type {asked.type}"] += 1
            self.counts[f"accepted in {asked.currency}"] += 1
        elif asked.id != view["id"]:
            self.complain(f"the key {asked.key} stands for {asked.id} and for {view['id']}")
        self.read(view, sent_at)

    def cancel(self, id: str, status: int, view: View, sent_at: float) -> None:
        """Note the answer to a cancellation: 200 or 409, and the same each time."""
        if (status == 200) != (view["status"] == "canceled"):
            self.complain(f"{id} is {view['status']} in an answer of {status} to its cancellation")
        if self.cancellations.get(id) not in {None, status}:
            self.complain(f"the cancellation of {id} was answered {self.cancellations[id]} and {status}")
        self.cancellations[id] = status
        self.counts[f"cancellations answered {status}"] += 1
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
        if view["status"] in FINAL:
            now = Outcome(view["status"], view["failure"], view["finished_at"], view["amount"], time.monotonic())
            if self.outcomes.setdefault(view["id"], now).shown != now.shown:
                self.complain(f"{view['id']} was {before} and is {view}")
        elif before is not None and sent_at > before.read_at:
            self.complain(f"{view['id']} was read as {view['status']} after another request had read that it is {before.status}")
