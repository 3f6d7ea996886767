"""What ends `python -m local`."""


class CannotRun(Exception):
    """A reason to end with status 1; the message is for the person at the terminal."""


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP came. Not an Exception, so that no handler of failures swallows it."""
