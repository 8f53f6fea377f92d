"""The Articles page: the five published articles, each with its network, its settings and what became of it."""
