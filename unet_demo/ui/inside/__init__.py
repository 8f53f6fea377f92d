"""The page "Look inside": a network's own parts at work, a topic at a time."""
