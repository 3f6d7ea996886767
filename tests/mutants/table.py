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
BATCHER = "tests/integration/test_batcher.py"
DOORBELL_MODEL = "tests/unit/test_doorbell_model.py"
ENDLESS = "tests/http/test_endless.py"
DRAINING = "tests/integration/test_draining.py"
FLOORS = "tests/integration/test_floors.py"
PLANS = "tests/integration/test_plans.py"
INTAKE = "tests/integration/test_intake.py"
HISTORY = "tests/integration/test_history.py"
TAMPERED = f"{HISTORY}::test_a_change_of_the_history_is_seen_by_exactly_the_checks_it_concerns"
LATER_TAMPERED = f"{HISTORY}::test_damage_of_what_came_later_is_seen_by_exactly_the_checks_it_concerns"
RECONCILE = "tests/integration/test_reconcile.py"
FAN_OUTS = "tests/integration/test_fan_outs.py"
HOSTILE = "tests/integration/test_hostile.py"
RIGHTS = "tests/integration/test_rights.py"
LINES = "tests/integration/test_lines.py"
VERBS = "tests/integration/test_verbs.py"
VERBS_OF_LEDGER = "tests/unit/test_ledger_verbs.py"
DUE = "tests/integration/test_due.py"
RULES = "tests/integration/test_rules.py"
RULES_BEFORE_THE_LOCK = Edit(
    "core/sql/parts/wallet_of_ledger.sql",
    "{{rules}}\n",
    "(SELECT CASE WHEN guard IS NOT NULL THEN rules_of(status, frozen, balance_max, debit_max, debits_per_day_max,"
    " debits_per_month_max, counted_day, debits_today, debits_this_month) END FROM wallets WHERE id = w.id) AS rules\n",
)
READING = "tests/integration/test_reading.py"
MATRIX = "tests/http/test_matrix.py::test_each_role_may_do_what_the_matrix_says_and_learns_nothing_else"
OWN_DELIVERIES = (
    "tests/http/test_deliveries.py::test_operators_and_viewers_see_what_each_owner_is_told_and_clients_what_themselves_are"
)
PERIODS = "tests/integration/test_periods.py"
STATEMENT = "tests/http/test_statement.py"
REFUSES = "tests/integration/test_redis_refuses.py"
STANDBY = "tests/faults/test_standby.py"
SESSIONS = "tests/faults/test_sessions.py"
POOLERS = "tests/faults/test_poolers.py"
UNDER_LOAD = "tests/faults/test_under_load.py"
BAD_INPUT = "tests/http/test_bad_input.py::test_a_bad_input_gets_its_answer_and_stores_nothing"
ONE_KEY = "tests/integration/test_one_key.py"
OVERLOAD = "tests/http/test_overload.py"
IDEMPOTENCY = "tests/http/test_idempotency.py"
BAD_NETWORK = "tests/sdk/test_bad_network.py::test_a_hundred_transfers_through_a_bad_network_are_a_hundred_transfers"
TELLER_MONEY = "tests/cli/test_money.py"
SDK_CASES = "tests/sdk/test_cases.py::test_the_sdk_does_what_the_case_says"
CONSOLE = "tests/console/test_console.py"

COMMIT_BETWEEN = """\
        debits = [entry for entry in outcome.entries if entry.amount < 0]
        first = writes_of(queued, Outcome([], debits, []))[0]
        connection.execute(statement(first.name), first.params)
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        credits = [entry for entry in outcome.entries if entry.amount > 0]
        writes = writes_of(queued, Outcome(outcome.verdicts, credits, outcome.wallets))
"""

COMMIT_BETWEEN_LEGS = """\
        parts = {entry.transfer_id: entry for entry in outcome.entries}
        last = [entry for entry in outcome.entries if parts[entry.transfer_id] is entry]
        first = writes_of(queued, Outcome([], [entry for entry in outcome.entries if entry not in last], []))[0]
        connection.execute(statement(first.name), first.params)
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        writes = writes_of(queued, Outcome(outcome.verdicts, last, outcome.wallets))
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
                due = self._write(connection, pipeline, queued, outcome)
"""
TELL_FIRST = """\
                told = "INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)"
                whom = " SELECT e.owner, e.id::text, unnest(%s::uuid[]), e.id, 0 FROM webhook_endpoints e"
                with self._own._connect() as another:
                    another.execute(told + whom, [[transfer.transfer_id for transfer in queued]])
"""

