"""A backlog that grew while no worker ran. `python -m tests.backlog 200000` does the same with a deep one."""

from tests.backlog import BATCH, WARM_UP, backlog
from tests.system import System


def test_a_backlog_is_accepted_in_steady_memory_and_drained_in_order(own_system: System) -> None:
    count = (WARM_UP + 3) * BATCH

    assert backlog(own_system, count).accepted == count
