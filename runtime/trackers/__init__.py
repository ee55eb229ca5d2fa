"""Places that show runs to people. All are projections of our own records."""
