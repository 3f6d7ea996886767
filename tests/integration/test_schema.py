"""The schema refuses nonsense, also from its owner."""

import re
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from core.admin.migrate import MIGRATIONS
from core.ids import external_wallet
from core.ledger.refusals import Refusal
from core.postgres.faults import is_transient
from tests.unit.test_callback_url import GOOD
from tests.world import World, deposit, new_client

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
SECRET = "whsec_" + "s" * 32

# A row of each table that is accepted; each case below spoils it.
ROWS: dict[str, dict[str, Any]] = {
    "migrations": {"name": "0000_tried", "checksum": "a" * 64},
    "clients": {"id": A, "name": "Ada", "external_id": "e", "metadata": "{}", "idempotency_key": "k", "fingerprint": b"f" * 32},
    "wallets": {"id": A, "client_id": B, "kind": "client", "currency": "USD", "idempotency_key": "k", "fingerprint": b"f" * 32},
    "currencies": {"code": "QQQ", "number": 123, "minor_unit": 2},
    "transfers": {
        "id": A,
        "type": "transfer",
        "source": B,
        "destination": C,
        "amount": 1,
        "currency": "USD",
        "metadata": "{}",
        "owner": "operator",
        "idempotency_key": "k",
        "fingerprint": b"f" * 32,
        "shard": 0,
    },
    "parties": {"wallet_id": A, "transfer_id": B},
    "wallet_identities": {"id": A, "kind": "client", "currency": "USD"},
    "queue": {"shard": 0, "transfer_id": A},
    "due": {"wallet_id": A, "transfer_id": B, "shard": 0, "due_at": "now"},
    "entries": {"wallet_id": A, "version": 1, "transfer_id": B, "amount": 1, "balance_after": 1},
    "running_totals": {"wallet_id": A, "version": 64, "credits": 1, "latest": "now"},
    "events": {"moment": 1, "transfer_ids": [A, B]},
    "feed": {"shift": 0},
    "webhook_endpoints": {
        "id": A,
        "owner": "cli_",
        "wallet_id": B,
        "url": "https://example.com",
        "events": ["transfer.applied"],
        "secret": SECRET,
    },
    "webhook_secrets": {"owner": "cli_", "secret": SECRET},
    "deliveries": {"id": A, "owner": "cli_", "receiver": str(B), "transfer_id": A, "endpoint_id": B, "shard": 0},
    "delivery_attempts": {"delivery_id": A, "number": 1, "started_at": "now", "duration_ms": 0, "status_code": 204},
    "fan_outs": {"audience": "parties", "moment": 7},
    "receivers": {"owner": "cli_", "receiver": "example.com"},
    "delivery_bounds": {"name": "parties", "value": 1},
    "endpoint_events": {"id": A, "owner": "cli_", "endpoint_id": B, "endpoint": "{}"},
    "shards": {"shard": 99},
    "keys": {"id": A, "role": "operator", "digest": b"d" * 32},
    "wallet_changes": {"wallet_id": A, "number": 1, "before": "{}", "after": '{"frozen": "all"}', "reason": "r"},
    "client_changes": {"client_id": A, "number": 1, "before": "{}", "after": '{"name": "Ada"}', "reason": "r"},
    "audits": {"began_at": "now", "broken": "{}", "transfers": 1, "entries": 2, "wallets": 3},
}

HOLD = {"type": "hold", "expires_at": "tomorrow"}
CHILD = {"type": "reversal", "parent": A}
CLOSURE = {"type": "closure", "amount": 0}
GUARD = {"guard": [0, 0]}
COUNTED = {**GUARD, "counted_since": "now", "counted_day": "today", "debits_today": 0, "debits_this_month": 0}
SPLIT: dict[str, Any] = {"amount": 3, "wallet_ids": [B, C, A], "amounts": [-3, 2, 1]}
MOVED: dict[str, Any] = {**SPLIT, "status": "applied", "finished_at": "now", "moment": 1, "ordinal": 1, "moved": 3, "unreversed": 3}
MANY = [B, C, *(UUID(int=100 + number) for number in range(31))]
LONG_AGO = "1969-12-31Z"
DISABLED = {"status": "disabled", "disabled_reason": "gone"}
ALLOWED_PRIVATE = ["http://localhost:1/", "http://127.0.0.1:65535/?x", "https://[0000:0000:0000:0000:0000:ffff:127.127.127.127]/"]
FINAL = {"status": "applied", "finished_at": "now", "moment": 1, "ordinal": 1}
REJECTED = {**FINAL, "status": "rejected", "failure_code": "insufficient_funds"}

