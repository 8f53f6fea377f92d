"""What can be wrong with a folder of data."""


class DataError(ValueError):
    """One plain sentence on what is wrong with a data directory."""
