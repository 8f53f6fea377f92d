"""Facts that several modules share, and none of them owns."""

VERSION = "0.1.0"
"""This release."""

VOID = 255
"""Label id of undecided pixels, as in Pascal VOC; no loss and no score counts them."""

VOID_COLOUR = (224, 224, 192)
"""Colour of void in colour masks."""

VALIDATION_SEED = 1_000_003
"""Seed of the scenes that validate a training; the final score uses other scenes."""
