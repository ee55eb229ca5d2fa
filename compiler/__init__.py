"""A checked study to a plan: pure functions, no numerics, no clock, no files."""
