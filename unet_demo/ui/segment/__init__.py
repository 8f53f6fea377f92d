"""The Segment page: a picture, a checkpoint, and what it sees."""
