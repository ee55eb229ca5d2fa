"""Sets that lie in folders, a folder for each class."""
