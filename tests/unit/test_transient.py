"""Which errors mean "try again", and which mean that something is wrong. Source: PostgreSQL manual, appendix A."""

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from core.postgres.faults import is_transient

TRANSIENT = {
    "40001": "serialization_failure",
    "40P01": "deadlock_detected",
    "55P03": "lock_not_available",
    "57014": "query_canceled",
    "57P01": "admin_shutdown",
    "57P02": "crash_shutdown",
    "57P03": "cannot_connect_now",
    "57P05": "idle_session_timeout",
    "53000": "insufficient_resources",
    "53100": "disk_full",
    "53200": "out_of_memory",
    "53300": "too_many_connections",
    "08000": "connection_exception",
    "08003": "connection_does_not_exist",
    "08006": "connection_failure",
    "25006": "read_only_sql_transaction",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "42P01": "undefined_table",
    "42703": "undefined_column",
    "42883": "undefined_function",
    "42501": "insufficient_privilege",
}

LASTING = {
    "23505": "unique_violation",
    "23514": "check_violation",
    "23001": "restrict_violation",
    "22003": "numeric_value_out_of_range",
    "22P02": "invalid_text_representation",
    "40002": "transaction_integrity_constraint_violation",
    "25P02": "in_failed_sql_transaction",
    "55000": "object_not_in_prerequisite_state",
    "XX000": "internal_error",
}


@pytest.mark.parametrize("state", TRANSIENT)
def test_a_fault_that_time_heals_is_tried_again(state: str) -> None:
    assert is_transient(errors.lookup(state)())


@pytest.mark.parametrize("state", LASTING)
def test_what_time_does_not_heal_is_not(state: str) -> None:
    assert not is_transient(errors.lookup(state)())


@pytest.mark.parametrize("error", [psycopg.OperationalError(), psycopg.InterfaceError(), PoolTimeout(), PoolClosed()], ids=repr)
def test_a_lost_connection_has_no_sqlstate_and_is_tried_again(error: psycopg.Error) -> None:
    assert error.sqlstate is None
    assert is_transient(error)


@pytest.mark.parametrize("error", [psycopg.ProgrammingError(), psycopg.DataError(), KeyError(), TimeoutError()], ids=repr)
def test_our_own_mistakes_are_not(error: Exception) -> None:
    assert not is_transient(error)
