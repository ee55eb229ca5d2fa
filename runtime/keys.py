"""Keys as people write them: their first characters, as long as these say which is meant."""

from collections.abc import Iterable
from itertools import takewhile

from lab.runtime.errors import LabError

_SHOWN = 8


def key_of(written: str, keys: Iterable[str]) -> str:
    """The one key that begins as written. Raises LabError saying what there is otherwise.

    Example:
        >>> key_of("ab", ["abc", "acc"])
        'abc'
    """
    known = sorted(keys)
    text = written.lower().rstrip("….")
    found = [key for key in known if key.startswith(text)]
    if len(found) == 1 or text in found:
        return text if text in found else found[0]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise LabError(f"{len(found)} keys begin with {text}: {_listed(found)}{more}")
    raise LabError(f"no key begins with {text}{_nearest(text, known)}")


def _nearest(text: str, known: list[str]) -> str:
    if not known:
        return ": nothing is stored there, and no study was named"
    near = sorted(known, key=lambda key: (-_common(key, text), key))[:3]
    return f"; nearest are {_listed(near)}"


def _common(key: str, text: str) -> int:
    """How many first characters are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(key, text, strict=False)))


def _listed(keys: list[str]) -> str:
    return ", ".join(key[:12] for key in keys[:_SHOWN])
