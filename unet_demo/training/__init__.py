"""Trains networks from recipes: data sets, batches, the training loop, and the folder of a run."""


class RunError(ValueError):
    """One plain sentence on why a run cannot start or go on."""
