"""What an evaluation found, kept so that equal evaluations share it.

A `Cell` is a value with its canonical text and what was noted on the way to it. Cells are compared
by identity: whoever makes them sees to it that equal work gives one cell, so a tuple of cells says
all that a larger value depends on.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lab.spec.values import Value


class Noted(NamedTuple):
    """The value found at a slot, and the name of its type."""

    value: Value
    kind: str


#: Settings in the order in which they were noted: a later layer counts.
Layers = tuple[Mapping[str, Noted], ...]


class Cell:
    """A value, its canonical text (`lab.compiler.canonical`), and what was noted on the way.

    `is_notable` says whether a schedule or a file stands in it, where that is known already.
    """

    __slots__ = ("is_notable", "layers", "text", "uses", "value")

    def __init__(
        self, value: Value, text: str, layers: Layers = (), is_notable: bool | None = None
    ) -> None:
        self.value = value
        self.text = text
        self.layers = layers
        self.is_notable = _is_notable(value) if is_notable is None else is_notable
        #: What was made of it together with other things, by those things.
        self.uses: dict[object, object] | None = None


def _is_notable(value: Value) -> bool:
    if isinstance(value, list):
        return any(map(_is_notable, value))
    if not isinstance(value, dict):
        return False
    is_schedule = "schedule" in value or value.get("kind") == "schedule"
    return is_schedule or "file" in value or any(map(_is_notable, value.values()))


class Filled(dict[str, Value]):
    """The arguments of a component at one point: what other points have too, and their `own`.

    Always holds: it has every name of `common`, and the values of it but for those of `own`. Of a
    copy it is not known what it has in common with others (`common` is None).
    """

    __slots__ = ("common", "own")

    def __init__(
        self,
        values: Mapping[str, Value] | Iterable[tuple[str, Value]],
        common: Mapping[str, Value] | None = None,
        own: tuple[str, ...] = (),
    ) -> None:
        super().__init__(values)
        self.common = common
        self.own = own

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (dict(self),)


def filled(common: Mapping[str, Value], own: tuple[str, ...], values: Iterable[Value]) -> Filled:
    """Arguments with these values of their own in the places of what others have."""
    made = Filled(common, common, own)
    made.update(zip(own, values, strict=True))
    return made


class Settings(Mapping[str, Noted]):
    """The values found at slots, in layers that points share."""

    __slots__ = ("_own", "layers")

    def __init__(self) -> None:
        self.layers: list[Mapping[str, Noted]] = []
        self._own: dict[str, Noted] | None = None

    def __getitem__(self, slot: str) -> Noted:
        noted = self.at(slot)
        if noted is None:
            raise KeyError(slot)
        return noted

    def __contains__(self, slot: object) -> bool:
        return isinstance(slot, str) and self.at(slot) is not None

    def at(self, slot: str) -> Noted | None:
        """The value at a slot, None where nothing was noted."""
        for layer in reversed(self.layers):
            noted = layer.get(slot)
            if noted is not None:
                return noted
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def __setitem__(self, slot: str, noted: Noted) -> None:
        if self._own is None:
            self._own = {}
            self.layers.append(self._own)
        self._own[slot] = noted

    def push(self, layers: Layers) -> None:
        """Note what was noted elsewhere."""
        if layers:
            self.layers.extend(layers)
            self._own = None

    def whole(self) -> dict[str, Noted]:
        """All of it in one."""
        return merged(self.layers)


def merged(layers: Iterable[Mapping[str, Noted]]) -> dict[str, Noted]:
    """Layers as one."""
    found: dict[str, Noted] = {}
    for layer in layers:
        found.update(layer)
    return found
