"""Teaches a U-Net one's own picture: from a few painted strokes, while one watches."""
