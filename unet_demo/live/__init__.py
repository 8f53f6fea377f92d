"""A training that a person watches: its settings, the run itself, and what can be saved of it."""
