"""Stories of the verbs beyond deposit and transfer, which clients repeat. Dice decide what becomes of what a client has placed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from core.ledger.kinds import Type
from tests.nemesis.client import Client
from tests.nemesis.history import Asked, Lines, Ruled

AMOUNT_MAX = 120
PAYOUT_SHARE = 0.25  # of the holds
SCHEDULED_SHARE = 0.15  # of the holds
ENDS_IN_S = (1, 2, 3, 5, 3600)  # of a hold; what is left of the last ones stays reserved until the end of the trial
AHEAD_S = (-0.2, 2.5)  # of appointments; a past one means now
APPLY_WITHIN_S = (1, 2)
AROUND_THE_END_S = (-0.4, 1.4)  # of a hold: its release is queued one second after it
CANCEL_AFTER_S = (0.0, 0.03)  # a drain takes about as long
ITEMS = 6  # of a batch
RULED_FUNDS = 60  # of a wallet that gets rules
DEBITS = 4  # of it, before and after each step
DAY_LIMIT = 12

Pool: TypeAlias = Sequence[str]


async def hold(client: Client, pool: Pool) -> None:
    """Place a hold, and capture or release parts of it right after its 202, or leave it to its end."""
    placed = await place(client, pool)
    await client.dice.choice(LIVES)(client, placed)
    await client.pause()


async def reverse(client: Client, pool: Pool) -> None:
    """Move money, wait until it is moved, and reverse it: whole, in parts that are too much together, as far as there is money."""
    moved = await client.dice.choice([pay, pay, pay_in, pay_out, capture_at_once, split, split])(client, pool)
    assert moved.id is not None
    if (await client.read_final(moved.id))["status"] == "applied":
        await client.dice.choice(REVERSALS if moved.lines is None else REVERSALS_OF_LINES)(client, moved)
    await client.pause()


async def pay_several(client: Client, pool: Pool) -> None:
    """Pay several wallets out of one or more, now or later; cancel some while a drain takes them up."""
    sent = await split(client, pool, scheduled_for=soon(client) if client.dice.random() < SCHEDULED_SHARE else None)
    if client.dice.random() < 0.2:
        await asyncio.sleep(client.dice.uniform(*CANCEL_AFTER_S))
        await client.cancel(sent)
    await client.pause()


async def withdraw(client: Client, pool: Pool) -> None:
    await client.ask(client.dice.choice(pool), None, amount(client), type="withdrawal", up_to=client.dice.random() < 0.5)
    await client.pause()


async def schedule(client: Client, pool: Pool) -> None:
    """Make an appointment, some with a deadline; and cancel some, early or when they are due."""
    sent = await later(client, pool)
    if client.dice.random() < 0.4:
        await asyncio.sleep(client.dice.choice([0.0, max((moment_of(sent) - datetime.now(UTC)).total_seconds(), 0.0)]))
        await client.cancel(sent)
    await client.pause()


async def hurry(client: Client, pool: Pool) -> None:
    """Send what is only good for a second or two, so that faults make some of it too late."""
    await pay(client, pool, apply_within_s=client.dice.choice(APPLY_WITHIN_S), up_to=client.dice.random() < 0.3)
    await client.pause()


async def cancel(client: Client, pool: Pool) -> None:
    """Cancel right after the 202, while a drain takes the transfer up."""
    sent = await client.dice.choice([pay, pay_out, place])(client, pool)
    await asyncio.sleep(client.dice.uniform(*CANCEL_AFTER_S))
    await client.cancel(sent)
    await client.pause()


async def freeze(client: Client, pool: Pool) -> None:
    """Freeze a new wallet while debits of it are queued, send more, and end the freeze. Once a wallet: requests may be late."""
    wallet, ruled = await with_rules(client, "wallet_frozen")
    debits = [client.ask(wallet, client.dice.choice(pool), 1) for _ in range(DEBITS)]
    await asyncio.gather(*debits, client.change(wallet, frozen="debits"))
    begun = datetime.now(UTC)
    await asyncio.gather(*(client.ask(wallet, client.dice.choice(pool), 1) for _ in range(DEBITS)))
    ruled.frozen = begun, datetime.now(UTC)
    await client.change(wallet, frozen=None)
    await client.ask(wallet, client.dice.choice(pool), 1)
    await client.pause()


async def limit(client: Client, pool: Pool) -> None:
    """Limit a new wallet, and debit and reserve more of it than that at once; some holds give back."""
    wallet, ruled = await with_rules(client, "daily_limit_exceeded")
    ruled.debits_per_day_max = DAY_LIMIT
    await client.change(wallet, limits={"debits_per_day_max": DAY_LIMIT})
    holds = [
        client.ask(wallet, client.dice.choice(pool), 3, type="hold", expires_in_s=client.dice.choice(ENDS_IN_S)) for _ in range(4)
    ]
    debits = [client.ask(wallet, client.dice.choice(pool), 2) for _ in range(DAY_LIMIT // 2)]
    placed = await asyncio.gather(*holds, *debits)
    await asyncio.gather(*(client.dice.choice(LIVES)(client, one) for one in placed if one.type == "hold"))
    await client.ask(wallet, client.dice.choice(pool), DAY_LIMIT)
    await client.pause()


async def close(client: Client, pool: Pool) -> None:
    """Close a new wallet while debits of it are queued, some with a hold, and debit and fund it afterwards."""
    wallet, ruled = await with_rules(client, "wallet_closed")
    debits = [client.ask(wallet, client.dice.choice(pool), 1) for _ in range(DEBITS)]
    if client.dice.random() < 0.3:
        debits.append(client.ask(wallet, client.dice.choice(pool), 1, type="hold", expires_in_s=3600))
    await asyncio.gather(*debits)
    closure = Asked(client.new_key(), wallet, client.dice.choice(pool), 0, type="closure")
    ruled.closing = closure.key
    await send(client, closure)
    later = [client.ask(wallet, client.dice.choice(pool), 1) for _ in range(DEBITS)]
    await asyncio.gather(*later, client.ask(None, wallet, 1, type="deposit"))
    await client.pause()


async def with_rules(client: Client, reason: str) -> tuple[str, Ruled]:
    """Return a new wallet with funds, and what the verdict has to know of it."""
    made = await client.insist("POST", "/v1/clients", {"name": "Ruled"}, key=client.new_key())
    wallet: str = made.body["wallet"]["id"]
    await client.read_final((await client.deposit(wallet, RULED_FUNDS))["id"])
    ruled = client.history.ruled.setdefault(wallet, Ruled({reason}))
    return wallet, ruled


Story: TypeAlias = Callable[[Client, Pool], Awaitable[None]]

STORIES: Sequence[Story] = [
    hold,
    hold,
    hold,
    reverse,
    reverse,
    pay_several,
    withdraw,
    schedule,
    hurry,
    cancel,
]  # a client each
STORIES_IN_USD: Sequence[Story] = [freeze, limit, close]  # likewise; each makes a wallet of its own


# What clients place


async def place(client: Client, pool: Pool, **fields: Any) -> Asked:
    return await send(client, new_hold(client, pool, **fields))


async def pay(client: Client, pool: Pool, **fields: Any) -> Asked:
    source, destination = client.dice.sample(pool, 2)
    return await client.ask(source, destination, amount(client), **fields)


async def split(client: Client, pool: Pool, **fields: Any) -> Asked:
    """A transfer of 3 to 6 lines, with one or two debits."""
    dice = client.dice
    wallets = dice.sample(pool, dice.randint(3, 6))
    debited, credited = (wallets[:1], wallets[1:]) if dice.random() < 0.6 else (wallets[:2], wallets[2:])
    credits = [(wallet, dice.randint(2, AMOUNT_MAX)) for wallet in credited]
    total = sum(part for _, part in credits)
    debits = [(debited[0], -total)] if len(debited) == 1 else [(debited[0], 1 - total), (debited[1], -1)]
    return await client.ask(debited[0], credited[0], total, lines=(*debits, *credits), **fields)


async def pay_in(client: Client, pool: Pool) -> Asked:
    return await client.ask(None, client.dice.choice(pool), amount(client), type="deposit")


async def pay_out(client: Client, pool: Pool) -> Asked:
    return await client.ask(client.dice.choice(pool), None, amount(client), type="withdrawal")


async def capture_at_once(client: Client, pool: Pool) -> Asked:
    return await part(client, await place(client, pool, expires_in_s=3600, scheduled_for=None), "capture", None)


async def later(client: Client, pool: Pool) -> Asked:
    """A transfer, a withdrawal or a hold for a moment that is close."""
    source, destination = client.dice.sample(pool, 2)
    type: Type = client.dice.choice(["transfer", "transfer", "withdrawal", "hold"])
    return await client.ask(
        source,
        None if type == "withdrawal" else destination,
        amount(client),
        type=type,
        scheduled_for=soon(client),
        apply_within_s=client.dice.choice([None, *APPLY_WITHIN_S]),
        expires_in_s=client.dice.choice(ENDS_IN_S) if type == "hold" else None,
    )


def items(client: Client, pool: Pool) -> list[Asked]:
    """Requests of the verbs that name no parent, for a batch."""
    made = [new_hold(client, pool) for _ in range(client.dice.randint(0, ITEMS))]
    made += [
        Asked(client.new_key(), client.dice.choice(pool), None, amount(client), type="withdrawal", scheduled_for=soon(client))
        for _ in range(client.dice.randint(0, ITEMS))
    ]
    client.dice.shuffle(made)
    return made


def new_hold(client: Client, pool: Pool, **fields: Any) -> Asked:
    dice = client.dice
    source, destination = dice.sample(pool, 2)
    return Asked(
        client.new_key(),
        source,
        None if dice.random() < PAYOUT_SHARE else destination,
        amount(client),
        type="hold",
        **{
            "expires_in_s": dice.choice(ENDS_IN_S),
            "scheduled_for": soon(client) if dice.random() < SCHEDULED_SHARE else None,
            **fields,
        },
    )


# What becomes of a hold


async def leave(client: Client, placed: Asked) -> None:
    """Let it expire."""


async def capture_parts(client: Client, placed: Asked) -> None:
    """The last of them may be more than what is left."""
    for _ in range(client.dice.randint(1, 4)):
        await part(client, placed, "capture", share(placed, 0.3))


async def capture_finally(client: Client, placed: Asked) -> None:
    await part(client, placed, "capture", share(placed, 0.5), final=True)


async def capture_for_several(client: Client, placed: Asked) -> None:
    """For others than the payee, or beside it; then the rest for the payee."""
    assert placed.source is not None
    pools = client.history.pools  # a wallet that is in none of them is one of a story in USD
    pool = next((pool for pool in pools if placed.source in pool), pools[0])
    others = [wallet for wallet in pool if wallet != placed.source]
    credited = client.dice.sample(others, client.dice.randint(2, 3))
    lines = ((placed.source, -share(placed, 0.2) * len(credited)), *((wallet, share(placed, 0.2)) for wallet in credited))
    await client.ask(placed.source, credited[0], -lines[0][1], type="capture", parent=placed.id, lines=lines)
    await part(client, placed, "capture", None)


async def capture_all_twice(client: Client, placed: Asked) -> None:
    await asyncio.gather(*(part(client, placed, "capture", None) for _ in range(2)))


async def release_parts(client: Client, placed: Asked) -> None:
    await part(client, placed, "release", share(placed, 0.4))
    await part(client, placed, "release", None)


async def capture_and_release_at_once(client: Client, placed: Asked) -> None:
    await asyncio.gather(
        part(client, placed, "capture", share(placed, 0.7)),
        part(client, placed, "capture", share(placed, 0.7), final=True),
        part(client, placed, "release", None),
    )


async def capture_at_its_end(client: Client, placed: Asked) -> None:
    """Beside the expiry. What has an end far away is captured and released at once instead."""
    assert placed.expires_in_s is not None
    if placed.expires_in_s > max(ENDS_IN_S[:-1]):
        await capture_and_release_at_once(client, placed)
        return
    ends_at = moment_of(placed) + timedelta(seconds=placed.expires_in_s + client.dice.uniform(*AROUND_THE_END_S))
    await asyncio.sleep(max((ends_at - datetime.now(UTC)).total_seconds(), 0.0))
    await part(client, placed, "capture", client.dice.choice([None, 1]))


LIVES = [
    leave,
    capture_parts,
    capture_finally,
    capture_for_several,
    capture_all_twice,
    release_parts,
    capture_and_release_at_once,
    capture_at_its_end,
]


# What becomes of a movement


async def reverse_whole(client: Client, moved: Asked) -> None:
    await part(client, moved, "reversal", None)


async def reverse_too_much_at_once(client: Client, moved: Asked) -> None:
    await asyncio.gather(*(part(client, moved, "reversal", share(moved, 0.6)) for _ in range(2)))


async def reverse_parts(client: Client, moved: Asked) -> None:
    await part(client, moved, "reversal", share(moved, 0.2), up_to=client.dice.random() < 0.5)
    await part(client, moved, "reversal", None, up_to=True)


REVERSALS = [reverse_whole, reverse_too_much_at_once, reverse_parts]


async def reverse_lines_twice_at_once(client: Client, moved: Asked) -> None:
    lines = turned_round(moved.lines or ())
    await asyncio.gather(
        *(
            client.ask(moved.destination, moved.source, moved.amount, type="reversal", parent=moved.id, lines=lines)
            for _ in range(client.dice.randint(1, 2))
        )
    )


REVERSALS_OF_LINES = [reverse_lines_twice_at_once]


def turned_round(lines: Lines) -> Lines:
    """What was credited stands first, as a debit."""
    turned = [(wallet, -amount) for wallet, amount in lines]
    return tuple(sorted(turned, key=lambda line: line[1] > 0))


async def part(client: Client, of: Asked, type: Type, amount: int | None, **fields: Any) -> Asked:
    """Send a child of what was accepted."""
    source, destination = (of.destination, of.source) if type == "reversal" else (of.source, of.destination)
    return await client.ask(source, destination, amount, type=type, parent=of.id, **fields)


async def send(client: Client, asked: Asked) -> Asked:
    await client.send(client.history.ask(asked))
    return asked


def amount(client: Client) -> int:
    return client.dice.randint(1, AMOUNT_MAX)


def share(of: Asked, part: float) -> int:
    """A part of the amount, or of a cent where all of a capture's hold was taken."""
    return max(round((of.amount or 1) * part), 1)


def soon(client: Client) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=client.dice.uniform(*AHEAD_S))


def moment_of(asked: Asked) -> datetime:
    return asked.scheduled_for or asked.asked_at
