"""teller run: the whole system on this machine."""

from cli.exits import CANNOT, WELL
from local.__main__ import main


def run() -> int:
    """Run the whole system here: embedded PostgreSQL and Redis, the API and the workers, until Ctrl-C.

    Its data and logs are in .teller, or in TELLER_DATA_DIR. The other settings are those of the environment.
    """
    return CANNOT if main([], prog="teller run") else WELL
