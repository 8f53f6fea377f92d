"""How good a checkpoint is, and how fast."""