NONSENSE: list[tuple[str, str, dict[str, Any]]] = [
    ("migrations", "migrations_checksum_is_sha256", {"checksum": "A" * 64}),
    ("migrations", "migrations_checksum_is_sha256", {"checksum": "a" * 63}),
    ("migrations", "migrations_serves_from_is_earlier", {"serves_from": "9999_later"}),
    ("clients", "name_length", {"name": ""}),
    ("clients", "name_length", {"name": "n" * 201}),
    ("clients", "external_id_length", {"external_id": ""}),
    ("clients", "external_id_length", {"external_id": "e" * 101}),
    ("clients", "metadata_is_object", {"metadata": "[]"}),
    ("clients", "idempotency_key_length", {"idempotency_key": ""}),
    ("clients", "idempotency_key_length", {"idempotency_key": "k" * 256}),
    ("clients", "fingerprint_with_key", {"fingerprint": None}),
    ("clients", "fingerprint_with_key", {"idempotency_key": None}),
    ("wallets", "known_kind", {"kind": "savings", "client_id": None}),
    ("wallets", "currency_length", {"currency": "US"}),
    ("wallets", "idempotency_key_length", {"idempotency_key": ""}),
    ("wallets", "idempotency_key_length", {"idempotency_key": "k" * 256}),
    ("wallets", "fingerprint_with_key", {"fingerprint": None}),
    ("wallets", "fingerprint_with_key", {"idempotency_key": None}),
    ("currencies", "code_form", {"code": "usd"}),
    ("currencies", "number_within_limits", {"number": 1000}),
    ("currencies", "minor_unit_within_limits", {"minor_unit": -1}),
    ("wallets", "version_not_negative", {"version": -1}),
    ("wallets", "known_status", {"status": "frozen"}),
    ("wallets", "owned_by_client", {"client_id": None}),
    ("wallets", "owned_by_client", {"kind": "external"}),
    ("wallets", "balance_not_negative", {"balance": -1, "version": 1}),
    ("wallets", "balance_within_limit", {"balance": 2**53, "version": 1}),
    ("wallets", "balance_not_below_limit", {"kind": "external", "client_id": None, "balance": -(2**53), "version": 1}),
    ("wallets", "version_within_limit", {"version": 2**53}),
    ("wallets", "moved_only_by_entries", {"balance": 1}),
    ("wallets", "held_in_limits", {"held": -1}),
    ("wallets", "held_in_limits", {"held": 2**53, "balance": 2**53 - 1, "version": 1}),
    ("wallets", "held_in_limits", {"held": 1, "kind": "external", "client_id": None}),
    ("wallets", "is_empty_when_closed", {"status": "closed", "guard": [1, 0], "balance": 1, "version": 1}),
    ("wallets", "rules_are_guarded", {"status": "closed"}),
    ("wallets", "rules_are_guarded", {"frozen": "all"}),
    ("wallets", "rules_are_guarded", {"debit_max": 1}),
    ("wallets", "rules_are_guarded", {**COUNTED, "guard": None}),
    ("wallets", "rules_of_clients", {**GUARD, "kind": "external", "client_id": None}),
    ("wallets", "rules_of_clients", {**GUARD, "frozen": "none"}),
    ("wallets", "rules_within_limits", {**COUNTED, "balance_max": 0}),
    ("wallets", "rules_within_limits", {**COUNTED, "debit_max": 2**53}),
    ("wallets", "rules_within_limits", {**COUNTED, "debits_per_day_max": -1}),
    ("wallets", "rules_within_limits", {**COUNTED, "debits_per_month_max": 2**53}),
    ("wallets", "rules_are_counted", {**GUARD, "debit_max": 1}),
    ("wallets", "rules_are_counted", {**COUNTED, "counted_day": None}),
    ("wallets", "rules_are_counted", {**COUNTED, "debits_today": 1}),
    ("wallets", "rules_are_counted", {**COUNTED, "debits_today": -1}),
    ("wallets", "rules_are_counted", {**COUNTED, "debits_this_month": 2**53}),
    ("transfers", "figures_of_a_rejection", {"available": 0, "needed": 1}),
    ("transfers", "figures_of_a_rejection", {**REJECTED, "available": 1}),
    ("transfers", "figures_of_a_rejection", {**REJECTED, "needed": 1}),
    ("transfers", "figures_of_a_rejection", {**REJECTED, "available": 1, "needed": 1}),
    ("transfers", "figures_of_a_rejection", {**REJECTED, "available": -1, "needed": 1}),
    ("transfers", "figures_of_a_rejection", {**REJECTED, "available": 1, "needed": 2**53}),
    ("transfers", "submitted_by_length", {"submitted_by": ""}),
    ("transfers", "submitted_by_length", {"submitted_by": "k" * 31}),
    ("transfers", "closes_as_plain", {**CLOSURE, "fit": "funds"}),
    ("transfers", "closes_as_plain", {**CLOSURE, "apply_within_s": 1}),
    ("transfers", "closes_as_plain", {"sweeps": True}),
    ("transfers", "counted_when_applied", {"counted_on": "today"}),
    ("transfers", "counted_when_applied", {**FINAL, **CLOSURE, "moved": 0, "counted_on": "today"}),
    ("wallet_changes", "number_positive", {"number": 0}),
    ("wallet_changes", "reason_length", {"reason": ""}),
    ("wallet_changes", "reason_length", {"reason": "r" * 201}),
    ("wallet_changes", "something_changed", {"after": "{}"}),
    ("client_changes", "number_positive", {"number": 0}),
    ("client_changes", "reason_length", {"reason": ""}),
    ("client_changes", "reason_length", {"reason": "r" * 201}),
    ("client_changes", "something_changed", {"after": "{}"}),
    ("audits", "times_have_four_digits", {"began_at": "infinity"}),
    ("audits", "broken_has_counts", {"broken": "[]"}),
    ("audits", "broken_has_counts", {"broken": '{"queue": "1"}'}),
    ("audits", "transfers_in_limits", {"transfers": -1}),
    ("audits", "transfers_in_limits", {"transfers": 2**53}),
    ("audits", "entries_in_limits", {"entries": -1}),
    ("audits", "entries_in_limits", {"entries": 2**53}),
    ("audits", "wallets_in_limits", {"wallets": -1}),
    ("audits", "wallets_in_limits", {"wallets": 2**53}),
    ("transfers", "parent_iff_child", {"parent": A}),
    ("transfers", "parent_iff_child", {"type": "capture"}),
    ("transfers", "known_fit", {"fit": "most"}),
    ("transfers", "known_fit", {"fit": "rest"}),
    ("transfers", "known_fit", {"fit": "rest_and_funds"}),
    ("transfers", "closes_a_hold", {**CHILD, "closes": True}),
    ("transfers", "expires_iff_hold", {"type": "hold"}),
    ("transfers", "expires_iff_hold", {"expires_at": "tomorrow"}),
    ("transfers", "apply_within_limits", {"apply_within_s": 0}),
    ("transfers", "apply_within_limits", {"apply_within_s": 86_401}),
    ("transfers", "apply_by_iff_within", {"apply_by": "tomorrow"}),
    ("transfers", "moved_within_amount", {"moved": -1}),
    ("transfers", "moved_within_amount", {"moved": 2}),
    ("transfers", "remainder_within_amount", {**HOLD, "captured": 1, "returned": 1}),
    ("transfers", "remainder_within_amount", {**HOLD, "captured": -1}),
    ("transfers", "remainder_within_amount", {"returned": -1}),
    ("transfers", "remainder_within_amount", {"captured": 1}),
    ("transfers", "remainder_within_amount", {"returned": 1, "moved": 0}),
    ("transfers", "appointments_have_four_digits", {"scheduled_for": "infinity"}),
    ("transfers", "appointments_have_four_digits", {**HOLD, "expires_at": "10000-01-01Z"}),
    ("transfers", "appointments_have_four_digits", {"apply_within_s": 1, "apply_by": LONG_AGO}),
    ("transfers", "lines_are_whole", {"wallet_ids": [B, C, A]}),
    ("transfers", "lines_are_whole", {"amounts": [-1, 1]}),
    ("transfers", "lines_are_whole", {"unreversed": 0}),
    ("transfers", "lines_are_whole", {**SPLIT, **HOLD}),
    ("transfers", "lines_are_whole", {**SPLIT, "fit": "funds"}),
    ("transfers", "lines_are_whole", {**SPLIT, "amount": 2}),
    ("transfers", "lines_are_whole", {**SPLIT, "amounts": [-3, 2, 2]}),
    ("transfers", "lines_are_whole", {**SPLIT, "amounts": [-3, 3, 0]}),
    ("transfers", "lines_are_whole", {**SPLIT, "amounts": [-3, 3, None]}),
    ("transfers", "lines_are_whole", {**SPLIT, "amounts": [-3, 3]}),
    ("transfers", "lines_are_whole", {**SPLIT, "wallet_ids": [B, C, C]}),
    ("transfers", "lines_are_whole", {**SPLIT, "wallet_ids": [B, C, None]}),
    ("transfers", "lines_are_whole", {**SPLIT, "source": A}),
    ("transfers", "lines_are_whole", {**SPLIT, "destination": A}),
    ("transfers", "lines_are_whole", {**SPLIT, "amounts": [-2, 3, -1]}),
    ("transfers", "lines_are_whole", {"amount": 31, "wallet_ids": MANY[:33], "amounts": [-31, *[1] * 31, 0]}),
    ("transfers", "lines_are_whole", {"amount": 32, "wallet_ids": MANY[:33], "amounts": [-32, *[1] * 32]}),
    ("transfers", "lines_are_whole", {"wallet_ids": [], "amounts": []}),
    ("transfers", "unreversed_within_limits", {**SPLIT, "unreversed": -1}),
    ("transfers", "unreversed_within_limits", {**SPLIT, "unreversed": 2**53}),
    ("transfers", "lines_are_reversed_whole", {**MOVED, "returned": 1, "unreversed": 2}),
    ("due", "known_verb", {"verb": "capture"}),
    ("due", "shard_not_negative", {"shard": -1}),
    ("due", "due_since_1970", {"due_at": LONG_AGO}),
    ("transfers", "known_type", {"type": "gift"}),
    ("transfers", "known_status", {"status": "lost", "finished_at": "now"}),
    ("transfers", "known_failure_code", {"status": "rejected", "finished_at": "now", "failure_code": "mood"}),
    ("transfers", "amount_within_limits", {"amount": 0}),
    ("transfers", "amount_within_limits", {"type": "closure"}),
    ("transfers", "amount_within_limits", {"amount": -1}),
    ("transfers", "amount_within_limits", {"amount": 2**53}),
    ("transfers", "currency_length", {"currency": "dollar"}),
    ("transfers", "reference_length", {"reference": "r" * 201}),
    ("transfers", "metadata_is_object", {"metadata": '"text"'}),
    ("transfers", "owner_length", {"owner": ""}),
    ("transfers", "owner_length", {"owner": "o" * 31}),
    ("transfers", "idempotency_key_length", {"idempotency_key": ""}),
    ("transfers", "idempotency_key_length", {"idempotency_key": "k" * 256}),
    ("transfers", "fingerprint_is_sha256", {"fingerprint": b"f" * 31}),
    ("transfers", "shard_not_negative", {"shard": -1}),
    ("transfers", "two_wallets", {"destination": B}),
    ("transfers", "finished_at_iff_final", {"status": "applied"}),
    ("transfers", "finished_at_iff_final", {"finished_at": "now"}),
    ("transfers", "finished_not_before_created", {**FINAL, "created_at": "tomorrow"}),
    ("transfers", "failure_iff_rejected", {"status": "rejected", "finished_at": "now"}),
    ("transfers", "failure_iff_rejected", {**FINAL, "failure_code": "internal"}),
    ("transfers", "failure_iff_rejected", {"failure_code": "internal"}),
    ("transfers", "place_iff_final", {**FINAL, "moment": None}),
    ("transfers", "place_iff_final", {**FINAL, "ordinal": None}),
    ("transfers", "place_iff_final", {"moment": 1, "ordinal": 1}),
    ("entries", "version_positive", {"version": 0}),
    ("entries", "version_within_limit", {"version": 2**53}),
    ("entries", "amount_within_limits", {"amount": -(2**53)}),
    ("entries", "amount_within_limits", {"amount": 2**53}),
    ("entries", "balance_after_within_limits", {"balance_after": -(2**53)}),
    ("entries", "balance_after_within_limits", {"balance_after": 2**53}),
    ("entries", "amount_not_zero", {"amount": 0}),
    ("running_totals", "version_of_a_total", {"version": 63}),
    ("running_totals", "version_of_a_total", {"version": 0}),
    ("running_totals", "version_of_a_total", {"version": 2**53}),
    ("running_totals", "credits_in_limits", {"credits": -1}),
    ("running_totals", "credits_in_limits", {"credits": "NaN"}),
    ("running_totals", "times_have_four_digits", {"latest": "infinity"}),
    ("running_totals", "times_have_four_digits", {"latest": LONG_AGO}),
    ("events", "some_transfers", {"transfer_ids": []}),
    ("transfers", "callback_url_length", {**FINAL, "callback_url": ""}),
    ("transfers", "callback_url_length", {"callback_url": "https://example.com/" + "u" * 2029}),
    ("transfers", "callback_url_form", {"callback_url": "x"}),
    ("transfers", "callback_url_form", {"callback_url": "https:///x"}),
    ("transfers", "callback_url_form", {"callback_url": "https://" + "h" * 261}),
    ("webhook_endpoints", "owner_length", {"owner": ""}),
    ("webhook_endpoints", "url_length", {"url": ""}),
    ("webhook_endpoints", "url_length", {"url": "u" * 2049}),
    ("webhook_endpoints", "known_events", {"events": []}),
    ("webhook_endpoints", "known_events", {"events": ["transfer.lost"]}),
    ("webhook_endpoints", "description_length", {"description": "d" * 201}),
    ("webhook_endpoints", "known_status", {"status": "asleep"}),
    ("webhook_endpoints", "secret_form", {"secret": "whsec_" + "s" * 31}),
    ("webhook_endpoints", "secret_form", {"secret": "whsec_" + "s" * 89}),
    ("webhook_endpoints", "old_secret_form", {"old_secret": "sec_" + "s" * 32, "old_secret_expires_at": "now"}),
    ("webhook_endpoints", "old_secret_expires", {"old_secret": SECRET}),
    ("webhook_endpoints", "old_secret_expires", {"old_secret_expires_at": "now"}),
    ("webhook_endpoints", "wallet_iff_client", {"owner": "operator"}),
    ("webhook_endpoints", "wallet_iff_client", {"wallet_id": None}),
    ("webhook_secrets", "owner_length", {"owner": ""}),
    ("webhook_secrets", "secret_form", {"secret": "whsec_" + "s" * 89}),
    ("webhook_secrets", "old_secret_form", {"old_secret": SECRET + "\n", "old_secret_expires_at": "now"}),
    ("webhook_secrets", "old_secret_expires", {"old_secret": SECRET}),
    ("webhook_endpoints", "known_disabled_reason", {"status": "disabled", "disabled_at": "now", "disabled_reason": "bored"}),
    ("webhook_endpoints", "disabled_for_a_reason", {"status": "disabled", "disabled_at": "now"}),
    ("webhook_endpoints", "disabled_for_a_reason", {"status": "disabled", "disabled_reason": "gone"}),
    ("webhook_endpoints", "disabled_for_a_reason", {"disabled_at": "now", "disabled_reason": "gone"}),
    ("deliveries", "owner_length", {"owner": ""}),
    ("deliveries", "receiver_length", {"receiver": "", "endpoint_id": None}),
    ("deliveries", "endpoint_is_receiver", {"receiver": str(A)}),
    ("deliveries", "failures_not_negative", {"failures": -1}),
    ("deliveries", "shard_not_negative", {"shard": -1}),
    ("deliveries", "known_status", {"status": "lost", "next_attempt_at": None, "finished_at": "now"}),
    ("deliveries", "attempts_not_negative", {"attempts": -1}),
    ("deliveries", "pending_has_next", {"next_attempt_at": None}),
    ("deliveries", "pending_has_next", {"status": "delivered", "finished_at": "now"}),
    ("deliveries", "finished_iff_not_pending", {"finished_at": "now"}),
    ("deliveries", "finished_iff_not_pending", {"status": "failed", "next_attempt_at": None}),
    ("delivery_attempts", "number_positive", {"number": 0}),
    ("delivery_attempts", "duration_not_negative", {"duration_ms": -1}),
    ("delivery_attempts", "status_code_is_http", {"status_code": 99}),
    ("delivery_attempts", "error_length", {"status_code": None, "error": ""}),
    ("delivery_attempts", "answered_or_failed", {"error": "no answer"}),
    ("delivery_attempts", "answered_or_failed", {"status_code": None}),
    ("fan_outs", "known_audience", {"audience": "all"}),
    ("fan_outs", "after_ordinal_not_negative", {"after_ordinal": -1}),
    ("receivers", "owner_length", {"owner": ""}),
    ("receivers", "receiver_length", {"receiver": ""}),
    ("delivery_bounds", "known_name", {"name": "other"}),
    ("endpoint_events", "owner_length", {"owner": ""}),
    ("endpoint_events", "endpoint_is_object", {"endpoint": "[]"}),
    ("shards", "shard_not_negative", {"shard": -1}),
    ("shards", "floor_not_negative", {"floor": -1}),
    ("transfers", "finished_at_has_four_digits", {**FINAL, "finished_at": "infinity"}),
    ("transfers", "finished_at_has_four_digits", {**FINAL, "finished_at": "294276-01-01Z"}),
    ("events", "moment_within_reach", {"moment": 2**61}),
    ("events", "moment_within_reach", {"moment": 2**63 - 1}),
    ("deliveries", "times_have_four_digits", {"next_attempt_at": "infinity"}),
    ("deliveries", "times_have_four_digits", {"status": "failed", "next_attempt_at": None, "finished_at": "-infinity"}),
    ("delivery_attempts", "started_at_has_four_digits", {"started_at": "10000-01-01Z"}),
    ("webhook_endpoints", "times_have_four_digits", {"failing_since": "infinity"}),
    ("webhook_endpoints", "times_have_four_digits", {"disabled_at": "infinity", **DISABLED}),
    ("webhook_endpoints", "times_have_four_digits", {"old_secret": SECRET, "old_secret_expires_at": "infinity"}),
    ("webhook_secrets", "times_have_four_digits", {"created_at": "-infinity"}),
    ("webhook_secrets", "times_have_four_digits", {"old_secret": SECRET, "old_secret_expires_at": "infinity"}),
    ("keys", "known_role", {"role": "root"}),
    ("keys", "name_length", {"name": ""}),
    ("keys", "name_length", {"name": "n" * 101}),
    ("keys", "digest_is_sha256", {"digest": b"d" * 33}),
    ("keys", "bound_to_client", {"client_id": B}),
    ("keys", "bound_to_client", {"role": "client"}),
    ("keys", "bound_to_client", {"role": "viewer", "client_id": B}),
]

