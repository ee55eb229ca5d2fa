"""Selectors of examples, one file each."""
