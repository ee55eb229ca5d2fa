"""Globs over dotted paths, and words for vectors: known to planning too, so nothing is imported.

`*` stands for part of one name, `?` for a character of one, `**` for any number of names.
"""

import re
from functools import lru_cache

#: Words for weights of fewer than two dimensions.
VECTORS = ("norms", "biases")


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern stands for a path.

    Example:
        >>> matches("layer1.0.conv1.weight", "layer1.**"), matches("a.b.weight", "a.*")
        (True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    meanings = {"**.": r"(?:.*\.)?", "**": r".*", "*": r"[^.]*", "?": r"[^.]"}
    parts = re.split(r"(\*\*\.|\*\*|\*|\?)", pattern)
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))


def vector_word(path: str) -> str:
    """The word for a weight of fewer than two dimensions."""
    return "biases" if path.rpartition(".")[2] == "bias" else "norms"
