"""Measurements of what a stage made, one file each."""
