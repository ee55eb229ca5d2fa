"""Rules for stopping early, one file each."""
