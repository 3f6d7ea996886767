"""python -m bench.ledger: what the pure ledger costs a plain transfer, in CPU time, without a database.

A batch of 500 commands on 300 wallets and 8 external ones, the best of many rounds. A new verb may add 10 % to this: run it in
turn here and in a checkout of the version before.
"""

import random
import time
from uuid import UUID

from core.ledger.book import Book, Wallet
from core.ledger.commands import Command
from core.ledger.fold import apply

COMMANDS = 500
ROUNDS = 500


def main() -> None:
    commands, wallets = batch(random.Random(7))  # noqa: S311  # the same batch at every run
    best = min(measured(commands, wallets) for _ in range(ROUNDS))
    print(f"{best / COMMANDS / 1000:.2f} µs of CPU a transfer, the best of {ROUNDS} batches of {COMMANDS}")


def batch(source: random.Random) -> tuple[list[Command], dict[UUID, Wallet]]:
    """Return a batch, each tenth command of it a deposit, and its wallets.

    Their ids are equal and not identical, as those are that a drain reads by two statements.
    """
    clients = [source.getrandbits(128) for _ in range(300)]
    outside = list(range(8))
    wallets = {
        **{UUID(int=id): Wallet(UUID(int=id), external=False, balance=10**6, version=5) for id in clients},
        **{UUID(int=id): Wallet(UUID(int=id), external=True, balance=-(10**6), version=5) for id in outside},
    }
    commands = []
    for number in range(COMMANDS):
        debited, credited = source.sample(clients, 2)
        if number % 10 == 0:
            debited = source.choice(outside)
        commands.append(Command(UUID(int=10**9 + number), UUID(int=debited), UUID(int=credited), source.randint(1, 900)))
    return commands, wallets


def measured(commands: list[Command], wallets: dict[UUID, Wallet]) -> int:
    """Return the nanoseconds of CPU time that one batch takes."""
    began = time.process_time_ns()
    apply(commands, Book(wallets))
    return time.process_time_ns() - began


if __name__ == "__main__":
    main()
