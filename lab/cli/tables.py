"""Tables in plain text."""

from collections.abc import Sequence

Row = tuple[str, ...]


def table(rows: Sequence[Row]) -> list[str]:
    """Rows with their columns aligned; the first row is the head. Nothing where that is all."""
    if len(rows) < 2:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
