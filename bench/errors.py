"""Exceptions that end a benchmark or one of its measurements."""


class CannotBench(Exception):
    """Ends the run with status 1; the message is printed at the terminal."""


class Skipped(Exception):
    """This measurement cannot be taken here; the message gives the reason. The others are taken."""


class UnexpectedAnswer(Exception):
    """The system gave an answer that is wrong under this load. The other measurements are taken, and the run fails at its end."""
