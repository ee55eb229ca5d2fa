"""Which weights a method takes: globs over whole paths, the one place where weights are chosen.

`*` stands for part of one name, `?` for a character of one, `**` for any number of names:
`layer1.*.conv?.weight` are the convolutions of the blocks of `layer1`, `layer1.**` is everything in
it, `**.weight` every weight anywhere.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Array

from lab.runtime.errors import UnsuitableWeights

EVERYTHING = ("**",)


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern stands for a path.

    Example:
        >>> matches("layer1.0.conv1.weight", "layer1.**"), matches("a.b.weight", "a.*")
        (True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


def choose(
    weights: Mapping[str, Array | np.ndarray],
    patterns: Sequence[str] = EVERYTHING,
    *,
    min_dims: int = 2,
    min_size: int = 0,
) -> tuple[str, ...]:
    """Paths of the weights that patterns stand for, of at least so many dimensions and numbers.

    Raises `UnsuitableWeights` where a pattern, or all that is asked together, leaves nothing.
    """
    for pattern in patterns:
        if not any(matches(path, pattern) for path in weights):
            raise UnsuitableWeights(
                f"the pattern {pattern!r} matches no weight; there are {_listing(weights)}"
            )
    named = {p: w for p, w in weights.items() if any(matches(p, q) for q in patterns)}
    chosen = tuple(p for p, w in named.items() if w.ndim >= min_dims and w.size >= min_size)
    if not chosen:
        raise UnsuitableWeights(
            f"none of the weights has {min_dims} or more dimensions and {max(min_size, 1):,} or "
            f"more numbers; there are {_listing(named)}"
        )
    return chosen


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    meanings = {"**.": r"(?:.*\.)?", "**": r".*", "*": r"[^.]*", "?": r"[^.]"}
    parts = re.split(r"(\*\*\.|\*\*|\*|\?)", pattern)
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))


def _listing(weights: Mapping[str, Array | np.ndarray], limit: int = 12) -> str:
    shown = [f"{path} {tuple(w.shape)}" for path, w in list(weights.items())[:limit]]
    more = f" and {len(weights) - limit} more" if len(weights) > limit else ""
    return (", ".join(shown) or "none at all") + more
