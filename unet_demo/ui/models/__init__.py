"""The Models page: what each bundled checkpoint does, and what it is worth."""
