"""Why a benchmark, or one measurement of it, does not run to its end."""


class CannotBench(Exception):
    """The run ends with status 1; the message is for the person at the terminal."""


class Skipped(Exception):
    """This measurement cannot be taken here; the message says why, the others go on."""


class UnexpectedAnswer(Exception):
    """The system answered as it never may under this load: the others go on, and the run fails in the end."""
