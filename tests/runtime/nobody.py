"""The number of no process, for what a killed one left: the system gives none so high."""

NOBODY = 4194305
