"""What both sides may raise to their callers."""


class Unavailable(Exception):
    """The database did not answer in time: nothing is known about what was asked, and asking again is safe."""


class Busy(Unavailable):
    """An owner has as much under way as it may: nothing was asked of the database. Later there is room again."""


class CannotDo(Exception):
    """Says in words for an operator why a command of `python -m core` could not do its work. Repeats no secret."""
