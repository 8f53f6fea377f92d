"""What scripts and agents call."""
