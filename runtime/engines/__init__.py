"""Where plans run, one file each."""
