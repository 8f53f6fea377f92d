"""Trains for the Train page: the settings of a run, the run itself, and its files."""
