"""The one error that a user is meant to read: what is wrong, where, and how to mend it."""


class DataError(ValueError):
    """The data or the run cannot be used; the message is one line and says what to do."""


class ToldError(DataError):
    """An error of one of several processes, another of which has told what went wrong."""
