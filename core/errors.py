"""The exceptions that core raises to the API, to the workers and to commands."""


class Unavailable(Exception):
    """The database did not answer in time. The outcome is unknown; repeating the request is safe."""


class Busy(Unavailable):
    """Too many requests of one owner are under way. Nothing was sent to the database; a later request may succeed."""


class CannotDo(Exception):
    """A command of `python -m core` failed. The message gives the reason to an operator and contains no secret."""
