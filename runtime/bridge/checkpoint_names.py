"""Names of a checkpoint's weights, brought to those of the model.

Wrappers put a prefix before all names (`module.` of torch's parallel training, `_orig_mod.` of its
compiler, `model.`, `backbone.`), and a network inside another has one more or one less than alone.
The prefix under which most names are those of the model is taken off, or put on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")
#: What counts batches: nothing depends on it.
COUNTER = "num_batches_tracked"
#: What old checkpoints call the scale and the shift of a normalization.
_OLD = {"gamma": "weight", "beta": "bias"}


def fitted(
    found: Mapping[str, T], wanted: Iterable[str], aliases: Mapping[str, str]
) -> dict[str, T]:
    """What a checkpoint holds, under the model's names where it has some.

    Args:
        found: by the checkpoint's names.
        wanted: the model's names. `aliases`: other names of them.

    Example:
        >>> fitted({"module.a.weight": 1, "module.a.gamma": 2}, ["a.weight"], {})
        {'a.weight': 1, 'a.gamma': 2}
    """
    names = [*wanted, *aliases]
    known = {name: one for name, one in found.items() if name.split(".")[-1] != COUNTER}
    known = _renamed(known, names)
    for alias, name in aliases.items():
        if alias in known:
            value = known.pop(alias)
            known.setdefault(name, value)
    return known


def nearest(name: str, candidates: Iterable[str]) -> str:
    """A candidate that a name resembles, in words."""
    near = get_close_matches(name, list(candidates), n=1)
    return f" (it has {near[0]})" if near else ""


def _renamed(found: Mapping[str, T], names: list[str]) -> dict[str, T]:
    wanted = set(names)
    off = Counter(prefix for name in found for prefix in _before(name, wanted))
    on = Counter(prefix for name in wanted for prefix in _before(name, found.keys()))
    best_off, best_on = _most(off), _most(on)
    put_on = on[best_on] > off[best_off]
    if put_on:
        new = {name: best_on + name if best_on + name in wanted else name for name in found}
    else:
        new = {name: name.removeprefix(best_off) for name in found}
    open_to_old = wanted - set(new.values())
    return {_modern(new[name], open_to_old): value for name, value in found.items()}


def _before(name: str, others: Iterable[str]) -> Iterator[str]:
    """What stands in a name before a whole other name: nothing where they are the same."""
    parts = name.split(".")
    for place in range(len(parts)):
        rest = ".".join(parts[place:])
        if rest in others:
            yield name[: len(name) - len(rest)]


def _most(counted: Counter[str]) -> str:
    """The most frequent prefix, of equally frequent ones the shortest."""
    return max(counted, key=lambda one: (counted[one], -len(one)), default="")


def _modern(name: str, wanted: set[str]) -> str:
    stem, _, last = name.rpartition(".")
    new = f"{stem}.{_OLD.get(last, last)}"
    return new if last in _OLD and new in wanted else name
