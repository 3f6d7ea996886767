"""What RQ's worker runs when it is the reference: nothing, to be found by its name."""


def noop() -> None:
    """Do nothing."""
