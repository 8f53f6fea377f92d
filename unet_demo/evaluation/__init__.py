"""Measures how good a checkpoint is, and how fast."""
