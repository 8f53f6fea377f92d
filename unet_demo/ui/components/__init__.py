"""Live components of our own: a Python side, a script and a style each."""
