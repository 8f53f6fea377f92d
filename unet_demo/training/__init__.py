"""From a recipe to trained weights: recipes, batches, the loop, and a run's folder."""
