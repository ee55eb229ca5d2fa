"""Names of what a measurement may have several of: rows of a table, columns of a heatmap."""

ITEMS = frozenset({"tensor", "layer", "class", "channel", "example", "group", "epoch", "step"})
