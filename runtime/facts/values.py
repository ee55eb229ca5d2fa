"""Arguments as numbers: resolved values are checked before they get here."""

from collections.abc import Mapping
from typing import cast

from lab.compiler.facts import Network, Shapes, UnknownError, size
from lab.runtime.globs import VECTORS, matches, vector_word
from lab.spec.values import Value


def integer(arguments: Mapping[str, Value], name: str, default: int = 0) -> int:
    """A whole number; the default where it is not given."""
    found = arguments.get(name)
    return found if isinstance(found, int) else default


def number(arguments: Mapping[str, Value], name: str, default: float = 0.0) -> float:
    """A number; the default where it is not given."""
    found = arguments.get(name)
    return found if isinstance(found, int | float) else default


def words(arguments: Mapping[str, Value], name: str) -> tuple[str, ...]:
    """A list of words or patterns."""
    found = arguments.get(name)
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def steps_of(
    lasting: Value,
    *,
    per_epoch: int | None = None,
    batch: int | None = None,
    total: int | None = None,
) -> int:
    """A duration in steps. Raises UnknownError where it cannot be counted."""
    if not isinstance(lasting, dict) or "duration" not in lasting:
        raise UnknownError("for")
    amount = cast(float, lasting["duration"])
    factors = {"steps": 1, "epochs": per_epoch, "samples": batch and 1 / batch, "share": total}
    factor = factors.get(cast(str, lasting["unit"]))
    if factor is None:
        raise UnknownError("for")
    return int(amount * factor + 0.5)


def taken(arguments: Mapping[str, Value], network: Network) -> Shapes:
    """The weights that a reparameterization takes: tensors, by `in`, `except` and `min_size`."""
    least = integer(arguments, "min_size")
    asked = named(words(arguments, "in") or ("**",), network)
    out = named(words(arguments, "except"), network)
    return {
        path: shape
        for path, shape in network.weights.items()
        if len(shape) >= 2 and size(shape) >= least and path in asked and path not in out
    }


def named(patterns: tuple[str, ...], network: Network) -> frozenset[str]:
    """Paths of the weights that patterns and words stand for (`lab.runtime.patterns`)."""
    found: set[str] = set()
    for one in patterns:
        if one in VECTORS:
            vectors = (path for path, shape in network.weights.items() if len(shape) < 2)
            found |= {path for path in vectors if vector_word(path) == one}
        else:
            globs = network.parts.get(one, (one,))
            found |= {path for path in network.weights if any(matches(path, g) for g in globs)}
    return frozenset(found)
