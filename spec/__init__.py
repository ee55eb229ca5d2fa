"""Text to a checked study. Pure Python: no JAX, and no file but sources."""
