"""What the store says when it cannot do what was asked: one sentence, with the mend."""


class StoreError(Exception):
    """The store cannot be read or written, or is none."""


class QueryError(StoreError):
    """A query is not one the store answers."""


class StoreWarning(UserWarning):
    """Something in the store is not as it was written, and is left out of every answer."""
