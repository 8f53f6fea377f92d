"""Serves the pages to many at once: who may ask for what, and what is kept of them."""
