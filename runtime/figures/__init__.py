"""What a study's `report` block can show: one figure a file."""
