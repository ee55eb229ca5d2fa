"""Components in their surroundings, told apart by what of them is the same at every point."""

from collections.abc import Mapping
from typing import cast

from lab.compiler.canonical import canonical
from lab.compiler.cells import Cell, Layers
from lab.compiler.evaluate import ELSEWHERE, KINDS, Closure, Environment, Root
from lab.spec import core
from lab.spec.signature import ParameterInfo, Signature, Type
from lab.spec.source import Span
from lab.spec.values import Value

Owner = core.Build | core.Measure
#: What a shape is of: a component as written or as a default, and what surrounds it.
Key = tuple[int, str, int]
#: A cell by the identities of what it was made from, which the memory keeps alive.
Known = dict[tuple[object, ...], Cell]
#: More blocks than this are not returned to.
VIEWS = 64


class Place:
    """An argument of a component. `cells`: its cell for each cell of what stands there."""

    __slots__ = (
        "asking",
        "cells",
        "constant",
        "default",
        "info",
        "is_inside",
        "labels",
        "slot",
        "supply",
        "written",
    )

    def __init__(
        self, info: ParameterInfo, slot: str, written: core.Core | None, default: Value
    ) -> None:
        self.info = info
        self.slot = slot
        self.written = written
        self.default = default
        #: Inside of a component that stands by default.
        self.is_inside = False
        #: It is the point's model or data where nothing else is said of it.
        self.supply: Root | None = None
        #: Where it is all arguments whose names are labels: the component, what is written.
        self.labels: tuple[Signature, Mapping[str, core.Core]] | None = None
        #: Where the component stands that needs it, while nothing is written.
        self.asking: Span | None = None
        self.cells: dict[Cell, Cell] = {}
        self.constant: Cell | None = None


class Reading:
    """A place where one of several plain values stands, by the place of the choice among them.

    `cells` are those that were found already.
    """

    __slots__ = ("cells", "count", "site")

    def __init__(self, site: core.Choice | core.RangeChoice, count: int) -> None:
        self.site = site
        self.count = count
        self.cells: list[Cell | None] = [None] * count


class Shape:
    """A component in its surroundings: what is the same at every point, and what is not."""

    __slots__ = (
        "around",
        "found",
        "is_notable",
        "layer",
        "looked",
        "made",
        "open",
        "own",
        "texts",
        "values",
    )

    def __init__(self) -> None:
        self.open: list[Place] = []
        self.own: tuple[str, ...] = ()
        self.is_notable = False
        self.values: dict[str, Value] = {}
        #: Canonical text of the arguments by name; a number is the place of an open one.
        self.texts: list[str | int] = []
        self.layer: Layers = ()
        self.looked: set[str] = set()
        self.found: dict[str, Closure] = {}
        self.around: tuple[str, str] | None = None
        self.made: dict[tuple[Cell, ...], Cell] = {}

    def fits(self, axes: Mapping[str, Closure]) -> bool:
        """Whether the axes of a block say what those said under which this was made."""
        found, looked = self.found, self.looked
        return all(found.get(slot) == one for slot, one in axes.items() if slot in looked) and all(
            slot in axes for slot in found
        )

    def text(self, cells: tuple[Cell, ...]) -> str:
        """Canonical text of the component with some cells at its open places."""
        inside = "".join([one if isinstance(one, str) else cells[one].text for one in self.texts])
        args = f"{{{inside[:-1]}}}"
        return args if self.around is None else f"{self.around[0]}{args}{self.around[1]}"


class View:
    """What was found under the axes of one block: the shapes that fit them, and what is recalled.

    `recalled` is by whether choices are made already, and by key: a value and what was noted on the
    way, or None where another point may find another one. `readings` are by place, None where what
    stands there takes more than a choice among plain values.
    """

    __slots__ = ("axes", "readings", "recalled", "shapes")

    def __init__(self, axes: Mapping[str, Closure]) -> None:
        self.axes = axes
        self.shapes: dict[Key, Shape] = {}
        self.recalled: dict[tuple[object, ...], tuple[object, Layers] | None] = {}
        self.readings: dict[Place, Reading | None] = {}


class Memory:
    """What the evaluators of a study have found."""

    def __init__(self) -> None:
        self.shapes: dict[Key, list[Shape]] = {}
        self.known: Known = {}
        self.ranges: dict[int, list[Value]] = {}
        self.environments: dict[tuple[object, ...], tuple[object, Environment]] = {}
        self.texts: dict[tuple[str, Type], Cell] = {}
        self._views: dict[int, View] = {}

    def view(self, axes: Mapping[str, Closure]) -> "View":
        """What was found under some axes."""
        known = self._views.get(id(axes))
        if known is None:
            if len(self._views) >= VIEWS:
                self._views.clear()
            known = self._views[id(axes)] = View(axes)
        return known

    def around(self, arm: object, environment: Environment, inside: Environment) -> Environment:
        """The one environment that is equal to `inside`."""
        key = (
            id(arm),
            id(environment),
            *((slot, *_parts(one)) for slot, one in inside.bindings.items()),
            *((slot, *_parts(one)) for slot, one in inside.overrides.items()),
        )
        return self.environments.setdefault(key, (environment, inside))[1]


def _parts(closure: Closure) -> tuple[int, int, int | None]:
    return id(closure.expression), id(closure.environment), closure.item


def places_of(owner: Owner, signature: Signature) -> list[Place]:
    """The arguments of a component as written, but its arms."""
    slot = owner.slot if isinstance(owner, core.Build) else owner.slot or owner.measurement
    found: list[Place] = []
    for info in signature.parameters:
        name = info.type.name
        if name in ELSEWHERE:
            continue
        if info.type.mapping:
            place = Place(info, slot, None, None)
            place.labels = (signature, owner.arguments)
            found.append(place)
            continue
        place = Place(info, f"{slot}.{info.name}", owner.arguments.get(info.name), info.default)
        if name in KINDS:
            place.supply = name
        if info.required and place.written is None:
            place.asking = owner.span
        found.append(place)
    return found


def places_standing(signature: Signature, value: Mapping[str, Value], slot: str) -> list[Place]:
    """The arguments of a component that stands by default."""
    known = cast(Mapping[str, Value], value["args"])
    found = [
        Place(info, f"{slot}.{info.name}", None, known.get(info.name))
        for info in signature.parameters
    ]
    for place in found:
        place.is_inside = True
    return found


def around_arguments(signature: Signature) -> tuple[str, str]:
    """What surrounds the arguments in the canonical text of a component."""
    empty = {"component": signature.name, "content": signature.content, "kind": signature.kind}
    whole = canonical({**empty, "version": signature.version})
    return '{"args":', "," + whole[1:]


def entry(info: ParameterInfo, cell: Cell) -> str:
    """An argument in the canonical text of a component; one that came late is left out."""
    if info.is_late and cell.value == info.legacy:
        return ""
    return f'"{info.name}":{cell.text},'


def joined(texts: list[str | int]) -> list[str | int]:
    """Neighbors that are the same everywhere as one."""
    found: list[str | int] = []
    for one in texts:
        if isinstance(one, str) and found and isinstance(found[-1], str):
            found[-1] += one
        else:
            found.append(one)
    return found
