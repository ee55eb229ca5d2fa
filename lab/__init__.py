"""A typed language for machine-learning experiments, compiled to runs."""

__version__ = "0.1.0"