# What is kept beside a row of ROWS, and what it differs in from that.
DUPLICATES: list[tuple[str, str, dict[str, Any]]] = [
    ("clients", "clients_pkey", {"external_id": "other", "idempotency_key": "other"}),
    ("clients", "clients_external_id_key", {"id": B, "idempotency_key": "other"}),
    ("clients", "clients_idempotency_key_key", {"id": B, "external_id": "other"}),
    ("wallets", "wallets_pkey", {"client_id": C, "idempotency_key": "other"}),
    ("wallets", "wallets_client_currency", {"id": C, "idempotency_key": "other"}),
    ("wallets", "wallets_idempotency_key", {"id": C, "client_id": C}),
    ("currencies", "currencies_pkey", {"number": 124}),
    ("currencies", "currencies_number", {"code": "QQR"}),
    ("transfers", "transfers_pkey", {"idempotency_key": "other"}),
    ("transfers", "transfers_owner_key", {"id": B}),
    ("entries", "entries_pkey", {"transfer_id": C}),
    ("entries", "entries_transfer", {"version": 2}),
    ("running_totals", "running_totals_pkey", {"credits": 2}),
    ("events", "events_pkey", {"transfer_ids": [C]}),
    ("webhook_endpoints", "webhook_endpoints_pkey", {}),
    ("webhook_secrets", "webhook_secrets_pkey", {}),
    ("deliveries", "deliveries_target", {"id": B}),
    ("deliveries", "deliveries_pkey", {"transfer_id": C}),
    ("delivery_attempts", "delivery_attempts_pkey", {}),
    ("fan_outs", "fan_outs_pkey", {}),
    ("receivers", "receivers_pkey", {}),
    ("endpoint_events", "endpoint_events_pkey", {"id": B}),
    ("endpoint_events", "endpoint_events_id", {"moment": 7}),
    ("shards", "shards_pkey", {}),
    ("due", "due_pkey", {"wallet_id": C, "shard": 7}),
    ("parties", "parties_pkey", {}),
    ("wallet_identities", "wallet_identities_pkey", {"currency": "QQQ"}),
    ("keys", "keys_pkey", {"digest": b"e" * 32}),
    ("wallet_changes", "wallet_changes_pkey", {}),
    ("client_changes", "client_changes_pkey", {}),
    ("keys", "keys_digest_key", {"id": B}),
]

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    *((table, {}) for table in ROWS if table not in ("feed", "delivery_bounds")),  # which have their rows
    ("clients", {"name": "ü" * 200, "external_id": None, "idempotency_key": None, "fingerprint": None}),
    ("wallets", {"balance": 2**53 - 1, "held": 2**53 - 1, "version": 1}),
    ("wallets", {**GUARD, "frozen": "debits"}),
    ("wallets", {**COUNTED, "frozen": "all", "debit_max": 1, "balance_max": 2**53 - 1, "debits_this_month": 2**53 - 1}),
    ("wallets", {"status": "closed", "guard": [7, 0], "version": 7}),
    ("transfers", {**CLOSURE, "sweeps": True, "apply_by": "tomorrow"}),
    ("transfers", {**FINAL, **CLOSURE, "moved": 2**53 - 1}),
    ("transfers", {**FINAL, "counted_on": "today"}),
    ("transfers", {**HOLD, "captured": 1}),
    ("transfers", SPLIT),
    ("transfers", {**MOVED, "returned": 3, "unreversed": 0}),
    ("transfers", {**CHILD, "type": "capture", "wallet_ids": [B, C], "amounts": [-1, 1]}),
    ("transfers", {"amount": 31, "wallet_ids": MANY[:32], "amounts": [-31, *[1] * 31]}),
    ("transfers", {**HOLD, "returned": 1}),
    ("transfers", {**CHILD, "fit": "rest_and_funds"}),
    ("transfers", {"fit": "funds", "scheduled_for": "tomorrow", "apply_within_s": 86_400, "apply_by": "tomorrow"}),
    ("transfers", {**FINAL, "status": "canceled"}),
    ("transfers", {**FINAL, **HOLD, "moved": 1}),
    ("due", {"verb": "release", "due_at": "infinity"}),
    ("wallets", {"kind": "external", "client_id": None, "balance": -(2**53 - 1), "version": 1}),
    ("transfers", {"amount": 2**53 - 1, "reference": "r" * 200, "owner": "o" * 30, "idempotency_key": "k" * 255}),
    ("transfers", FINAL),
    *(("transfers", {"callback_url": url}) for url in [*GOOD, *ALLOWED_PRIVATE]),
    ("transfers", {**FINAL, "callback_url": "stored before there was a rule"}),
    *(("transfers", {**FINAL, "status": "rejected", "failure_code": refusal}) for refusal in Refusal),
    ("entries", {"amount": -(2**53 - 1), "balance_after": -(2**53 - 1)}),
    ("running_totals", {"version": 2**52, "credits": 10**37}),
    ("keys", {"role": "client", "client_id": B}),
    ("keys", {"role": "viewer", "name": "ü" * 100}),
]