MUTANTS = (
    Mutant(
        1,
        "commit between debit and credit",
        (Edit("worker/ledger/apply.py", "        writes = writes_of(queued, outcome)\n", COMMIT_BETWEEN),),
        (
            f"{APPLY}::test_nothing_of_a_drain_is_seen_before_all_of_it_is_committed",
            f"{UNDER_LOAD}::test_a_reader_sees_a_sum_of_zero_and_true_balances_at_every_instant",
        ),
    ),
    Mutant(
        1,
        "a transfer between two currencies",
        (Edit("core/sql/transfers/insert.sql", "       AND destination.currency = s.currency\n", ""),),
        ("tests/integration/test_currencies.py::test_no_transfer_of_any_kind_touches_two_currencies",),
    ),
    Mutant(
        1,
        "a special transfer between two currencies",
        (Edit("core/sql/transfers/insert_special.sql", "       AND destination.currency = s.currency\n", ""),),
        ("tests/integration/test_currencies.py::test_no_transfer_of_any_kind_touches_two_currencies",),
    ),
    Mutant(
        1,
        "all currencies summed together",
        (
            Edit("core/sql/audit/zero_sum.sql", " GROUP BY w.currency\n", " GROUP BY ()\n"),
            Edit("core/sql/audit/zero_sum.sql", "coalesce(w.currency, 'of no currency')", "''"),
        ),
        ("tests/integration/test_currencies.py::test_the_audit_sums_each_currency_alone",),
    ),
    Mutant(
        22,
        "an endpoint of one wallet",
        (
            Edit(
                "core/sql/deliverer/fan_out_parties.sql", "WHERE client_id = party.client_id", "WHERE wallet_id = ANY(f.wallet_ids)"
            ),
        ),
        ("tests/integration/test_currencies.py::test_a_clients_endpoint_is_told_of_all_its_wallets[made after the endpoint]",),
    ),
    Mutant(
        24,
        "a client sees the wallets of the moment at which its key was cached",
        (Edit("api/callers.py", "await services(request).authenticator.learn_wallets(caller)", "pass"),),
        ("tests/http/test_currencies.py::test_a_clients_key_may_use_a_wallet_from_the_answer_on_that_makes_it",),
    ),
    Mutant(
        24,
        "a filter that finds the transfers of all clients",
        (Edit("core/sql/parts/matches.sql", "(%(client_id)s::uuid IS NULL OR", "(true OR"),),
        ("tests/http/test_find.py::test_no_filter_finds_what_is_another_clients",),
    ),
    Mutant(
        24,
        "a client that filters by another one",
        (Edit("api/v1/transfers.py", "(client_id is None or caller.sees_client(client_id))", "True"),),
        ("tests/http/test_find.py::test_no_filter_finds_what_is_another_clients",),
    ),
    Mutant(
        24,
        "a client finds a split by the amounts of others",
        (Edit("core/sql/parts/matches.sql", " AND %(seen_by)s::uuid IS NOT NULL", " AND false"),),
        ("tests/http/test_find.py::test_a_party_of_several_finds_by_its_own_amount_and_not_by_the_others",),
    ),
    Mutant(
        24,
        "a payee is shown what the payer has",
        (Edit("core/render.py", "all(viewer.sees_wallet(id) for id in transfer.debited)", "True"),),
        ("tests/http/test_find.py::test_the_payee_of_a_rejected_transfer_does_not_see_what_the_payer_has",),
    ),
    Mutant(
        24,
        "all callers are shown which key submitted a transfer",
        (Edit("core/render.py", 'viewer.owner in {transfer.owner, "operator"}', "True"),),
        ("tests/http/test_find.py::test_a_transfer_says_to_its_owner_and_to_operators_which_key_submitted_it",),
    ),
    Mutant(
        2,
        "no status guard",
        (Edit("core/sql/drain/finish_transfers.sql", " AND t.status = 'queued'", ""),),
        (f"{APPLY}::test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_up_no_other",),
    ),
    Mutant(
        2,
        "nobody counts the rows that were written",
        (Edit("worker/ledger/apply.py", "if cursor.rowcount != write.rows:", "if cursor.rowcount > write.rows:"),),
        (f"{APPLY}::test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_up_no_other",),
    ),
    Mutant(
        3,
        "synchronous_commit=off",
        (  # two edits: the check of a new session would refuse "off", and nothing would start
            Edit("core/postgres/session.py", '"synchronous_commit": "on"', '"synchronous_commit": "off"'),
            Edit("core/postgres/session.py", '{"on", "remote_apply"}', '{"on", "remote_apply", "off"}'),
        ),
        ("tests/faults/test_durability.py::test_what_was_answered_with_202_is_there_after_a_kill_of_postgres",),
    ),
    Mutant(
        3,
        "a cancelled task cancels its commit",
        (
            Edit(
                "core/postgres/connections.py",
                "return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)",
                "return await super().wait(gen, interval, timeout)",
            ),
        ),
        (f"{STANDBY}::test_no_202_stands_for_what_the_standby_lacks",),
    ),
    Mutant(
        3,
        "a replay that waits for no standby",
        (Edit("core/sql/session/fence.sql", "SELECT setval('fence', 1)", "SELECT 1"),),
        (
            f"{STANDBY}::test_no_202_stands_for_what_the_standby_lacks",
            f"{STANDBY}::test_no_answer_says_that_a_thing_is_there_before_a_standby_has_it",
        ),
    ),
    Mutant(
        4,
        "UPDATE without AND status = 'queued'",
        (Edit("core/sql/drain/finish_transfers.sql", " AND t.status = 'queued'", ""),),
        (f"{DRAINING}::test_a_verdict_leaves_what_is_final_alone_and_does_not_count_it",),
    ),
    Mutant(
        5,
        "no sweeper",
        (
            Edit(
                "worker/ledger/sweep.py",
                "finished = self._drainer.run([*waiting, *(raised | due).difference(waiting)], waits=False)",
                "finished = 0",
            ),
        ),
        ("tests/integration/test_sweep.py::test_what_waited_too_long_is_drained_without_redis",),
    ),
    Mutant(
        5,
        "shards handed over to a batcher that is not there",
        (Edit("core/redis/hand_over.lua", "if left_ms >= 0 and left_ms <= tonumber(ARGV[1]) then", "if true then"),),
        (f"{BATCHER}::test_without_a_batcher_flags_are_lowered",),
    ),
    Mutant(
        5,
        "a batcher that ends and does not ring for what was handed over to it",
        (Edit("worker/ledger/shards.py", "        if handed_over:\n", "        if False:\n"),),
        (f"{BATCHER}::test_what_is_handed_over_to_a_batcher_that_meets_a_fault_is_rung_for",),
    ),
    Mutant(
        5,
        "no look after the flag is lowered",
        (Edit("worker/ledger/drain.py", "                is_last_look = True\n", "                break\n"),),
        (
            f"{APPLY}::test_no_ring_is_needed_while_a_shard_is_drained",
            f"{DOORBELL_MODEL}::test_the_code_takes_the_steps_of_the_model_in_their_order[Drainer._run-]",
        ),
    ),
    Mutant(
        5,
        "a wish that is left after the second try",
        (
            Edit(
                "worker/ledger/drain.py",
                "        self._doorbell.ask_rerun(batch.busy)\n        return merged(",
                "        again = merged(",
            ),
            Edit(
                "worker/ledger/drain.py",
                "self._applier.apply(batch.busy, deadline)])\n",
                "self._applier.apply(batch.busy, deadline)])\n        self._doorbell.ask_rerun(batch.busy)\n        return again\n",
            ),
        ),
        (f"{DOORBELL_MODEL}::test_the_code_takes_the_steps_of_the_model_in_their_order[Drainer._drain-]",),
    ),
    Mutant(
        25,
        "what a client holds is not counted",
        (Edit("api/v1/accept.py", 'return submission.type == "hold" or (', "return ("),),
        ("tests/http/test_schedule.py::test_a_clients_open_holds_count_in_its_part_of_the_backlog",),
    ),
    Mutant(
        5,
        "a cancellation that rings without lowering the flag",
        (
            Edit(
                "core/redis/shard_doorbell.py",
                "            self.lower(shards)\n            self.ring(shards)\n",
                "            self.ring(shards)\n",
            ),
        ),
        ("tests/faults/test_cancel.py::test_a_worker_that_passed_a_shard_by_is_rung_again_when_a_cancellation_ends",),
    ),
    Mutant(
        6,
        "SELECT then INSERT",
        (
            Edit(
                "core/sql/transfers/insert.sql",
                "AND (s.owner <> 'operator'\n            OR (NOT",
                "AND (NOT EXISTS (SELECT FROM transfers t WHERE (owner, idempotency_key) = (s.owner, s.idempotency_key)) AND (NOT",
            ),
            Edit("core/sql/transfers/insert.sql", "    ON CONFLICT DO NOTHING\n", ""),
        ),
        (f"{INTAKE}::test_a_request_that_waits_for_another_with_the_same_key_gets_the_transfer_of_the_other",),
    ),
    Mutant(
        7,
        "hash of the raw bytes",
        (
            Edit(
                "api/http/body.py",
                "    if not isinstance(value, dict):\n",
                "    RAW.set(body)\n    if not isinstance(value, dict):\n",
            ),
            Edit("api/http/body.py", "\nDECODER = ", '\nRAW = __import__("contextvars").ContextVar("raw")\nDECODER = '),
            Edit("api/v1/verbs.py", "from api.http import idempotency\n", "from api.http import body, idempotency\n"),
            Edit("api/v1/verbs.py", "fingerprint(verb.type, fields)", 'fingerprint(verb.type, {"raw": body.RAW.get()})'),
        ),
        (f"{IDEMPOTENCY}::test_how_a_request_is_written_makes_no_difference",),
    ),
    Mutant(
        7,
        "hash of the amount alone",
        (Edit("api/v1/verbs.py", "fingerprint(verb.type, fields)", 'fingerprint(verb.type, {"amount": legs.amount})'),),
        (
            f"{IDEMPOTENCY}::test_a_key_with_any_field_changed_is_refused_and_nothing_happens[reference]",
            f"{IDEMPOTENCY}::test_a_deposits_fields_are_part_of_its_key",
        ),
    ),
    Mutant(
        7,
        "a key that was used answers any request",
        (Edit("api/http/idempotency.py", "return asked.fingerprint == of.fingerprint", "return True"),),
        (
            f"{IDEMPOTENCY}::test_a_key_with_any_field_changed_is_refused_and_nothing_happens[reference]",
            f"{IDEMPOTENCY}::test_a_deposits_fields_are_part_of_its_key",
        ),
    ),
    Mutant(
        7,
        "an amount that is left out is the parent's",
        (Edit("api/v1/verbs.py", '"amount": amount_of(new)', '"amount": legs.amount'),),
        ("tests/http/test_holds.py::test_a_capture_is_repeated_by_its_key_also_when_the_hold_is_closed",),
    ),
    Mutant(
        7,
        "fingerprints that no earlier version has stored",
        (Edit("api/http/idempotency.py", 'FINGERPRINT_VERSION = "1"', 'FINGERPRINT_VERSION = "2"'),),
        ("tests/unit/test_record.py::test_a_request_has_the_fingerprint_that_an_earlier_version_stored",),
    ),
    Mutant(
        7,
        "fingerprints of values as Python shows them",
        (Edit("api/http/idempotency.py", "WRITTEN.get(value.__class__, CANONICAL.encode)(value)", "ascii(value)"),),
        (
            "tests/unit/test_record.py::test_a_request_has_the_fingerprint_that_an_earlier_version_stored",
            "tests/unit/test_idempotency.py::test_a_fingerprint_is_that_of_the_json_of_the_fields",
        ),
    ),
    Mutant(
        8,
        "no wallet lock",
        (Edit("core/sql/drain/lock_wallets.sql", "\n   FOR NO KEY UPDATE", ""),),
        (f"{APPLY}::test_a_drain_decides_by_what_those_before_it_have_left_in_the_wallets",),
    ),
    Mutant(
        8,
        "no look at the funds, no constraint",
        (
            Edit("core/ledger/check.py", "EXTERNAL_BALANCE_MIN if wallet.external else wallet.held", "EXTERNAL_BALANCE_MIN"),
            Edit("core/admin/migrations/0001_ledger.sql", "CHECK (balance >= 0 OR kind = 'external')", "CHECK (true)"),
            Edit("core/admin/migrations/0012_money_verbs.sql", "held <= balance OR kind = 'external'", "true"),
        ),
        (
            f"{APPLY}::test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits",
            f"{UNDER_LOAD}::test_a_thousand_debits_of_a_wallet_with_funds_for_five_hundred",
        ),
    ),
    Mutant(
        8,
        "each leg of a command is checked as if the legs before it moved nothing",
        (Edit("core/ledger/check.py", "scratch.get(key, wallet.balance)", "wallet.balance"),),
        ("tests/unit/test_ledger.py::test_two_debits_that_a_wallet_covers_one_by_one_but_not_together_are_refused",),
    ),
    Mutant(
        9,
        "two statements: a wallet's balance, and its version",
        (
            Edit("core/wallets.py", "import asdict, dataclass\n", "import asdict, dataclass, replace\n"),
            Edit(
                "core/wallets.py",
                '    return await database.fetch_one("wallets/find", {"id": id}, Wallet)\n',
                '    rows = await database.fetch("wallets/find", {"id": id}, Wallet)\n'
                '    again = await database.fetch("wallets/find", {"id": id}, Wallet)\n'
                "    return replace(rows[0], version=again[0].version) if rows else None\n",
            ),
        ),
        (f"{READING}::test_wallets_and_transfers_are_read_as_of_one_instant_while_money_moves",),
    ),
    Mutant(
        9,
        "two statements: a transfer, and its entries",
        (
            Edit("core/transfers.py", "import dataclass, fields\n", "import dataclass, fields, replace\n"),
            Edit(
                "core/transfers.py",
                "    found = {row.id: row for row in rows}\n",
                '    again = await database.fetch("transfers/find", {"ids": list(ids)}, from_row)\n'
                "    found = {row.id: replace(row, entries=late.entries) for row, late in zip(rows, again, strict=True)}\n",
            ),
        ),
        (f"{READING}::test_wallets_and_transfers_are_read_as_of_one_instant_while_money_moves",),
    ),
    Mutant(
        9,
        "an audit that looks at another instant with each of its statements",
        (Edit("core/admin/audit.py", "IsolationLevel.REPEATABLE_READ", "IsolationLevel.READ_COMMITTED"),),
        ("tests/integration/test_audit.py::test_an_audit_sees_one_instant_while_money_moves",),
    ),
    Mutant(
        11,
        "absolute write: each of a batch's transfers begins with what the wallet held before all of them",
        (
            Edit("core/ledger/check.py", "wallet = wallets[key]", "wallet = book._locked[wallet_id]"),
            Edit("core/ledger/post.py", "wallet = wallets[key]", "wallet = book._locked[wallet_id]"),
        ),
        ("tests/unit/test_ledger.py::test_a_wallets_entries_continue_its_versions_and_its_balance",),
    ),
    Mutant(
        11,
        "the wallet's row misses what its newest entry says",
        (Edit("core/sql/drain/update_wallets.sql", "version = new.version", "version = w.version + 1"),),
        (f"{APPLY}::test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits",),
    ),
    Mutant(
        12,
        "two drains of one shard without its lock",
        (Edit("core/sql/drain/lock_shards.sql", "\n   FOR UPDATE SKIP LOCKED", ""),),
        (f"{APPLY}::test_a_shard_that_a_worker_drains_is_busy", f"{DRAINING}::test_a_locked_shard_is_skipped_and_not_waited_for"),
    ),
    Mutant(
        12,
        "places in the queue in another order than that of arrival",
        (Edit("core/sql/transfers/insert.sql", "     ORDER BY s.arrival\n)\nSELECT", "     ORDER BY s.arrival DESC\n)\nSELECT"),),
        (f"{APPLY}::test_transfers_of_a_shard_are_applied_in_the_order_of_their_acceptance",),
    ),
    Mutant(
        15,
        "the feed's cursor on its places alone, without a horizon",
        (Edit("core/sql/events/list.sql", " AND moment < (SELECT feed_horizon())", ""),),
        ("tests/integration/test_events.py::test_what_is_committed_late_never_stands_before_what_has_been_shown",),
    ),
    Mutant(
        15,
        "the next page begins with the last one's end",
        (
            Edit(
                "core/sql/transfers/list_of_wallet.sql",
                "(destination, id) < ",
                "(destination, id) <= ",
            ),
        ),
        (f"{READING}::test_a_transaction_that_is_held_open_hides_none_of_the_rows_committed_before_the_first_page",),
    ),
    Mutant(
        16,
        "default Redis client",
        (Edit("core/redis/hints.py", "self.redis = client(url, TIMEOUT_S)", "self.redis = redis.Redis.from_url(url)"),),
        ("tests/integration/test_doorbell.py::test_without_redis_every_call_returns_at_once_and_it_is_found_again[frozen]",),
    ),
    Mutant(
        16,
        "a job is unpacked whole",
        (Edit("worker/jobs.py", "unpacking.decompress(data, DATA_MAX_BYTES)", "unpacking.decompress(data)"),),
        (
            "tests/faults/test_redis_poisoned.py::test_whatever_stands_in_redis_doorbells_work_on_and_nothing_fails_or_grows",
            "tests/unit/test_jobs.py::test_a_job_that_unpacks_to_too_much_is_refused_before_it_takes_memory",
        ),
    ),
    Mutant(
        16,
        "a reply is read whole",
        (Edit("core/redis/replies.py", "if not 0 <= length <= REPLY_MAX_BYTES:", "if length < 0:"),),
        ("tests/integration/test_redis_replies.py::test_an_honest_value_is_read_up_to_the_bound_and_not_beyond[ask_async]",),
    ),
    Mutant(
        16,
        "a flag that is up for ever counts as up",
        (Edit("core/redis/raise_flags.lua", "if left_ms < 0 or left_ms > tonumber(ARGV[1]) then", "if false then"),),
        ("tests/integration/test_doorbell.py::test_a_flag_that_would_stay_up_for_ever_counts_as_down",),
    ),
    Mutant(
        16,
        "a bucket is believed",
        (
            Edit(
                "api/admission/take_token.lua",
                "if not (full_at > now and wait <= tonumber(ARGV[4])) then",
                "if full_at < now then",
            ),
        ),
        ("tests/integration/test_rate_limit.py::test_a_bucket_that_holds_no_time_of_ours_counts_as_full_and_is_replaced[inf]",),
    ),
    Mutant(
        16,
        "readiness asks for a PING",
        (Edit("core/redis/probe.py", "self._hints.healed(self._try_out)", "self._hints.healed(self._hints.redis.ping)"),),
        (f"{REFUSES}::test_what_redis_refuses_is_reported_by_its_kind_until_redis_takes_it[a read-only replica]",),
    ),
    Mutant(
        17,
        "no second try over another connection",
        (Edit("core/postgres/pool.py", "if time.monotonic() > give_up:", "if give_up:"),),
        (
            f"{INTAKE}::test_a_connection_lost_in_the_middle_is_answered_by_the_retry",
            "tests/faults/test_servers_away.py::test_a_terminated_backend_costs_its_callers_nothing",
        ),
    ),
    Mutant(
        17,
        "readiness that asks for no commit",
        (
            Edit(
                "api/admission/readiness.py",
                'checks["database_commits"] = await self._commits()',
                'checks["database_commits"] = True',
            ),
        ),
        (f"{STANDBY}::test_an_api_whose_commits_wait_for_a_standby_is_not_ready_and_reads_on",),
    ),
    Mutant(
        17,
        "a connection for each question of readiness while no commit is answered",
        (Edit("api/admission/readiness.py", "            if self._unanswered:\n", "            if False:\n"),),
        (f"{STANDBY}::test_an_api_whose_commits_wait_for_a_standby_is_not_ready_and_reads_on",),
    ),
    Mutant(
        17,
        "an API that is ready beside migrations that do not serve it",
        (Edit("core/admin/migrate.py", "(first is None or first > known[-1])", "(first is not None and first > known[-1])"),),
        ("tests/faults/test_rolling_update.py::test_processes_that_a_migration_does_not_serve_are_not_ready",),
    ),
    Mutant(
        17,
        "an API keeps the connections to a server that hangs",
        (Edit("core/postgres/abandoned.py", "if late and (hung := await self._hung(late)):", "if late and (hung := set()):"),),
        (f"{STANDBY}::test_a_primary_that_hangs_is_left_for_the_new_one_without_a_restart",),
    ),
    Mutant(
        17,
        "a worker waits for a server that hangs",
        (Edit("core/postgres/connections.py", "within_s=ROUND_TRIP_WITHIN_S, ", "within_s=None, "),),
        (f"{STANDBY}::test_a_primary_that_hangs_is_left_for_the_new_one_without_a_restart",),
    ),
    Mutant(
        17,
        "each question of a request has 1.8 s of its own",
        (Edit("core/postgres/deadline.py", "if ANSWER_BY.get(None) is None:", "if True:"),),
        ("tests/unit/test_deadline.py::test_the_first_question_starts_the_deadline_and_later_ones_share_it",),
    ),
    Mutant(
        18,
        "no idle-in-transaction timeout, nor any other that ends what a frozen worker holds",
        (
            Edit(
                "core/postgres/limits.py",
                '"idle_in_transaction_session_timeout": "5s"',
                '"idle_in_transaction_session_timeout": "0"',
            ),
            Edit("core/postgres/limits.py", '"transaction_timeout": "10s"', '"transaction_timeout": "0"'),
        ),
        (f"{UNDER_LOAD}::test_a_frozen_worker_holds_its_wallets_for_seconds_only",),
    ),
    Mutant(
        20,
        "shard = hash % workers",
        (Edit("core/ledger/sharding.py", "wallet_id.int & (shards - 1)", "hash(wallet_id) % 3"),),
        (
            "tests/unit/test_sharding.py::test_the_shard_is_the_low_bits_of_the_id",
            "tests/http/test_client_role.py::test_what_clients_moved_is_proved_by_the_audit",
        ),
    ),
    Mutant(
        21,
        "sending inside the drain",
        (Edit("worker/ledger/apply.py", BEFORE_COMMIT, SEND_INSIDE + BEFORE_COMMIT),),
        (f"{DELIVERER}::test_receivers_that_misbehave_delay_no_transfer_and_no_other_receiver",),
    ),
    Mutant(
        21,
        "an unknown receiver may have as many slots as a healthy one",
        (
            Edit(
                "worker/webhooks/fairness.py",
                "self._per_receiver_max if health is Health.HEALTHY else 1,",
                "self._per_receiver_max,",
            ),
        ),
        (f"{DELIVER}::test_a_dead_receiver_with_a_thousand_due_holds_up_no_other",),
    ),
    Mutant(
        21,
        "an owner may have all slots of the process",
        (
            Edit(
                "worker/webhooks/fairness.py",
                "            self._per_owner_max,\n            share_of(self._per_owner_max, health),\n",
                "            self._in_flight_max,\n            share_of(self._in_flight_max, health),\n",
            ),
        ),
        (f"{DELIVER}::test_an_owner_with_a_thousand_dead_receivers_holds_up_no_other",),
    ),
    Mutant(
        21,
        "an owner's dead receivers may have all its slots",
        (Edit("worker/webhooks/fairness.py", "Health.FAILING: 0.25}", "Health.FAILING: 1.0}"),),
        (f"{OTHERS}[healthy, the others dead]", f"{OTHERS}[new, the others dead]"),
    ),
    Mutant(
        21,
        "the receiver that has been due longest is next",
        (Edit("worker/webhooks/fairness.py", "sorted(admitted, key=self._turn_key)", "admitted"),),
        (
            f"{OTHERS}[back again, the others dead]",
            "tests/unit/test_slots.py::test_owners_whose_healthy_receivers_are_slow_do_not_keep_the_places_that_become_free",
        ),
    ),
    Mutant(
        21,
        "a look that left receivers out is as good as one that did not",
        (Edit("worker/webhooks/deliverer.py", "            elif self._goes_on:\n", "            elif False:\n"),),
        ("tests/integration/test_telling.py::test_a_due_receiver_is_found_at_once_among_many_hosts_that_are_not",),
    ),
    Mutant(
        21,
        "a large fan-out is finished before the next one begins",
        (
            Edit(
                "core/sql/deliverer/fan_out_parties.sql", "     ORDER BY one.turn, s.moment\n", "     ORDER BY s.moment, one.turn\n"
            ),
        ),
        ("tests/integration/test_fan_outs.py::test_a_small_fan_out_does_not_wait_for_a_large_one_before_it",),
    ),
    Mutant(
        22,
        "a look for fan-outs begins behind what it has seen, whatever has not committed yet",
        (Edit("worker/webhooks/fan_outs.py", "ended = max(found.horizon, self._moments.ended)", "ended = found.next"),),
        ("tests/integration/test_fan_outs.py::test_a_drain_that_commits_late_is_not_hidden_by_the_bound",),
    ),
    Mutant(
        22,
        "a transfer whose deliveries cannot be made is tried for ever",
        (Edit("worker/webhooks/fan_outs.py", "        if not limit.exhausted:\n", "        if limit.failures >= 0:\n"),),
        (f"{FAN_OUTS}::test_a_transfer_whose_deliveries_cannot_be_made_is_stepped_over_loudly_and_alone",),
    ),
    Mutant(
        22,
        "a callback URL without a host is a delivery to no host",
        (
            Edit(
                "core/sql/deliverer/fan_out_parties.sql",
                "     WHERE char_length(cut.host) BETWEEN 1 AND 260\n",
                "     WHERE f.callback_url IS NOT NULL\n",
            ),
        ),
        (f"{FAN_OUTS}::test_a_callback_url_without_a_host_makes_no_delivery_and_delays_no_other",),
    ),
    Mutant(
        22,
        "a deliverer that starts trusts the bounds that it finds",
        (
            Edit(
                "worker/webhooks/fan_outs.py",
                "self._looked_at_all: float | None = None",
                "self._looked_at_all: float | None = time.monotonic()",
            ),
        ),
        (f"{FAN_OUTS}::test_a_deliverer_that_starts_finds_what_its_bounds_hide",),
    ),
    Mutant(
        22,
        "sending before COMMIT",
        (Edit("worker/ledger/apply.py", BEFORE_COMMIT, SEND_INSIDE + BEFORE_COMMIT),),
        (f"{DELIVERER}::test_a_receiver_of_a_webhook_can_read_the_outcome_already",),
    ),
    Mutant(
        22,
        "deliveries are committed before their verdict",
        (Edit("worker/ledger/apply.py", BEFORE_WRITE, TELL_FIRST + BEFORE_WRITE),),
        ("tests/integration/test_deliveries.py::test_a_verdict_that_is_not_committed_makes_no_delivery",),
    ),
    Mutant(
        22,
        "an id of its own for each attempt",
        (Edit("worker/webhooks/deliverer.py", "sign(delivery.event_id, ", 'sign(f"evt_{time.time_ns()}", '),),
        (
            f"{DELIVER}::test_what_arrives_is_signed_for_its_receiver_under_the_events_id",
            f"{DELIVERER}::test_a_deliverer_killed_between_sending_and_writing_down_sends_the_same_again",
        ),
    ),
    Mutant(
        22,
        "at most once: written down before it is sent",
        (
            Edit(
                "worker/webhooks/deliverer.py",
                "            attempt = await self._sender.send(",
                "            await self._deliveries.mark(delivery, Attempt(200, None, 0.0), None)\n"
                "            attempt = await self._sender.send(",
            ),
        ),
        (f"{DELIVERER}::test_a_deliverer_killed_between_sending_and_writing_down_sends_the_same_again",),
    ),
    Mutant(
        23,
        "the JSON reader as it comes: NaN, duplicate keys",
        (
            Edit(
                "api/http/body.py",
                "json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=refuse_constant, parse_int=parse_integer)",
                "json.JSONDecoder()",
            ),
        ),
        (f"{BAD_INPUT}[/v1/deposits NaN]",),
    ),
    Mutant(
        23,
        "a float is an amount: 1E400",
        (
            Edit(
                "api/http/fields.py",
                'if type(value) is not int:\n        raise coded_error("amount',
                'if not isinstance(value, int | float):\n        raise coded_error("amount',
            ),
        ),
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
        7,
        "a client's key is looked for among the transfers, and not taken there",
        (
            Edit(
                "core/sql/clients/insert.sql",
                "take_client_key(%(idempotency_key)s)",
                "NOT EXISTS (SELECT FROM transfers WHERE owner = 'operator' AND idempotency_key = %(idempotency_key)s)",
            ),
        ),
        (
            f"{ONE_KEY}::test_a_client_waits_for_a_transfer_that_is_being_stored_with_its_key[a_deposit]",
            f"{ONE_KEY}::test_a_transfer_waits_for_a_client_that_is_being_made_with_its_key[a_transfer]",
        ),
    ),
    Mutant(
        7,
        "an INSERT of transfers does not look for clients again",
        (Edit("core/sql/transfers/insert.sql", "are_keys_of_no_client(array_agg(idempotency_key))", "count(*) >= 0"),),
        (f"{ONE_KEY}::test_a_client_that_is_made_after_an_insert_began_is_seen_before_it_ends",),
    ),
    Mutant(
        25,
        "limits are looked at before the INSERT and raised after it",
        (
            Edit("api/admission/backlog.py", "            self._reserved[name] += transfers\n", "            pass\n"),
            Edit("api/admission/backlog.py", "self._reserved[name] -= reserved - kept", "self._reserved[name] += kept"),
        ),
        (
            "tests/integration/test_reserving.py::test_places_are_reserved_all_or_none_and_given_back_but_for_what_is_kept",
            f"{OVERLOAD}::test_batches_at_once_do_not_pass_a_limit_together",
        ),
    ),
    Mutant(
        27,
        "the release of a hold that has ended can be canceled",
        (Edit("core/admin/migrations/0017_lines.sql", " AND NOT starts_with(idempotency_key, 'expiry ')", ""),),
        ("tests/http/test_holds.py::test_the_release_of_a_hold_that_has_ended_cannot_be_canceled",),
    ),
    Mutant(
        25,
        "what a client has scheduled is not counted",
        (Edit("api/admission/gate.py", "if problem is None and waits and", "if problem is None and not waits and"),),
        ("tests/http/test_schedule.py::test_a_clients_scheduled_transfers_count_in_its_part_of_the_backlog",),
    ),
    Mutant(
        38,
        "first come, first served: callers have no turns at the batches",
        (Edit("api/intake/micro_batches.py", "        owner = OWNER.get()\n", '        owner = ""\n'),),
        (
            "tests/unit/test_micro_batches.py::test_owners_have_turns_when_more_waits_than_a_batch_holds_and_each_keeps_its_order",
            "tests/unit/test_micro_batches.py::test_a_single_item_is_in_the_next_batch_however_much_of_another_owner_waits_before_it",
        ),
    ),
    Mutant(
        38,
        "one caller may use every connection to the database",
        (Edit("core/postgres/pool.py", "        if not owner:\n", "        if owner:\n"),),
        ("tests/integration/test_limits.py::test_owners_leave_each_other_connections_and_all_of_them_leave_some_to_the_process",),
    ),
    Mutant(
        38,
        "a refused request costs its caller no token",
        (Edit("api/admission/gate.py", "await self.charge(caller, 1) or problem", "problem"),),
        (f"{OVERLOAD}::test_a_request_that_is_refused_costs_a_token_and_without_one_it_is_told_to_come_again",),
    ),
    Mutant(
        26,
        "do not carry what is left of a hold from command to command",
        (
            Edit(
                "core/ledger/post.py",
                "        book.parents[change.parent.id.int] = change.parent\n",
                "        book.parents = book.parents\n",
            ),
        ),
        (f"{VERBS_OF_LEDGER}::test_of_two_captures_of_all_in_one_batch_the_first_closes_and_the_second_is_refused",),
    ),
    Mutant(
        26,
        "capture after the end of the hold",
        (Edit("core/ledger/plan.py", " or special.accepted_at >= hold.expires_at", ""),),
        (f"{VERBS}::test_a_capture_counts_by_its_acceptance_however_late_the_drain_is",),
    ),
    Mutant(
        26,
        "keep the rest of a hold after its final capture",
        (Edit("core/ledger/plan.py", "rest = hold.remaining - amount if special.closes else 0", "rest = 0"),),
        (
            "tests/unit/test_ledger_verb_history.py::test_histories_of_all_verbs_agree_with_a_model_and_pass_an_audit_after_each_batch",
        ),
    ),
    Mutant(
        26,
        "spend what is reserved",
        (
            Edit(
                "core/ledger/check.py",
                "EXTERNAL_BALANCE_MIN if wallet.external else wallet.held",
                "EXTERNAL_BALANCE_MIN if wallet.external else 0",
            ),
        ),
        (f"{VERBS_OF_LEDGER}::test_a_command_is_refused_for_the_first_reason_that_holds",),
    ),
    Mutant(
        26,
        "do not audit what a closed hold has left",
        (
            Edit(
                "core/sql/audit/parents.sql",
                "CASE WHEN c.closed THEN coalesce(p.captured, 0) + coalesce(p.returned, 0) <> coalesce(p.moved, p.amount)\n",
                "CASE WHEN c.closed THEN false\n",
            ),
        ),
        ("tests/integration/test_audit.py::test_a_damage_of_holds_and_their_children_is_seen_by_exactly_the_checks_it_concerns",),
    ),
    Mutant(
        27,
        "store no end of a hold",
        (Edit("worker/ledger/writes.py", '            ("drain/insert_due", Parent._fields, outcome.opened),\n', ""),),
        (f"{DUE}::test_an_expired_hold_is_released_with_a_transfer_of_its_own",),
    ),
    Mutant(
        28,
        "cancel without the lock of the shard",
        (
            Edit(
                "core/admin/migrations/0017_lines.sql",
                "SELECT floor INTO begins FROM shards WHERE shard = asked.shard FOR UPDATE;",
                "SELECT floor INTO begins FROM shards WHERE shard = asked.shard;",
            ),
        ),
        ("tests/integration/test_cancel.py::test_a_cancellation_waits_for_the_drain_that_has_the_shard",),
    ),
    Mutant(
        29,
        "judge a deadline at the door",
        (Edit("core/sql/drain/find_specials.sql", "coalesce(apply_by < now(), false)", "coalesce(apply_by < created_at, false)"),),
        (f"{VERBS}::test_a_drain_that_begins_after_the_deadline_refuses",),
    ),
    Mutant(
        30,
        "keep the row of a scheduled transfer that was queued",
        (
            Edit(
                "core/sql/sweep/queue_due.sql",
                "DELETE FROM due WHERE ctid = ANY (ARRAY(SELECT place FROM taken WHERE verb = 'apply'))",
                "DELETE FROM due WHERE ctid = ANY (ARRAY(SELECT place FROM taken WHERE verb = 'none'))",
            ),
        ),
        (
            f"{DUE}::test_a_thousand_due_at_one_instant_are_queued_once_by_three_sweepers",
            f"{DUE}::test_what_is_due_fills_no_queue_and_a_shard_with_much_of_it_delays_no_other",
        ),
    ),
    Mutant(
        30,
        "queue a scheduled transfer before its time",
        (
            Edit(
                "core/sql/sweep/queue_due.sql",
                "WHERE due.shard = shards.shard AND due_at <= now() LIMIT 1",
                "WHERE due.shard = shards.shard LIMIT 1",
            ),
            Edit("core/sql/sweep/queue_due.sql", "due.shard = ready.shard AND due_at <= now()\n", "due.shard = ready.shard\n"),
        ),
        (f"{DUE}::test_a_scheduled_transfer_waits_for_its_time_and_is_applied_once",),
    ),
    *(
        Mutant(
            promise,
            f"read the rules of a wallet before its lock: {what}",
            (RULES_BEFORE_THE_LOCK,),
            (f"{RULES}::test_a_drain_reads_a_wallets_rules_under_its_lock[{what}]",),
        )
        for promise, what in ((32, "frozen-wallet_frozen"), (33, "closed-wallet_closed"), (34, "counted-daily_limit_exceeded"))
    ),
    Mutant(
        32,
        "change a wallet without its lock",
        (Edit("core/admin/migrations/0016_wallet_rules.sql", "AND kind = 'client' FOR NO KEY UPDATE;", "AND kind = 'client';"),),
        (f"{RULES}::test_changes_at_once_are_merged_and_each_is_in_the_history",),
    ),
    Mutant(
        32,
        "freeze no holds",
        (
            Edit(
                "core/ledger/plan.py",
                "change, touched=lines_of(command, command.amount))",
                "change)",
            ),
        ),
        (f"{RULES}::test_what_a_freeze_of_debits_stops",),
    ),
    Mutant(
        33,
        "close with money that is not swept",
        (Edit("core/ledger/plan.py", "if wallet.balance and not special.sweeps:", "if False:"),),
        (f"{RULES}::test_a_wallet_with_holds_or_money_is_not_closed",),
    ),
    Mutant(
        34,
        "give back to each window",
        (Edit("core/ledger/rules.py", "if on >= self.today else 0", "if on else 0"),),
        (f"{RULES}::test_a_month_counts_over_days_and_a_new_window_begins_at_zero",),
    ),
    Mutant(
        34,
        "do not carry what counts from command to command",
        (Edit("core/ledger/post.py", "rules=wallet.rules._replace(limits=limits)", "rules=wallet.rules"),),
        (f"{VERBS_OF_LEDGER}::test_what_counts_is_carried_from_command_to_command_and_given_back_in_its_windows",),
    ),
    Mutant(
        34,
        "do not audit what counts",
        (Edit("core/sql/audit/limits.sql", "WHERE w.counted_since IS NOT NULL\n   AND", "WHERE false\n   AND"),),
        ("tests/integration/test_audit.py::test_a_damage_of_rules_is_seen_by_exactly_the_checks_it_concerns",),
    ),
    Mutant(
        35,
        "count an entry at the end of a period as part of it",
        (
            Edit(
                "core/sql/periods/find.sql",
                "created_at >= stretch.moment OR",
                "created_at >= stretch.moment + (stretch.side = 'until')::integer * interval '1 microsecond' OR",
            ),
        ),
        (f"{PERIODS}::test_periods_tile", f"{STATEMENT}::test_statements_tile_and_the_whole_is_their_sum"),
    ),
    Mutant(
        35,
        "call a statement final by the time alone",
        (Edit("core/sql/periods/find.sql", "THEN NOT wallet.is_locked ELSE", "THEN true ELSE"),),
        (f"{PERIODS}::test_a_settled_period_never_changes",),
    ),
    Mutant(
        35,
        "cut by halving, wherever the clock was set back",
        (
            Edit("core/sql/periods/find.sql", "     WHERE ends - base > 4096\n", "     WHERE ends - base > 0\n"),
            Edit(
                "core/sql/periods/find.sql",
                "     WHERE stretch.ends - stretch.base <= 4096\n",
                "     WHERE stretch.ends = stretch.base\n",
            ),
        ),
        (f"{PERIODS}::test_a_clock_that_was_set_back_shifts_entries_and_loses_none[without running totals]",),
    ),
    Mutant(
        35,
        "show on a later page what was added since the first",
        (Edit("api/v1/statement.py", "period_or_404(request, caller, span, through)", "period_or_404(request, caller, span)"),),
        (f"{STATEMENT}::test_the_header_of_every_page_is_of_the_whole_and_pages_go_on_where_the_first_began",),
    ),
    Mutant(
        36,
        "read what is left of a parent before the lock",
        (Edit("core/book_reads.py", "locked, *found = (yield [lock, *find])", "*found, locked = (yield [*find, lock])"),),
        (f"{VERBS}::test_what_is_left_of_a_parent_is_read_under_the_locks_of_its_wallets",),
    ),
    Mutant(
        31,
        "the legs in two transactions",
        (Edit("worker/ledger/apply.py", "        writes = writes_of(queued, outcome)\n", COMMIT_BETWEEN_LEGS),),
        (f"{LINES}::test_no_reader_sees_a_line_of_it_without_the_others",),
    ),
    Mutant(
        31,
        "lock the first two wallets alone",
        (
            Edit(
                "core/ledger/commands.py",
                "return wallet_ids.union(wallet_id for lines in special for wallet_id, _ in lines)",
                "return wallet_ids",
            ),
        ),
        (
            f"{LINES}::test_a_split_debits_its_payer_once_and_credits_each_wallet",
            "tests/unit/test_ledger_lines.py::test_the_wallets_of_commands_are_those_of_all_their_lines",
        ),
    ),
    Mutant(
        31,
        "batches of any number of lines",
        (Edit("core/queued_transfer.py", "BATCH_LINES_MAX = 1000", "BATCH_LINES_MAX = 100_000"),),
        (f"{LINES}::test_the_batch_that_ends_early_takes_nothing_of_a_shard_behind_it_and_forgets_none_of_its_transfers",),
    ),
    Mutant(
        31,
        "what a batch leaves counts as drained",
        (
            Edit(
                "worker/ledger/apply.py",
                "more = {transfer.shard for transfer in left} | {",
                "more = {",
            ),
        ),
        (f"{LINES}::test_a_batch_ends_at_a_thousand_lines_and_the_next_one_goes_on",),
    ),
    Mutant(
        31,
        "a wallet that lacks funds refuses its own line alone",
        (
            Edit(
                "core/ledger/check.py",
                "    for wallet_id, amount in plan.lines:\n",
                "    for wallet_id, amount in plan.lines[:1] + plan.lines[-1:]:\n",
            ),
        ),
        ("tests/unit/test_ledger_lines.py::test_one_wallet_that_cannot_refuses_the_whole",),
    ),
    Mutant(
        31,
        "let a worker that knows no lines apply them",
        (
            Edit(
                "core/admin/migrations/0017_lines.sql",
                "        wallet_ids IS NULL\n        OR status",
                "        true\n        OR status",
            ),
        ),
        ("tests/integration/test_older_worker.py::test_a_worker_that_knows_no_lines_leaves_them_to_one_that_does",),
    ),
    Mutant(
        36,
        "reverse the first two wallets of several",
        (
            Edit(
                "core/ledger/plan.py",
                "    if are_several_legs(parent.lines) or special.lines is not None:\n",
                "    if special.lines is not None:\n",
            ),
        ),
        (
            f"{LINES}::test_a_reversal_that_does_not_name_the_lines_of_its_parent_moves_nothing",
            "tests/unit/test_ledger_lines.py::test_several_legs_are_reversed_by_no_reversal_of_two_wallets",
        ),
    ),
    Mutant(
        36,
        "compare a reversal with the whole of its parent",
        (
            Edit(
                "core/ledger/plan.py",
                "asked(command, special, parent) > parent.remaining",
                "asked(command, special, parent) > parent.total",
            ),
        ),
        (f"{VERBS_OF_LEDGER}::test_of_two_reversals_of_60_on_100_in_one_batch_the_second_is_refused",),
    ),
    Mutant(
        37,
        "delete_queue as it was: a join on the key",
        (
            Edit(
                "core/sql/drain/delete_queue.sql",
                " CROSS JOIN LATERAL (SELECT q.ctid AS place FROM queue q"
                " WHERE q.shard = done.shard AND q.position = done.position OFFSET 0) found\n"
                " WHERE queue.ctid = found.place",
                " WHERE queue.shard = done.shard AND queue.position = done.position",
            ),
        ),
        (
            f"{PLANS}::test_a_plan_reads_by_key[drain/delete_queue-on empty tables]",
            f"{PLANS}::test_a_drain_that_began_on_an_empty_queue_reads_a_backlog_by_key",
        ),
    ),
    Mutant(
        37,
        "the planner's ways as they come",
        (Edit("core/postgres/limits.py", "**limits, **PLANNER, **PROBES", "**limits, **PROBES"),),
        (
            f"{PLANS}::test_a_plan_reads_by_key[drain/lock_wallets-on empty tables]",
            f"{PLANS}::test_a_plan_reads_by_key[transfers/find-on empty tables]",
        ),
    ),
    Mutant(
        37,
        "accept transfers by rows of wallets, which have many versions",
        (
            Edit(
                "core/sql/transfers/insert.sql",
                "FROM wallet_identities WHERE id = s.source",
                "FROM wallets WHERE id = s.source",
            ),
        ),
        (f"{FLOORS}::test_under_a_held_snapshot_no_acceptance_meets_the_old_versions_of_a_wallet[transfers/insert]",),
    ),
    Mutant(
        37,
        "a claim begins at the lowest position",
        (Edit("core/sql/drain/claim_queue.sql", " AND position >= begins.floor", ""),),
        (
            f"{FLOORS}::test_under_a_held_snapshot_no_look_at_the_queue_steps_over_what_was_drained[one shard]",
            f"{FLOORS}::test_under_a_held_snapshot_a_worker_steps_over_what_was_drained_once_at_most",
        ),
    ),
    Mutant(
        37,
        "a floor waits for none of those that may have drawn a smaller position",
        (Edit("worker/ledger/floors.py", "if not self._awaited.isdisjoint(writers):", "if not self._awaited.isdisjoint([]):"),),
        (
            f"{FLOORS}::test_a_transaction_that_drew_its_position_early_is_waited_for",
            f"{FLOORS}::test_a_prepared_transaction_that_drew_its_position_early_is_waited_for",
        ),
    ),
    Mutant(
        37,
        "a floor is raised by what was settled after the claim began",
        (Edit("worker/ledger/floors.py", "begins = self._settled + 1 if", "begins = self.settling.settled + 1 if"),),
        (f"{FLOORS}::test_what_is_settled_during_a_claim_raises_no_floor_by_it",),
    ),
    Mutant(
        38,
        "trailers not counted",
        (Edit("api/http/protocol.py", "self._overhead += len(data) - self._body_size", "self._overhead += 0"),),
        (f"{ENDLESS}::test_a_part_without_an_end_is_cut_off_and_costs_others_nothing[a trailer's value]",),
    ),
    Mutant(
        38,
        "pipelined requests parsed at once",
        (Edit("api/http/protocol.py", "            self.flow.held = True\n", "            pass\n"),),
        (f"{ENDLESS}::test_pipelined_requests_wait_unread_and_cost_others_nothing",),
    ),
    Mutant(
        38,
        "a timer that is set once closes no connection that rests again",
        (Edit("api/http/deadlines.py", "self._timer = self._loop.call_later(left_s, self._look)", "pass"),),
        ("tests/unit/test_deadlines.py::test_a_rest_lasts_its_time_however_long_the_rests_before_it_were",),
    ),
    Mutant(
        38,
        "header fields of an answer are not searched",
        (Edit("api/http/cycle.py", "if written.translate(None, ALLOWED) != LINE_END * len(fields):", "if False:"),),
        ("tests/unit/test_cycle.py::test_a_header_field_that_is_not_valid_is_never_written",),
    ),
    Mutant(
        38,
        "all errors listed",
        (
            Edit(
                "api/http/problems.py",
                '"validation_failed", detail, errors=errors[:ERRORS_MAX]',
                '"validation_failed", detail, errors=errors',
            ),
        ),
        ("tests/http/test_sizes.py::test_at_most_twenty_errors_are_listed_and_all_are_counted[/v1/deposits-21]",),
    ),
    Mutant(
        38,
        "a line for each refusal",
        (Edit("api/http/problems.py", "logger.warning if problem.code in FAULTS else logger.debug", "logger.warning"),),
        ("tests/http/test_quiet.py::test_hundreds_of_bad_requests_of_every_kind_write_no_line_and_are_counted",),
    ),
    Mutant(
        39,
        "`options` alone",
        (
            Edit("core/sql/session/set.sql", "THEN pg_catalog.set_config(name, value, false) END", "THEN NULL END"),
            Edit("core/postgres/session.py", "return setting.name in OPTIONAL or", "return True or"),
        ),
        (f"{SESSIONS}::test_a_session_is_as_it_must_be_whatever_one_default_says",),
    ),
    Mutant(
        39,
        "the encoding that the database says: LATIN1",
        (
            Edit("core/postgres/session.py", '    "client_encoding": "UTF8",\n', ""),
            Edit("core/postgres/startup.py", '{"client_encoding": "UTF8", ', "{"),
        ),
        (f"{SESSIONS}::test_no_default_of_a_database_or_a_role_changes_what_teller_does",),
    ),
    Mutant(
        39,
        "the probe for a shared session is left out",
        (
            Edit("core/postgres/session.py", "if first.earlier_mark:", "if False:"),
            Edit("core/postgres/pool.py", "if row != (one.session.pid, one.session.mark):", "if not row:"),
        ),
        (f"{POOLERS}::test_a_pooler_whose_sessions_are_shared_is_refused_in_words_and_never_answered_500",),
    ),
    Mutant(
        39,
        "any encoding holds the data",
        (Edit("core/postgres/session.py", '    "server_encoding": "UTF8",', ""),),
        (f"{SESSIONS}::test_a_database_in_another_encoding_is_not_migrated_and_not_ready",),
    ),
    Mutant(
        40,
        "let the deliverer make keys",
        (
            Edit(
                "core/sql/admin/grant_rights.sql",
                "GRANT UPDATE (failing_since, status, disabled_reason, disabled_at) ON webhook_endpoints TO {deliverer};\n",
                "GRANT UPDATE (failing_since, status, disabled_reason, disabled_at) ON webhook_endpoints TO {deliverer};\n"
                "GRANT INSERT (id, role, client_id, digest) ON keys TO {deliverer};\n",
            ),
        ),
        (f"{RIGHTS}::test_a_role_may_write_and_read_the_columns_that_are_listed_and_no_others[keys-deliverer]",),
    ),
    Mutant(
        40,
        "let the workers choose an event's moment",
        (Edit("core/sql/admin/grant_rights.sql", "GRANT INSERT (transfer_ids) ON events", "GRANT INSERT ON events"),),
        (
            f"{HOSTILE}::test_what_would_stop_forge_or_take_over_the_ledger_is_refused_to_every_role",
            f"{RIGHTS}::test_a_role_may_write_and_read_the_columns_that_are_listed_and_no_others[events-worker]",
        ),
    ),
    Mutant(
        24,
        "each caller reads the deliveries of all owners",
        (Edit("api/admission/auth.py", "return None if self.sees_all else self.owner", "return None"),),
        (OWN_DELIVERIES,),
    ),
    Mutant(
        24,
        "operators are shown the callback URLs of clients",
        (
            Edit(
                "api/v1/webhooks/deliveries.py",
                "delivery.callback_url if delivery.owner == caller.owner else None",
                "delivery.callback_url",
            ),
        ),
        (OWN_DELIVERIES,),
    ),
    Mutant(
        24,
        "let a viewer move and change what an operator may",
        (Edit("api/callers.py", "if caller.is_viewer and request.method", "if False and request.method"),),
        (
            f"{MATRIX}[POST /v1/deposits]",
            f"{MATRIX}[POST /v1/transfers]",
            f"{MATRIX}[POST /v1/transfers/{{transfer_id}}/reverse]",
        ),
    ),
    Mutant(
        24,
        "take a viewer's preview for a submission",
        (Edit("api/v1/submit.py", "    if previews:\n", "    if previews and not caller.is_viewer:\n"),),
        (
            "tests/http/test_matrix.py::test_a_preview_is_for_the_roles_of_its_verb_and_learns_nothing_else[POST /v1/deposits]",
            "tests/http/test_matrix.py::test_a_preview_is_for_the_roles_of_its_verb_and_learns_nothing_else[POST /v1/transfers]",
        ),
    ),
    Mutant(
        24,
        "show a viewer that a webhook secret exists",
        (Edit("api/v1/webhooks/secrets.py", "    if caller.is_viewer:\n", "    if False:\n"),),
        (f"{MATRIX}[GET /v1/webhook-secret]",),
    ),
    Mutant(
        44,
        "keep no old value of a client that changes",
        (
            Edit(
                "core/admin/migrations/0020_viewers.sql",
                "SELECT wanted, coalesce(max(number), 0) + 1, by_key, was, becomes, why FROM client_changes",
                "SELECT wanted, coalesce(max(number), 0) + 1, by_key, becomes || '{\"x\": 1}', becomes, why FROM client_changes",
            ),
        ),
        (
            "tests/http/test_client_changes.py::test_the_history_keeps_what_was_there_before_and_which_key_asked",
            "tests/integration/test_client_changes.py::test_changes_at_once_are_merged_and_each_is_in_the_history",
        ),
    ),
    Mutant(
        44,
        "change a client by what was there before the wait for its row",
        (
            Edit(
                "core/admin/migrations/0020_viewers.sql",
                "FROM clients WHERE id = wanted FOR UPDATE;",
                "FROM clients WHERE id = wanted;",
            ),
        ),
        ("tests/integration/test_client_changes.py::test_a_change_waits_for_another_one_and_begins_with_what_that_has_left",),
    ),
    Mutant(
        40,
        "let the API make an operator's key",
        (Edit("core/admin/migrations/0011_least_privilege.sql", "IF NEW.role = 'operator'\n", "IF NEW.role = 'root'\n"),),
        (f"{HOSTILE}::test_what_would_stop_forge_or_take_over_the_ledger_is_refused_to_every_role",),
    ),
    Mutant(
        40,
        "let a revoked key be revived",
        (Edit("core/admin/migrations/0011_least_privilege.sql", "IF OLD.revoked_at IS NOT NULL AND", "IF false AND"),),
        (f"{HOSTILE}::test_what_would_stop_forge_or_take_over_the_ledger_is_refused_to_every_role",),
    ),
    Mutant(
        40,
        "let the API store a callback URL of any form",
        (
            Edit(
                "core/admin/migrations/0011_least_privilege.sql",
                "    status <> 'queued'\n    OR callback_url ~",
                "    true\n    OR callback_url ~",
            ),
        ),
        (f"{HOSTILE}::test_what_would_stop_forge_or_take_over_the_ledger_is_refused_to_every_role",),
    ),
    Mutant(
        40,
        "leave stray places in the queue where they are",
        (Edit("core/admin/heal.py", 'if strays := run(owner, "heal/queue"):', 'if strays := 0 * len("heal/queue"):'),),
        ("tests/integration/test_heal.py::test_what_an_owners_statement_broke_is_mended_by_the_next_migration",),
    ),
    Mutant(
        40,
        "tell every container the operator's key",
        (Edit("docker-compose.yml", "x-redis: &redis\n", "x-redis: &redis\n  TELLER_OPERATOR_KEY: ${TELLER_OPERATOR_KEY:-}\n"),),
        ("tests/unit/test_compose.py::test_each_container_is_given_the_secrets_that_it_uses_and_no_others",),
    ),
    Mutant(
        42,
        "compare no wallet with the checkpoint",
        (Edit("core/admin/since.py", "if found.get(key) != then.get(key)]", "if found.get(key) != then.get(key) and False]"),),
        (
            f"{TAMPERED}[a transfer invented, with an event before all others]",
            f"{HISTORY}::test_an_invented_transfer_that_the_audit_calls_clean_is_seen_against_a_checkpoint",
        ),
    ),
    Mutant(
        42,
        "take heads as they are now, with what came later",
        (Edit("core/sql/history/digest_heads.sql", "WHERE moment >= %(before)s", "WHERE moment >= %(before)s AND false"),),
        (f"{HISTORY}::test_all_verbs_after_a_checkpoint_are_clean_and_change_nothing_before_it",),
    ),
    Mutant(
        42,
        "end a checkpoint at the last visible event",
        (Edit("core/sql/history/find_last_event.sql", "WHERE moment < (SELECT feed_horizon())", "WHERE true"),),
        (
            f"{HISTORY}::test_what_becomes_visible_after_the_snapshot_is_new_and_no_change",
            f"{HISTORY}::test_versions_that_are_not_in_the_order_of_moments_are_no_change",
        ),
    ),
    Mutant(
        42,
        "leave entries out of the digest",
        (Edit("core/sql/history/digest_segment.sql", "t.metadata, e.records)", "t.metadata)"),),
        (f"{TAMPERED}[an entry changed, with all sums of the wallets as before]",),
    ),
    Mutant(
        42,
        "leave the transfer out of the digest",
        (Edit("core/sql/history/digest_segment.sql", "t.record, t.metadata,", "t.metadata,"),),
        (f"{TAMPERED}[an old transfer's reference changed]", f"{TAMPERED}[a rejected transfer's reason changed]"),
    ),
    Mutant(
        42,
        "leave metadata out of the digest",
        (Edit("core/sql/history/digest_segment.sql", "t.record, t.metadata,", "t.record,"),),
        (f"{TAMPERED}[an old transfer's metadata given a null]",),
    ),
    Mutant(
        42,
        "digest what children take of a transfer",
        (Edit("core/sql/history/digest_segment.sql", "'{metadata,captured,returned,unreversed}'", "'{metadata}'"),),
        (f"{HISTORY}::test_all_verbs_after_a_checkpoint_are_clean_and_change_nothing_before_it",),
    ),
    Mutant(
        42,
        "do not look whether the feed was cut off",
        (
            Edit(
                "core/sql/since/places.sql", "WHERE NOT EXISTS (SELECT FROM events WHERE moment = wanted.moment)\n", "WHERE false\n"
            ),
        ),
        (f"{HISTORY}::test_a_feed_that_was_cut_off_loses_the_ends_of_its_segments",),
    ),
    Mutant(
        42,
        "accept any date behind a checkpoint",
        (Edit("core/sql/since/dates.sql", "< %(since)s::timestamptz", "< %(since)s::timestamptz AND false"),),
        (
            f"{TAMPERED}[a transfer invented behind the checkpoint's last event, and dated before it]",
            f"{LATER_TAMPERED}[an entry dated before the checkpoint]",
        ),
    ),
    Mutant(
        42,
        "do not compare a wallet with its newest entry",
        (Edit("core/sql/since/heads.sql", "WHERE (w.version, w.balance) <>", "WHERE false AND (w.version, w.balance) <>"),),
        (f"{TAMPERED}[an entry added to an old transfer, without the wallet]",),
    ),
    Mutant(
        42,
        "accept new movements whatever their entries sum to",
        (Edit("core/sql/since/movements.sql", "e.amount = 0 AND e.credits = coalesce(t.moved, t.amount)", "true"),),
        (f"{LATER_TAMPERED}[an amount changed]",),
    ),
    Mutant(
        42,
        "accept new entries that follow none",
        (Edit("core/sql/since/chain.sql", "ELSE (earlier.balance_after", "ELSE false AND (earlier.balance_after"),),
        (f"{LATER_TAMPERED}[the entry before it removed]",),
    ),
    Mutant(
        42,
        "accept a new event of any transfer",
        (Edit("core/sql/since/events.sql", "IS NOT TRUE", "IS NULL AND false"),),
        (f"{LATER_TAMPERED}[a transfer that is gone]",),
    ),
    Mutant(
        42,
        "continue a checkpoint whatever the audit finds",
        (Edit("core/admin/checkpoint.py", "if report and not report.clean:", "if report and not report.counts:"),),
        (f"{HISTORY}::test_a_checkpoint_continues_no_damaged_history",),
    ),
    Mutant(
        42,
        "read a file whose content was changed",
        (Edit("core/admin/checkpoint_file.py", "    check_digest(file, checkpoint, digest)\n", ""),),
        (f"{HISTORY}::test_a_file_that_was_changed_is_refused",),
    ),
    Mutant(
        42,
        "accept any signature",
        (Edit("core/admin/checkpoint_file.py", "    check_signature(file, digest, signature, key)\n", ""),),
        (f"{HISTORY}::test_a_file_whose_digest_was_made_to_fit_is_refused_where_there_is_a_key",),
    ),
    Mutant(
        43,
        "match by reference alone",
        (
            Edit(
                "core/admin/reconcile.py",
                "count(*) OVER (PARTITION BY reference, currency, amount, rank)",
                "count(*) OVER (PARTITION BY reference, rank)",
            ),
        ),
        (f"{RECONCILE}::test_each_row_is_matched_missing_or_differing",),
    ),
    Mutant(
        43,
        "match a reference however often it stands on one side",
        (
            Edit(
                "core/admin/reconcile.py",
                "PARTITION BY reference, currency, amount, rank)",
                "PARTITION BY reference, currency, amount)",
            ),
        ),
        (f"{RECONCILE}::test_a_reference_that_stands_several_times_pairs_off_equal_amounts_first",),
    ),
    Mutant(
        43,
        "put a booking at the end of a month into both months",
        (Edit("core/sql/reconcile/list_movements.sql", "version < cut.past", "version <= cut.past"),),
        (f"{RECONCILE}::test_types_and_times_choose_what_is_compared",),
    ),
    Mutant(
        6,
        "let the SDK make a new key for each attempt",
        (
            Edit(
                "sdk/python/src/teller_client/_sync/http.py",
                'headers["Idempotency-Key"] = request.key\n',
                'headers["Idempotency-Key"] = request.key + request_id\n',
            ),
        ),
        (f"{BAD_NETWORK}[python]",),
    ),
    Mutant(
        6,
        "let the SDK take a lost answer for a refusal",
        (
            Edit(
                "sdk/python/src/teller_client/_sync/http.py",
                "if unknown and not request.changes_nothing:",
                "if unknown and request.changes_nothing:",
            ),
        ),
        ("tests/sdk/test_client.py::test_an_unknown_outcome_says_what_to_do",),
    ),
    Mutant(
        6,
        "let the SDK take any signature of a webhook",
        (
            Edit(
                "sdk/python/src/teller_client/webhooks.py",
                'return version == "v1" and hmac.compare_digest(',
                "return bool(version) or hmac.compare_digest(",
            ),
        ),
        ("tests/sdk/test_client.py::test_a_forged_webhook_is_refused",),
    ),
    Mutant(
        6,
        "let the TypeScript SDK make a new key for each attempt",
        (
            Edit(
                "sdk/typescript/src/http.ts",
                'headers.set("X-Request-Id", requestId);',
                'headers.set("X-Request-Id", requestId);\n    headers.set("Idempotency-Key", requestId);',
            ),
        ),
        (f"{BAD_NETWORK}[typescript]",),
    ),
    Mutant(
        6,
        "let the TypeScript SDK take a lost answer for a refusal",
        (Edit("sdk/typescript/src/http.ts", "mayBeServed: again && !isRefusal };", "mayBeServed: again && isRefusal };"),),
        (f"{SDK_CASES}[typescript-retries: a revoked key after a lost answer does not say that nothing was stored]",),
    ),
    Mutant(
        39,
        "let migrate go on with a database of a newer version",
        (Edit("core/admin/migrate.py", "    refuse_newer(connection)\n", ""),),
        ("tests/integration/test_migrate.py::test_a_database_of_a_newer_version_is_refused_at_once_and_nothing_is_changed",),
    ),
    Mutant(
        39,
        "let a process show counters that others count",
        (Edit("core/exposition.py", "if metric.name in self._names or metric.name.startswith(OF_ALL):", "if metric.name:"),),
        ("tests/http/test_metrics.py::test_a_worker_shows_what_it_counts_and_nothing_else[apply]",),
    ),
    Mutant(
        6,
        "let the TypeScript SDK take any signature of a webhook",
        (
            Edit(
                "sdk/typescript/src/webhooks.ts",
                'await crypto.subtle.verify("HMAC", key, signature, signed))',
                'await crypto.subtle.verify("HMAC", key, signature, signed)) !== undefined',
            ),
        ),
        (f"{SDK_CASES}[typescript-webhooks: another secret does not verify]",),
    ),
    Mutant(
        6,
        "let the console send a form with another key each time",
        (Edit("console/actions/forms.py", 'key = form.get("key", "")\n', "key = new_key()\n"),),
        (f"{CONSOLE}::test_a_form_that_is_sent_twice_is_done_once",),
    ),
    Mutant(
        6,
        "let the console do what a person only wants to be told of",
        (Edit("console/actions/forms.py", "(PREVIEW in form or not asked.was_forecast)", "(not asked.was_forecast)"),),
        (f"{CONSOLE}::test_a_form_shows_what_would_happen_and_nothing_happens",),
    ),
    Mutant(
        6,
        "let the console move an amount that it has not shown in words",
        (Edit("console/actions/forms.py", "(PREVIEW in form or not asked.was_forecast)", "(PREVIEW in form)"),),
        (f"{CONSOLE}::test_no_amount_is_moved_that_was_not_shown",),
    ),
    Mutant(
        24,
        "let the API tell its secrets among its settings",
        (Edit("api/operations/in_force.py", "field.alias not in SECRETS and any(", "any("),),
        ("tests/http/test_ops.py::test_the_settings_are_those_of_the_process_without_a_secret",),
    ),
    Mutant(
        24,
        "let the console take a form that it has not shown",
        (Edit("console/visit.py", 'if not same_token(form.get("csrf", ""), visit.login.csrf):', 'if not form.get("csrf", ""):'),),
        (f"{CONSOLE}::test_only_a_form_of_the_console_changes_something",),
    ),
    Mutant(
        24,
        "let the console show callers' texts as HTML",
        (Edit("console/app.py", "autoescape=True", "autoescape=False"),),
        (f"{CONSOLE}::test_callers_texts_stay_texts",),
    ),
    Mutant(
        6,
        "let teller send another key than it has printed",
        (
            Edit(
                "cli/money.py",
                "api.teller.submit(movement.path, key=key, ",
                "api.teller.submit(movement.path, key=key_of(PAYMENT_DEFAULTS), ",
            ),
        ),
        (f"{TELLER_MONEY}::test_the_key_is_printed_before_the_call_and_repeats_it",),
    ),
    Mutant(
        6,
        "let teller say of a lost answer that nothing was changed",
        (Edit("cli/refusals.py", "return Described(unknown(error.key), UNKNOWN)", "return Described(unknown(error.key), CANNOT)"),),
        (f"{TELLER_MONEY}::test_a_lost_answer_ends_with_4_and_the_same_key_pays_once",),
    ),
    Mutant(
        6,
        "let teller move money in a script that has not said --yes",
        (Edit("cli/confirm.py", "if not sys.stdin.isatty():", "if sys.stdin.isatty():"),),
        (f"{TELLER_MONEY}::test_without_a_terminal_nothing_moves_unless_yes_is_said",),
    ),
    Mutant(
        2,
        "let teller take an amount with more decimals than its currency has",
        (Edit("cli/amounts.py", "len(decimals) > minor_unit", "len(decimals) > 16"),),
        (f"{TELLER_MONEY}::test_a_wrong_amount_is_refused_before_anything_is_sent[1.001]",),
    ),
    Mutant(
        24,
        "let teller send a login's key to another address",
        (Edit("cli/profiles.py", "(one.url is None or same(one.url, place.url))", "True"),),
        ("tests/cli/test_settings.py::test_a_logins_key_is_not_sent_to_another_address",),
    ),
    Mutant(
        24,
        "let teller print marks of direction that a caller has put into a name",
        (Edit("cli/safe.py", '{"Cc", "Cf", ', '{"Cc", '),),
        ("tests/cli/test_terminal.py::test_what_could_do_more_than_be_seen_is_escaped",),
    ),
)
