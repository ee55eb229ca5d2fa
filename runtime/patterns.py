"""Which weights a method takes: globs over whole paths, the one place where weights are chosen.

`*` stands for part of one name, `?` for a character of one, `**` for any number of names:
`layer1.*.conv?.weight` are the convolutions of the blocks of `layer1`, `layer1.**` is everything in
it, `**.weight` every weight anywhere. Four words stand for weights that every network has: `stem`
and `head`, its first and last layer, of which the model says where they are (`Model.parts`), and
`norms` and `biases`, the vectors.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Array

from lab.runtime.errors import UnsuitableWeights
from lab.runtime.globs import VECTORS, matches, vector_word

EVERYTHING = ("**",)
#: Patterns of the parts of a model, by word.
Parts = Mapping[str, tuple[str, ...]]
NO_PARTS: Parts = MappingProxyType({})


def choose(
    weights: Mapping[str, Array | np.ndarray],
    patterns: Sequence[str] = EVERYTHING,
    *,
    min_dims: int = 2,
    min_size: int = 0,
    leave_out: Sequence[str] = (),
    parts: Parts = NO_PARTS,
) -> tuple[str, ...]:
    """Paths of the weights that patterns stand for, of at least so many dimensions and numbers.

    Args:
        weights: all there are. `patterns`: of those to take; `leave_out`: of those not to.
        min_dims, min_size: of a weight that is taken.
        parts: what the words `stem` and `head` stand for.

    Raises `UnsuitableWeights` where a pattern, or all that is asked together, leaves nothing.
    """
    taken = named(weights, patterns, parts)
    out = set(named(weights, leave_out, parts))
    found = {path: weights[path] for path in taken if path not in out}
    return _large_enough(found, min_dims=min_dims, min_size=min_size)


def named(
    weights: Mapping[str, Array | np.ndarray], patterns: Sequence[str], parts: Parts = NO_PARTS
) -> tuple[str, ...]:
    """Paths that patterns and words stand for, in the order of the weights.

    Raises `UnsuitableWeights` where a pattern stands for none. A word may, as `norms` does in a
    network without any.
    """
    found: set[str] = set()
    for pattern in patterns:
        found |= _stands_for(weights, pattern, parts)
    return tuple(path for path in weights if path in found)


def within(paths: Iterable[str], globs: Sequence[str]) -> tuple[str, ...]:
    """The paths that some glob stands for; there may be none."""
    return tuple(path for path in paths if any(matches(path, glob) for glob in globs))


def _stands_for(weights: Mapping[str, Array | np.ndarray], pattern: str, parts: Parts) -> set[str]:
    if pattern in VECTORS:
        return {p for p, w in weights.items() if w.ndim < 2 and vector_word(p) == pattern}
    if pattern in ("stem", "head") and pattern not in parts:
        raise UnsuitableWeights(
            f"this model does not say what its {pattern} is; name the weights by a pattern: there "
            f"are {_listing(weights)}"
        )
    globs = parts.get(pattern, (pattern,))
    found = set(within(weights, globs))
    if not found and pattern not in parts:
        raise UnsuitableWeights(
            f"the pattern {pattern!r} matches no weight; there are {_listing(weights)}"
        )
    return found


def _large_enough(
    named: Mapping[str, Array | np.ndarray], *, min_dims: int, min_size: int
) -> tuple[str, ...]:
    chosen = tuple(p for p, w in named.items() if w.ndim >= min_dims and w.size >= min_size)
    if not chosen:
        raise UnsuitableWeights(
            f"none of the weights has {min_dims} or more dimensions and {max(min_size, 1):,} or "
            f"more numbers; there are {_listing(named)}"
        )
    return chosen


def _listing(weights: Mapping[str, Array | np.ndarray], limit: int = 12) -> str:
    shown = [f"{path} {tuple(w.shape)}" for path, w in list(weights.items())[:limit]]
    more = f" and {len(weights) - limit} more" if len(weights) > limit else ""
    return (", ".join(shown) or "none at all") + more
