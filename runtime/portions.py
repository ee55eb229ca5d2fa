"""How many examples are run forward together, where nothing is learned from them."""

#: Large enough for a processor, small enough for its caches.
FEWEST = 125
#: More of them while they have no more bytes than these together: a call costs time, too.
_BYTES = 2**17


def portion(example_bytes: int) -> int:
    """Examples of so many bytes each that are run forward together.

    Example:
        >>> portion(4 * 3 * 32 * 32), portion(4 * 8 * 8)
        (125, 512)
    """
    return max(FEWEST, _BYTES // max(example_bytes, 1))
