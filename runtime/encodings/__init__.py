"""Features of coordinates, one file each."""
