"""Steps of a method, one file each."""