def insert(connection: psycopg.Connection[Any], table: str, changes: dict[str, Any]) -> None:
    row = {**ROWS[table], **changes}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )
    connection.execute(statement, list(row.values()))


# One database for all rows: each case is rolled back.


def test_every_row_that_makes_sense_is_accepted(connection: psycopg.Connection[Any]) -> None:
    for table, changes in ACCEPTED:
        with connection.transaction(force_rollback=True):
            insert(connection, table, changes)


def test_every_constraint_refuses_its_nonsense_and_gives_its_name(connection: psycopg.Connection[Any]) -> None:
    for table, constraint, changes in NONSENSE:
        with pytest.raises(errors.CheckViolation) as refused, connection.transaction(force_rollback=True):
            insert(connection, table, changes)
        assert (refused.value.diag.table_name, refused.value.diag.constraint_name) == (table, constraint), changes


# What a worker of an older version would write: the money of a hold, and a special transfer's outcome without what it came to.
OLDER: list[tuple[str, dict[str, Any]]] = [
    ("wallets", {"held": 2, "balance": 1, "version": 1}),
    ("transfers", {**FINAL, **HOLD}),
    ("transfers", {**FINAL, **CHILD}),
    ("transfers", {**FINAL, "fit": "funds"}),
    ("transfers", {**FINAL, "apply_within_s": 1}),
    ("transfers", {**FINAL, **CLOSURE}),
    ("wallets", {"guard": [0, 0], "frozen": "all", "version": 1}),
    ("wallets", {"guard": [1, 0], "frozen": "all", "balance": 1, "version": 1, "held": 1}),
    ("wallets", {"guard": [1, 0], "status": "closed", "balance": 5, "version": 2}),
]


