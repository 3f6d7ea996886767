"""The deliberate breaks: for each promise that can be broken in the code, how, and which check must see it.

A mutant replaces texts, each of which its file holds exactly once. tests/mutants/__main__.py breaks a copy of the tree so and runs
the checks there.
"""

from typing import NamedTuple


class Edit(NamedTuple):
    """Replaces, in a file of the tree, the one place where `old` stands."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A break of a promise, by its number and in words, and the tests that must fail because of it: each of them, on its own."""

    promise: int
    title: str
    edits: tuple[Edit, ...]
    checks: tuple[str, ...]


APPLY = "tests/integration/test_apply.py"
DELIVER = "tests/integration/test_deliver.py"
DELIVERER = "tests/faults/test_deliverer.py"
OTHERS = f"{DELIVER}::test_more_dead_receivers_than_an_owner_has_places_hold_up_none_of_its_others"
GATHERING = "tests/integration/test_gathering.py"
DRAINING = "tests/integration/test_draining.py"
FLOORS = "tests/integration/test_floors.py"
PLANS = "tests/integration/test_plans.py"
INTAKE = "tests/integration/test_intake.py"
READING = "tests/integration/test_reading.py"
UNDER_LOAD = "tests/faults/test_under_load.py"
BAD_INPUT = "tests/http/test_bad_input.py::test_a_bad_input_gets_its_answer_and_stores_nothing"
IDEMPOTENCY = "tests/http/test_idempotency.py"

COMMIT_BETWEEN = """\
        debits = [entry for entry in outcome.entries if entry.amount < 0]
        first = statements_for(places, Outcome([], debits, []))[0]
        connection.execute(db.statement(first.name), first.params)
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        credits = [entry for entry in outcome.entries if entry.amount > 0]
        writes = statements_for(places, Outcome(outcome.verdicts, credits, outcome.wallets))
"""

BEFORE_COMMIT = """\
                failpoint("apply.before_commit")
"""

# For less than what ends an idle transaction, so that no other guard sees it.
SEND_INSIDE = """\
                from urllib.request import urlopen
                urls = "SELECT url FROM webhook_endpoints"
                for (url,) in connection.execute(urls).fetchall() if due else ():
                    try:
                        urlopen(url, b"{}", timeout=3.0)
                    except OSError:
                        pass
"""

BEFORE_WRITE = """\
                due = self._write(connection, pipeline, places, outcome)
"""
TELL_FIRST = """\
                told = "INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)"
                whom = " SELECT e.owner, e.id::text, unnest(%s::uuid[]), e.id, 0 FROM webhook_endpoints e"
                with self._own._connect() as another:
                    another.execute(told + whom, [[place.transfer_id for place in places]])
"""

