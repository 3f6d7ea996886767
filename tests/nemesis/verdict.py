"""The verdict at the end of a trial: the clients' log is compared with the database."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from core import ids
from core.admin.audit import audit
from core.ids import Prefix
from core.postgres.statements import statement
from tests.nemesis.history import Asked, History
from tests.nemesis.stored import Funds, Rows, Stored, read_entries, read_funds, read_transfers
from tests.nemesis.verdict_of_verbs import judge_verbs

Entries = Mapping[str, list[tuple[str | None, int]]]


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
        yield from judge_verbs(history, stored)
        yield from entries_follow_from_outcomes(stored, read_entries(connection))
        yield from funds_follow_from_outcomes(stored, read_funds(connection))
        yield from chains_keep_their_order(history, connection)
        yield from overdrafts_stop_at_zero(history, stored)
        yield from statements_tile(connection)
        yield from the_feed_told_each_once_in_order(history, connection)
        yield from the_endpoint_was_told_each(history, stored)


def everything_asked_is_there_once(history: History, stored: Rows) -> Iterator[str]:
    """Promises 3 and 6. By now every client knows what each of its keys stands for."""
    for asked in history.asked.values():
        row = stored.by_key.get(asked.key)
        if row is None or asked.id is None:
            yield f"{asked} was answered with {asked.id}, and the database has {row}"
        elif row.id != asked.id:
            yield f"{asked} is {row.id} in the database"


def nothing_else_is_there(history: History, stored: Rows) -> Iterator[str]:
    """Promise 7: refused requests too have changed nothing. The sweeper alone adds something, the releases of expired holds."""
    for row in stored:
        asked = history.asked.get(row.key)
        if not row.is_expiry and (asked is None or not is_what_was_asked(row, asked, stored)):
            yield f"{row} in the database is not what was asked for: {asked}"


def is_what_was_asked(row: Stored, asked: Asked, stored: Rows) -> bool:
    """All that a request says, but for its times: see verdict_of_verbs. An amount left out stands for the parent's."""
    said = (asked.type, asked.source, asked.destination, asked.currency, asked.parent, asked.fit, asked.final, asked.lines)
    amount = asked.amount if asked.amount is not None else stored.by_id[asked.parent or ""].total
    shown = (row.type, row.source, row.destination, row.currency, row.parent, row.fit, row.closes, row.lines)
    return shown == said and row.amount == amount


def everything_is_final_as_it_was_read(history: History, stored: Rows) -> Iterator[str]:
    """Promise 4."""
    for row in stored:
        read = history.outcomes.get(row.id)
        if row.status == "queued" or (read is not None and (read.status, read.amount) != (row.status, row.total)):
            yield f"{row} was read as {read}"


def entries_follow_from_outcomes(stored: Rows, entries: Entries) -> Iterator[str]:
    """Promises 2 and 31: an applied movement has two entries of what it came to, or all its lines, and nothing else has any."""
    for row in stored:
        found = entries.get(row.id, [])
        if Counter(found) != Counter(row.entries):
            yield f"{row} has the entries {found}"
    if strays := entries.keys() - stored.by_id.keys():
        yield f"{len(strays)} transfers have entries and do not exist, such as {next(iter(strays))}"


def funds_follow_from_outcomes(stored: Rows, funds: Mapping[str, Funds]) -> Iterator[str]:
    """The model: balances are what was applied, and what is held is what the holds have left."""
    balances: defaultdict[str | None, int] = defaultdict(int)
    held: defaultdict[str | None, int] = defaultdict(int)
    versions: defaultdict[str | None, int] = defaultdict(int)
    for row in stored:
        if row.moves_money:
            for wallet, amount in row.entries:
                balances[wallet] += amount
                versions[wallet] += 1
        elif row.type == "hold" and row.is_applied:
            held[row.source] += stored.left_of(row)
    for wallet, found in funds.items():
        expected = Funds(balances[wallet], held[wallet], versions[wallet])
        if found != expected or not 0 <= found.held <= found.balance:
            yield f"{wallet} has {found} and should have {expected}"


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


def overdrafts_stop_at_zero(history: History, stored: Rows) -> Iterator[str]:
    """Promise 8: of many debits of one cent, as many as there were cents."""
    for overdraft in history.overdrafts:
        statuses = [stored.by_key[key].status for key in overdraft.keys if key in stored.by_key]
        if statuses.count("applied") != overdraft.funds:
            yield f"{statuses.count('applied')} of {len(statuses)} debits of a wallet with funds for {overdraft.funds} were applied"


def statements_tile(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Promise 35: periods that follow each other share no entry and leave none out, and their credits are those of all entries."""
    for wallet, version, balance in connection.execute("SELECT id, version, balance FROM wallets WHERE version > 0").fetchall():
        row = connection.execute(CUTS, [wallet]).fetchone()
        assert row is not None
        cuts, credits = row
        periods = [find_period(connection, wallet, *span) for span in pairwise([None, *cuts, None])]
        ends = [(0, 0), *((found.ends, found.closing) for found in periods)]
        begins = [*((found.begins, found.opening) for found in periods), (version, balance)]
        if begins != ends:
            yield f"the periods of {wallet} begin at {begins} and end at {ends}"
        sums = [int(found.credits) for found in periods if found.credits is not None]
        if len(sums) == len(periods) and sum(sums) != credits:
            yield f"the periods of {wallet} have credits of {sums}, and all its entries {credits}"


CUTS = """
SELECT percentile_disc(ARRAY[0.1, 0.3, 0.5, 0.8, 0.99]) WITHIN GROUP (ORDER BY created_at),
       coalesce(sum(amount) FILTER (WHERE amount > 0), 0)
  FROM entries
 WHERE wallet_id = %s
"""


def find_period(connection: psycopg.Connection[Any], wallet: UUID, since: datetime | None, until: datetime | None) -> Any:
    """Return the period as the API reads it."""
    params = {"wallet_id": wallet, "since": since, "until": until, "through": None}
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement("periods/find"), params).fetchone()


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


def the_endpoint_was_told_each(history: History, stored: Rows) -> Iterator[str]:
    """Promise 22. Its webhooks are among the states that were read: see everything_is_final_as_it_was_read."""
    final = {row.id for row in stored if row.status != "queued"}
    if missed := final - history.heard.keys():
        yield f"the endpoint was never told of {len(missed)} transfers, such as {next(iter(missed))}"
    if invented := history.heard.keys() - final:
        yield f"the endpoint was told of {len(invented)} that are not final, such as {next(iter(invented))}"