def test_what_an_older_worker_would_write_is_refused_as_a_fault_that_passes(connection: psycopg.Connection[Any]) -> None:
    for table, changes in OLDER:
        with pytest.raises(errors.FeatureNotSupported) as refused, connection.transaction(force_rollback=True):
            insert(connection, table, changes)
        assert is_transient(refused.value), changes


def test_what_is_unique_is_not_stored_twice(connection: psycopg.Connection[Any]) -> None:
    for table, constraint, changes in DUPLICATES:
        with connection.transaction(force_rollback=True):
            insert(connection, table, {})
            with pytest.raises(errors.UniqueViolation) as refused:
                insert(connection, table, changes)
        assert refused.value.diag.constraint_name == constraint, changes


def test_the_feed_has_one_row_and_never_two(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.UniqueViolation) as refused, connection.transaction(force_rollback=True):
        insert(connection, "feed", {"shift": 1})

    assert refused.value.diag.constraint_name == "feed_has_one_row"


@pytest.mark.parametrize("shift", [2**60 + 1, -(2**60) - 1, 2**63 - 1])
def test_the_feed_is_never_moved_out_of_reach(connection: psycopg.Connection[Any], shift: int) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        connection.execute("UPDATE feed SET shift = %s", [shift])

    assert refused.value.diag.constraint_name == "shift_within_reach"


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = NULL",
        "revoked_at = revoked_at - interval '1 day'",
        "revoked_at = 'infinity'",
        "last_used_at = now() + interval '1 day'",
        "last_used_at = '-infinity'",
        "role = 'operator', client_id = NULL",
        "client_id = gen_random_uuid()",
        "digest = sha256('another')",
        "id = gen_random_uuid()",
    ],
)
def test_a_key_stays_what_it_is_and_revoked(connection: psycopg.Connection[Any], change: str) -> None:
    insert(connection, "keys", {"role": "client", "client_id": B})
    connection.execute("UPDATE keys SET revoked_at = now(), last_used_at = now()")

    with pytest.raises(errors.RestrictViolation):
        connection.execute(f"UPDATE keys SET {change}".encode())


