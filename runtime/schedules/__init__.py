"""Curves that a schedule is made of, one file each."""
