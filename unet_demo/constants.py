"""Facts that several modules share, and none of them owns."""

VERSION = "0.1.0"
"""This release."""

VOID = 255
"""The label of pixels that nobody has decided, as in PASCAL VOC; they count for nothing."""

VOID_COLOUR = (224, 224, 192)
"""Their colour in masks of colours."""

VALIDATION_SEED = 1_000_003
"""Seed of the scenes that training looks at between epochs; the final score uses other ones."""
