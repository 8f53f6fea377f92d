"""What can be wrong with a picture, and with a folder of data."""


class DataError(ValueError):
    """One plain sentence on what is wrong with a data directory."""


class PictureError(ValueError):
    """One plain sentence for the person whose file it is."""
