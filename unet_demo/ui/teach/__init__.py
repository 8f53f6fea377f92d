"""Teach: a network that learns a person's own picture from a few strokes, while they watch."""
