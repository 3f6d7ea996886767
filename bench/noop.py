"""The job of the reference: RQ's worker imports it by its name, and it does nothing."""


def noop() -> None:
    """Do nothing."""