def test_the_tables_above_cover_every_constraint_of_the_schema(connection: psycopg.Connection[Any]) -> None:
    covered = {(table, constraint) for table, constraint, _ in (*NONSENSE, *DUPLICATES)} | {("feed", "shift_within_reach")}
    covered -= {("wallets", "wallets_idempotency_key")}  # a unique index of some rows, and no constraint
    covered |= {("wallets", f"{of}_needs_newer_worker") for of in ("held", "guard")} | {("transfers", "special_needs_newer_worker")}
    covered |= {("transfers", "lines_need_newer_worker")}
    named = connection.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'p')"
    ).fetchall()

    # A place in the queue is numbered by the database, and so is an audit: none can be given twice. Of migrations none is inserted
    # by hand, and all the bounds that there can be are there.
    rest = {
        ("audits", "audits_pkey"),
        ("queue", "queue_pkey"),
        ("migrations", "migrations_pkey"),
        ("delivery_bounds", "delivery_bounds_pkey"),
    }
    assert set(named) - covered == rest
    assert covered <= set(named)


def test_a_place_in_the_queue_is_given_by_the_database_alone(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.GeneratedAlways):
        connection.execute("INSERT INTO queue (shard, position, transfer_id) VALUES (0, 1, %s)", [A])


def test_the_schema_and_the_ledger_know_the_same_refusals() -> None:
    text = "".join(file.read_text() for file in sorted(MIGRATIONS.glob("*.sql")))
    known = re.findall(r"failure_code IN \(([^)]*)\)", text)[-1]

    assert re.findall(r"'(\w+)'", known) == list(Refusal)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET amount = amount",
        "UPDATE entries SET created_at = now() WHERE version = 1",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE amount < 0",
        "TRUNCATE entries",
        "TRUNCATE wallets, entries",
    ],
)
def test_entries_are_never_changed_and_never_deleted(world: World, statement: str) -> None:
    wallet = world.new_wallet(5)
    before = world.query("SELECT * FROM entries ORDER BY wallet_id, version")

    with pytest.raises(errors.RestrictViolation, match="of entries is forbidden"):
        world.query(statement)

    assert world.query("SELECT * FROM entries ORDER BY wallet_id, version") == before
    world.submit(deposit(wallet, 1))
    assert world.drain() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE wallet_changes SET reason = 'x'", "DELETE FROM wallet_changes", "TRUNCATE wallet_changes"]
)
def test_the_history_of_a_wallet_is_never_changed_and_never_deleted(world: World, statement: str) -> None:
    world.change(world.new_wallet(), frozen="all")

    with pytest.raises(errors.RestrictViolation, match="of wallet_changes is forbidden"):
        world.query(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE client_changes SET reason = 'x'", "DELETE FROM client_changes", "TRUNCATE client_changes"]
)
def test_the_history_of_a_client_is_never_changed_and_never_deleted(world: World, statement: str) -> None:
    [client] = world.insert_clients([new_client()])
    world.change_client(client.id, name="Eve")

    with pytest.raises(errors.RestrictViolation, match="of client_changes is forbidden"):
        world.query(statement)


