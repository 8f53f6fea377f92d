"""Modules that the Segment page names when it uses them."""

from .. import checkpoints, examples, inference, segmentation, subject
from ..data import truth

__all__ = ["checkpoints", "examples", "inference", "segmentation", "subject", "truth"]
