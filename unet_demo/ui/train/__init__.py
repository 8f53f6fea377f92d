"""Train: a network that learns while a person watches."""