MUTANTS = (
    Mutant(
        1,
        "commit between debit and credit",
        (Edit("worker/apply.py", "        writes = statements_for(places, outcome)\n", COMMIT_BETWEEN),),
        (
            f"{APPLY}::test_nothing_of_a_drain_is_seen_before_all_of_it_is_committed",
            f"{UNDER_LOAD}::test_a_reader_sees_a_sum_of_zero_and_true_balances_at_every_instant",
        ),
    ),
    Mutant(
        2,
        "no status guard",
        (Edit("core/sql/finish_transfers.sql", " AND t.status = 'queued'", ""),),
        (f"{APPLY}::test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_nobody_up",),
    ),
    Mutant(
        2,
        "nobody counts the rows that were written",
        (Edit("worker/apply.py", "if cursor.rowcount != write.rows:", "if cursor.rowcount > write.rows:"),),
        (f"{APPLY}::test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_nobody_up",),
    ),
    Mutant(
        3,
        "synchronous_commit=off",
        (Edit("core/db.py", '"synchronous_commit": "on"', '"synchronous_commit": "off"'),),
        ("tests/faults/test_durability.py::test_what_was_answered_with_202_is_there_after_a_kill_of_postgres",),
    ),
    Mutant(
        4,
        "UPDATE without AND status = 'queued'",
        (Edit("core/sql/finish_transfers.sql", " AND t.status = 'queued'", ""),),
        (f"{DRAINING}::test_a_verdict_leaves_what_is_final_alone_and_does_not_count_it",),
    ),
    Mutant(
        5,
        "no sweeper",
        (Edit("worker/sweep.py", "return self._drainer.answer(waiting, gathers=False)", "return 0"),),
        ("tests/integration/test_sweep.py::test_what_waited_too_long_is_drained_without_redis",),
    ),
    Mutant(
        5,
        "shards left to a gatherer that is not there",
        (Edit("core/leave_shards.lua", 'if redis.call("EXISTS", KEYS[1]) == 1 then', "if true then"),),
        (f"{GATHERING}::test_without_a_gatherer_flags_are_lowered",),
    ),
    Mutant(
        5,
        "a gatherer that goes without a word of what was left to it",
        (Edit("worker/round.py", "        if left:\n", "        if False:\n"),),
        (f"{GATHERING}::test_what_is_left_to_a_gatherer_that_meets_a_fault_is_rung_for",),
    ),
    Mutant(
        6,
        "SELECT then INSERT",
        (
            Edit(
                "core/sql/insert_transfers.sql",
                "WHERE s.owner <> 'operator'\n        OR NOT",
                "WHERE NOT EXISTS (SELECT FROM transfers t WHERE (owner, idempotency_key) = (s.owner, s.idempotency_key)) AND NOT",
            ),
            Edit("core/sql/insert_transfers.sql", "    ON CONFLICT DO NOTHING\n", ""),
        ),
        (f"{INTAKE}::test_whoever_waits_for_another_with_the_same_key_gets_that_ones_transfer",),
    ),
    Mutant(
        7,
        "hash of the raw bytes",
        (
            Edit(
                "api/body.py", "    if not isinstance(value, dict):\n", "    RAW.set(body)\n    if not isinstance(value, dict):\n"
            ),
            Edit("api/body.py", "\nDECODER = ", '\nRAW = __import__("contextvars").ContextVar("raw")\nDECODER = '),
            Edit("api/submit.py", "from api.body import read_object\n", "from api.body import RAW, read_object\n"),
            Edit("api/submit.py", "idempotency.fingerprint(type, fields)", 'idempotency.fingerprint(type, {"raw": RAW.get()})'),
        ),
        (f"{IDEMPOTENCY}::test_how_a_request_is_written_makes_no_difference",),
    ),
    Mutant(
        7,
        "hash of the amount alone",
        (Edit("api/submit.py", "idempotency.fingerprint(type, fields)", 'idempotency.fingerprint(type, {"amount": new.amount})'),),
        (
            f"{IDEMPOTENCY}::test_a_key_with_any_field_changed_is_refused_and_nothing_happens[reference]",
            f"{IDEMPOTENCY}::test_a_deposits_fields_are_part_of_its_key",
        ),
    ),
    Mutant(
        8,
        "no wallet lock",
        (Edit("core/sql/lock_wallets.sql", "\n   FOR NO KEY UPDATE", ""),),
        (f"{APPLY}::test_a_drain_decides_by_what_those_before_it_have_left_in_the_wallets",),
    ),
    Mutant(
        8,
        "no look at the funds, no constraint",
        (
            Edit("core/ledger.py", "if not source.external and source.balance < claim.amount:", "if source.balance < -(2**53):"),
            Edit("core/migrations/0001_ledger.sql", "CHECK (balance >= 0 OR kind = 'external')", "CHECK (true)"),
        ),
        (
            f"{APPLY}::test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits",
            f"{UNDER_LOAD}::test_a_thousand_debits_of_a_wallet_with_funds_for_five_hundred",
        ),
    ),
    Mutant(
        9,
        "two statements: a wallet's balance, and its version",
        (
            Edit("core/wallets.py", "from dataclasses import dataclass\n", "from dataclasses import dataclass, replace\n"),
            Edit(
                "core/wallets.py",
                "    return rows[0] if rows else None\n",
                '    again = await database.fetch("find_wallet", {"id": id}, Wallet)\n'
                "    return replace(rows[0], version=again[0].version) if rows else None\n",
            ),
        ),
        (f"{READING}::test_wallets_and_transfers_are_read_as_of_one_instant_while_money_moves",),
    ),
    Mutant(
        9,
        "two statements: a transfer, and its entries",
        (
            Edit(
                "core/transfers.py",
                "    found = {row.id: row for row in rows}\n",
                '    again = await database.fetch("find_transfers", {"ids": list(ids)}, stored)\n'
                "    found = {row.id: row._replace(entries=late.entries) for row, late in zip(rows, again, strict=True)}\n",
            ),
        ),
        (f"{READING}::test_wallets_and_transfers_are_read_as_of_one_instant_while_money_moves",),
    ),
    Mutant(
        9,
        "an audit that looks at another instant with each of its statements",
        (Edit("core/audit.py", "IsolationLevel.REPEATABLE_READ", "IsolationLevel.READ_COMMITTED"),),
        ("tests/integration/test_audit.py::test_an_audit_sees_one_instant_while_money_moves",),
    ),
    Mutant(
        11,
        "absolute write: each of a batch's transfers begins with what the wallet held before all of them",
        (
            Edit("core/ledger.py", "changed.get(claim.source) or wallets[claim.source]", "wallets[claim.source]"),
            Edit("core/ledger.py", "changed.get(claim.destination) or wallets[claim.destination]", "wallets[claim.destination]"),
        ),
        ("tests/unit/test_ledger.py::test_a_wallets_entries_continue_its_versions_and_its_balance",),
    ),
    Mutant(
        11,
        "the wallet's row misses what its newest entry says",
        (Edit("core/sql/update_wallets.sql", "version = new.version", "version = w.version + 1"),),
        (f"{APPLY}::test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits",),
    ),
    Mutant(
        12,
        "two drains of one shard without its lock",
        (Edit("core/sql/lock_shards.sql", "\n   FOR UPDATE SKIP LOCKED", ""),),
        (f"{APPLY}::test_a_shard_that_somebody_drains_is_busy", f"{DRAINING}::test_a_locked_shard_is_skipped_and_not_waited_for"),
    ),
    Mutant(
        12,
        "places in the queue in another order than that of arrival",
        (Edit("core/sql/insert_transfers.sql", "     ORDER BY s.arrival\n)\nSELECT", "     ORDER BY s.arrival DESC\n)\nSELECT"),),
        (f"{APPLY}::test_transfers_of_a_shard_are_applied_in_the_order_of_their_acceptance",),
    ),
    Mutant(
        15,
        "the feed's cursor on its places alone, without a horizon",
        (Edit("core/sql/list_events.sql", " AND moment < (SELECT feed_horizon())", ""),),
        ("tests/integration/test_events.py::test_what_is_committed_late_never_stands_before_what_has_been_shown",),
    ),
    Mutant(
        15,
        "the next page begins with the last one's end",
        (
            Edit(
                "core/sql/list_wallet_transfers.sql",
                "(destination, id) < ",
                "(destination, id) <= ",
            ),
        ),
        (f"{READING}::test_a_transaction_that_is_held_open_hides_none_of_the_rows_committed_before_the_first_page",),
    ),
    Mutant(
        16,
        "default Redis client",
        (
            Edit(
                "core/doorbell.py",
                "(url, socket_timeout=timeout_s, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))",
                "(url)",
            ),
        ),
        ("tests/integration/test_doorbell.py::test_without_redis_every_call_returns_at_once_and_it_is_found_again[frozen]",),
    ),
    Mutant(
        17,
        "no second try over another connection",
        (Edit("core/db.py", "if time.monotonic() > give_up:", "if give_up:"),),
        (
            f"{INTAKE}::test_a_connection_lost_in_the_middle_is_answered_by_the_retry",
            "tests/faults/test_servers_away.py::test_a_terminated_backend_costs_its_callers_nothing",
        ),
    ),
    Mutant(
        18,
        "no idle-in-transaction timeout, nor any other that ends what a frozen worker holds",
        (
            Edit("core/db.py", '"lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s"}', '"lock_timeout": "2s"}'),
            Edit("core/db.py", 'WORKER_TRANSACTION_TIMEOUT = "10s"', 'WORKER_TRANSACTION_TIMEOUT = "0"'),
        ),
        (f"{UNDER_LOAD}::test_a_frozen_worker_holds_its_wallets_for_seconds_only",),
    ),
    Mutant(
        20,
        "shard = hash % workers",
        (Edit("core/sharding.py", "wallet_id.int & (shards - 1)", "hash(wallet_id) % 3"),),
        (
            "tests/unit/test_sharding.py::test_the_shard_is_the_low_bits_of_the_id",
            "tests/http/test_client_role.py::test_what_clients_moved_is_proved_by_the_audit",
        ),
    ),
    Mutant(
        21,
        "sending inside the drain",
        (Edit("worker/apply.py", BEFORE_COMMIT, SEND_INSIDE + BEFORE_COMMIT),),
        (f"{DELIVERER}::test_a_receiver_that_misbehaves_delays_no_transfer_and_no_other_receiver[hangs]",),
    ),
    Mutant(
        21,
        "a receiver of which nothing is known may have as many places as a healthy one",
        (Edit("worker/places.py", "self._per_receiver_max if health is Health.HEALTHY else 1,", "self._per_receiver_max,"),),
        (f"{DELIVER}::test_a_dead_receiver_with_a_thousand_due_holds_up_nobody",),
    ),
    Mutant(
        21,
        "an owner may have all the places that there are",
        (
            Edit(
                "worker/places.py",
                "            self._per_owner_max,\n            part(self._per_owner_max, health),\n",
                "            self._in_flight_max,\n            part(self._in_flight_max, health),\n",
            ),
        ),
        (f"{DELIVER}::test_an_owner_with_a_thousand_dead_receivers_holds_up_nobody",),
    ),
    Mutant(
        21,
        "an owner's dead receivers may have all its places",
        (Edit("worker/places.py", "Health.FAILING: 0.25}", "Health.FAILING: 1.0}"),),
        (f"{OTHERS}[healthy, the others dead]", f"{OTHERS}[new, the others dead]"),
    ),
    Mutant(
        21,
        "whoever has been due longest is next",
        (Edit("worker/places.py", "sorted(admitted, key=self._has_had)", "admitted"),),
        (
            f"{OTHERS}[back again, the others dead]",
            "tests/unit/test_places.py::test_owners_whose_healthy_receivers_are_slow_do_not_keep_the_places_that_become_free",
        ),
    ),
    Mutant(
        21,
        "a look that left somebody out is as good as one that did not",
        (Edit("worker/deliver.py", "            elif self._goes_on:\n", "            elif False:\n"),),
        ("tests/integration/test_telling.py::test_who_is_due_is_found_at_once_among_many_hosts_that_are_not",),
    ),
    Mutant(
        22,
        "sending before COMMIT",
        (Edit("worker/apply.py", BEFORE_COMMIT, SEND_INSIDE + BEFORE_COMMIT),),
        (f"{DELIVERER}::test_whoever_is_told_of_a_transfer_can_read_its_outcome_already",),
    ),
    Mutant(
        22,
        "deliveries are committed before their verdict",
        (Edit("worker/apply.py", BEFORE_WRITE, TELL_FIRST + BEFORE_WRITE),),
        ("tests/integration/test_deliveries.py::test_a_verdict_that_is_not_committed_tells_nobody",),
    ),
    Mutant(
        22,
        "an id of its own for each attempt",
        (Edit("worker/deliver.py", "sign(delivery.event_id, ", 'sign(f"evt_{time.time_ns()}", '),),
        (
            f"{DELIVER}::test_what_arrives_is_signed_for_its_receiver_under_the_events_id",
            f"{DELIVERER}::test_who_is_killed_between_sending_and_writing_down_sends_again_the_same",
        ),
    ),
    Mutant(
        22,
        "at most once: written down before it is sent",
        (
            Edit(
                "worker/deliver.py",
                "            attempt = await self._sender.send(",
                "            await self._deliveries.mark(delivery, Attempt(200, None, 0.0), None)\n"
                "            attempt = await self._sender.send(",
            ),
        ),
        (f"{DELIVERER}::test_who_is_killed_between_sending_and_writing_down_sends_again_the_same",),
    ),
    Mutant(
        23,
        "the JSON reader as it comes: NaN, duplicate keys",
        (
            Edit(
                "api/body.py",
                "json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=refuse_constant, parse_int=parse_integer)",
                "json.JSONDecoder()",
            ),
        ),
        (f"{BAD_INPUT}[/v1/deposits NaN]",),
    ),
    Mutant(
        23,
        "a float is an amount: 1E400",
        (Edit("api/fields.py", "if type(value) is not int:", "if not isinstance(value, int | float):"),),
        (f"{BAD_INPUT}[amount 1E400]",),
    ),
    Mutant(
        23,
        "FastAPI's own answer to what is not valid",
        (
            Edit(
                "api/app.py",
                "(Problem, Unavailable, RequestValidationError, HTTPException)",
                "(Problem, Unavailable, HTTPException)",
            ),
        ),
        (f"{BAD_INPUT}[/v1/transfers limit 0]",),
    ),
    Mutant(
        37,
        "delete_queue as it was: a join on the key",
        (
            Edit(
                "core/sql/delete_queue.sql",
                " CROSS JOIN LATERAL (SELECT q.ctid AS place FROM queue q"
                " WHERE q.shard = done.shard AND q.position = done.position OFFSET 0) found\n"
                " WHERE queue.ctid = found.place",
                " WHERE queue.shard = done.shard AND queue.position = done.position",
            ),
        ),
        (
            f"{PLANS}::test_a_plan_reads_by_key[delete_queue-on empty tables]",
            f"{PLANS}::test_a_drain_that_began_on_an_empty_queue_reads_a_backlog_by_key",
        ),
    ),
    Mutant(
        37,
        "the planner's ways as they come",
        (Edit("core/db.py", "**limits, **PLANNER, **PROBES", "**limits, **PROBES"),),
        (
            f"{PLANS}::test_a_plan_reads_by_key[lock_wallets-on empty tables]",
            f"{PLANS}::test_a_plan_reads_by_key[find_transfers-on empty tables]",
        ),
    ),
    Mutant(
        37,
        "a claim begins at the lowest position",
        (Edit("core/sql/claim_queue.sql", " AND position >= begins.floor", ""),),
        (
            f"{FLOORS}::test_under_a_held_snapshot_no_look_at_the_queue_steps_over_what_was_drained[one shard]",
            f"{FLOORS}::test_under_a_held_snapshot_a_worker_steps_over_what_was_drained_once_at_most",
        ),
    ),
    Mutant(
        37,
        "a floor waits for none of those that may have drawn a smaller position",
        (Edit("worker/floors.py", "if not self._awaited.isdisjoint(writers):", "if not self._awaited.isdisjoint([]):"),),
        (
            f"{FLOORS}::test_a_transaction_that_drew_its_position_early_is_waited_for",
            f"{FLOORS}::test_a_prepared_transaction_that_drew_its_position_early_is_waited_for",
        ),
    ),
    Mutant(
        37,
        "a floor is raised by what was settled after the claim began",
        (Edit("worker/floors.py", "begins = self._settled + 1 if", "begins = self.settling.settled + 1 if"),),
        (f"{FLOORS}::test_what_is_settled_during_a_claim_raises_no_floor_by_it",),
    ),
)
