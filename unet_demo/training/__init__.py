"""Trains networks from recipes: data sets, batches, the training loop, and the folder of a run."""
