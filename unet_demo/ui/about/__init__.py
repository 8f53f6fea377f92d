"""About: what each checkpoint is, and what it is worth."""
