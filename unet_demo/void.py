"""Void: the pixels that nobody has decided, as in PASCAL VOC; they count for nothing."""

VOID = 255
"""Their label."""

VOID_COLOUR = (224, 224, 192)
"""Their colour in masks of colours."""