def test_what_changes_with_every_transfer_is_in_no_index(connection: psycopg.Connection[Any]) -> None:
    """So that balances and verdicts are written in place (HOT)."""
    definitions = connection.execute("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'").fetchall()

    assert definitions
    for table, definition in definitions:
        columns = definition.split(" USING ")[1]
        if table in ("wallets", "transfers"):
            states = "balance|version|held|guard|status|failure_code|finished_at"
            remainders = "captured|returned|moved|unreversed|apply_by|counted_on"
            assert not re.search(rf"\b({states}|{remainders})\b", columns), definition


def test_external_wallets_are_the_only_ones_of_a_new_database(connection: psycopg.Connection[Any]) -> None:
    assert connection.execute("SELECT id FROM wallets ORDER BY id").fetchall() == [(external_wallet(n),) for n in range(16)]


# Numbers beyond 2^53 - 1 that no answer holds: places in the feed and in the queue, and where looks at them begin.
HIDDEN = {
    *((table, "moment") for table in ("transfers", "events", "endpoint_events", "fan_outs")),
    *(
        ("feed", "shift"),
        ("audits", "id"),
        ("queue", "position"),
        ("shards", "floor"),
        ("running_totals", "version"),
        ("webhook_endpoints", "since"),
        ("delivery_bounds", "value"),
    ),
}


def test_every_bigint_that_an_answer_may_hold_is_exact_in_every_json_client(connection: psycopg.Connection[Any]) -> None:
    bigints = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bigint'"
    )
    checks = connection.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
    ).fetchall()

    shown = {column for column in bigints if column not in HIDDEN}

    assert {("wallets", "balance"), ("entries", "balance_after"), ("transfers", "amount")} <= shown
    for table, column in shown:
        above = [check for of, check in checks if of == table and re.search(rf"\b{column} <= '?9007199254740991", check)]
        below = [
            check for of, check in checks if of == table and re.search(rf"\b{column} >= ('?-9007199254740991|0|1\b|\(?1)", check)
        ]
        assert above, (table, column)
        assert below, (table, column)
