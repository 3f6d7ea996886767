"""The exit statuses, and the exceptions that end a command with one of them."""

WELL = 0
CONTRADICTED = 1  # an audit or a comparison found something
CANNOT = 2  # wrong usage or settings, a refused request, no connection: nothing was changed
REJECTED = 3
UNKNOWN = 4
CUT_OFF = 141  # the reader of the output has gone, as after `| head`: 128 + SIGPIPE

MEANINGS = (
    (WELL, "well: done, applied, or nothing to complain of"),
    (CONTRADICTED, "contradicted: an audit or a comparison found something that must not be"),
    (CANNOT, "cannot: wrong usage or settings, a request that was refused, or no connection; nothing was changed"),
    (REJECTED, "rejected: a money rule refused the transfer, or it was canceled; no money moved, and none will"),
    (UNKNOWN, "unknown: the outcome is not known yet; repeat with the same --idempotency-key"),
)


class Cannot(Exception):
    """A reason to end with CANNOT. The message is printed to standard error."""


class Unknown(Exception):
    """A reason to end with UNKNOWN. The message says what is known, and the idempotency key."""
