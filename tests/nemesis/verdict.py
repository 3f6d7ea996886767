"""The verdict at the end of a trial: the clients' log is compared with the database."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg

from core import ids
from core.admin.audit import audit
from core.ids import Prefix
from tests.nemesis.history import Asked, History


class Stored(NamedTuple):
    key: str
    id: str
    type: str
    status: str
    failure_code: str | None
    source: str
    destination: str
    amount: int


def judge(history: History, owner_url: str) -> Iterator[str]:
    """Yield all violations, in words."""
    report = audit(owner_url)
    if not report.clean:
        yield "\n".join(report.lines())
    with psycopg.connect(owner_url) as connection:
        stored = read_transfers(connection)
        yield from everything_asked_is_there_once(history, stored)
        yield from nothing_else_is_there(history, stored)
        yield from everything_is_final_as_it_was_read(history, stored)
        yield from balances_follow_from_verdicts(history, stored, read_balances(connection))
        yield from chains_keep_their_order(history, connection)
        yield from overdrafts_stop_at_zero(history, stored)
        yield from the_feed_told_each_once_in_order(history, connection)
        yield from the_endpoint_was_told_each(history, stored)


def read_transfers(connection: psycopg.Connection[Any]) -> dict[str, Stored]:
    """Return all transfers by key. The random keys are unique over all owners."""
    rows = connection.execute(
        "SELECT idempotency_key, id, type, status, failure_code, source, destination, amount FROM transfers ORDER BY id"
    ).fetchall()
    found = [
        Stored(key, ids.text(Prefix.TRANSFER, id), type, status, code, wallet_text(source), wallet_text(destination), amount)
        for key, id, type, status, code, source, destination, amount in rows
    ]
    assert len({row.key for row in found}) == len(found), "two transfers of one key"
    return {row.key: row for row in found}


def read_balances(connection: psycopg.Connection[Any]) -> dict[str, int]:
    rows = connection.execute("SELECT id, balance FROM wallets WHERE kind = 'client'").fetchall()
    return {wallet_text(id): balance for id, balance in rows}


def everything_asked_is_there_once(history: History, stored: dict[str, Stored]) -> Iterator[str]:
    """Promises 3 and 6. By now every client knows what each of its keys stands for."""
    for asked in history.asked.values():
        row = stored.get(asked.key)
        if row is None or asked.id is None:
            yield f"{asked} was answered with {asked.id}, and the database has {row}"
        elif row.id != asked.id:
            yield f"{asked} is {row.id} in the database"


def nothing_else_is_there(history: History, stored: dict[str, Stored]) -> Iterator[str]:
    """Promise 7: refused requests too have changed nothing."""
    for row in stored.values():
        asked = history.asked.get(row.key)
        if asked is None or not is_what_was_asked(row, asked):
            yield f"{row} in the database is not what was asked for: {asked}"


def is_what_was_asked(row: Stored, asked: Asked) -> bool:
    if (row.type == "deposit") != (asked.source is None) or asked.source not in {None, row.source}:
        return False
    return (row.destination, row.amount) == (asked.destination, asked.amount)


def everything_is_final_as_it_was_read(history: History, stored: dict[str, Stored]) -> Iterator[str]:
    """Promise 4; and transfers were rejected only for want of funds, never by a fault."""
    for row in stored.values():
        read = history.outcomes.get(row.id)
        if row.status == "queued" or (read is not None and read.status != row.status):
            yield f"{row} was read as {read}"
        if row.failure_code not in {None, "insufficient_funds"}:
            yield f"{row} was rejected for no reason of its own"


def balances_follow_from_verdicts(history: History, stored: dict[str, Stored], balances: dict[str, int]) -> Iterator[str]:
    """The model: the requests of the clients that were applied."""
    expected: defaultdict[str, int] = defaultdict(int)
    for asked in history.asked.values():
        row = stored.get(asked.key)
        if row is not None and row.status == "applied":
            expected[asked.destination] += asked.amount
            if asked.source is not None:
                expected[asked.source] -= asked.amount
    for wallet, balance in balances.items():
        if balance != expected[wallet] or balance < 0:
            yield f"{wallet} holds {balance} and should hold {expected[wallet]}"


def chains_keep_their_order(history: History, connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Promise 12."""
    in_order = "SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version"
    for wallet, keys in history.chains.items():
        rows = connection.execute(in_order, [ids.parse(Prefix.WALLET, wallet)]).fetchall()
        applied = [ids.text(Prefix.TRANSFER, id) for (id,) in rows]
        sent = [history.asked[key].id for key in keys]
        if applied != sent:
            first = next(
                place for place, pair in enumerate(zip([*applied, None], [*sent, None], strict=False)) if pair[0] != pair[1]
            )
            yield f"the chain of {wallet} was applied in another order, or not all, from its link {first} of {len(sent)} on"


def overdrafts_stop_at_zero(history: History, stored: dict[str, Stored]) -> Iterator[str]:
    """Promise 8: of many debits of one cent, as many as there were cents."""
    for overdraft in history.overdrafts:
        statuses = [stored[key].status for key in overdraft.keys if key in stored]
        if statuses.count("applied") != overdraft.funds:
            yield f"{statuses.count('applied')} of {len(statuses)} debits of a wallet with funds for {overdraft.funds} were applied"


def the_feed_told_each_once_in_order(history: History, connection: psycopg.Connection[Any]) -> Iterator[str]:
    rows = connection.execute("SELECT id FROM transfers WHERE status <> 'queued' ORDER BY moment, ordinal").fetchall()
    final = [ids.text(Prefix.TRANSFER, id) for (id,) in rows]
    told = history.followed
    if len(set(told)) != len(told):
        yield f"the feed told {len(told) - len(set(told))} events twice"
    if skipped := set(final) - set(told):
        yield f"the feed skipped {len(skipped)} events, such as {next(iter(skipped))}"
    if told != final:
        yield "the feed is not in the order of its places"


def the_endpoint_was_told_each(history: History, stored: dict[str, Stored]) -> Iterator[str]:
    """Promise 22. Its webhooks are among the states that were read: see everything_is_final_as_it_was_read."""
    final = {row.id for row in stored.values() if row.status != "queued"}
    if missed := final - history.heard.keys():
        yield f"the endpoint was never told of {len(missed)} transfers, such as {next(iter(missed))}"
    if invented := history.heard.keys() - final:
        yield f"the endpoint was told of {len(invented)} that are not final, such as {next(iter(invented))}"


def wallet_text(id: Any) -> str:
    return ids.text(Prefix.WALLET, id)
