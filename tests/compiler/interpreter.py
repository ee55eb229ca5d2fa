"""What a study means, by the shortest road: a reference for the compiler, far too slow for use.

Written from the language's documents over the syntax tree, and shares nothing with `compiler/`. An
evaluation is a generator of everything that an expression may be, each with the world in which it
is that: which option every `|` took, and what was found at every location on the way. A point is
one such world. What is not covered: searches, metrics, claims, losses, arms as arguments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interpreted_filters import removes
from interpreted_numbers import Value
from interpreted_paths import Location, Places, name_of, stripped
from interpreted_values import Around, Evaluated, Here, Later, Values, World

from lab.spec import syntax
from lab.spec.parser import parse
from lab.spec.signature import Catalog, Signature, Type
from lab.spec.source import Source


@dataclass(frozen=True)
class Stage:
    """A stage of one point: what it is and what comes before it."""

    component: str
    arguments: Value
    before: "Stage | None"
    streams: frozenset[str]

    def chain(self) -> "list[Stage]":
        """The stages up to this one."""
        return [*(self.before.chain() if self.before else []), self]


@dataclass(frozen=True)
class Expected:
    """A run: its arm, its seed, and each stage with its seed and the streams that vary."""

    arm: str
    seed: int
    stages: str


Staged = Iterator[tuple[Stage | None, World]]


class Interpreter:
    """The meaning of one text, under a profile."""

    def __init__(self, text: str, catalog: Catalog, profile: str | None = None) -> None:
        parts = parse(Source("study.lab", text)).module.declarations
        self.declared = {one.name.text: one for one in parts if isinstance(one, syntax.Definition)}
        self.places = Places(catalog, self.declared)
        self.values = Values(catalog, self.declared)
        self.grids = [one for one in parts if isinstance(one, syntax.Grid)]
        repeats = [one for one in parts if isinstance(one, syntax.Repeat)]
        self.repeat = repeats[0] if repeats else None
        self.replaced: syntax.Repeat | None = None
        self.added: set[str] = set()
        for one in parts:
            if isinstance(one, syntax.Profile) and one.name.text == profile:
                self._apply(one)

    def _apply(self, profile: syntax.Profile) -> None:
        for entry in profile.entries:
            if isinstance(entry, syntax.Axis):
                self.values.edits |= self._set(entry)
            elif isinstance(entry, syntax.Repeat):
                self.replaced = entry
            elif isinstance(entry, syntax.Grid):
                self.grids.append(entry)
                self.added.add(entry.name.text)

    def _set(
        self, axis: syntax.Axis, has: Mapping[str, object] | None = None
    ) -> dict[Location, Later]:
        """What an axis sets at a point that has some method, model and data."""
        paired = len(axis.paths) > 1
        return {
            place: Later(axis.value, item=i if paired else None)
            for i, path in enumerate(axis.paths)
            for place in self.places.here(path, has or {})
        }

    # Runs

    def runs(self) -> set[Expected]:
        """Every run of the study."""
        return {run for grid in self.grids for run in self._grid(grid)}

    def _grid(self, grid: syntax.Grid) -> Iterator[Expected]:
        axes = [one for one in grid.entries if isinstance(one, syntax.Axis)]
        filters = [one for one in grid.entries if isinstance(one, syntax.Filter)]
        repeats = [one for one in grid.entries if isinstance(one, syntax.Repeat)]
        own, is_new = (repeats[0] if repeats else None), grid.name.text in self.added
        seeds, vary = replicates(own if is_new and own else self.replaced or own or self.repeat)
        for arm, last, world in self._points(axes):
            if not any(removes(one, world.noted, self.places) for one in filters):
                for seed in seeds:
                    yield Expected(arm, seed, spelled(seeded(last, seed, vary)))

    def _under(self, axes: Sequence[syntax.Axis], has: Mapping[str, object]) -> None:
        """Set what the axes of a grid say where a point has some method, model and data."""
        said = {place: later for one in axes for place, later in self._set(one, has).items()}
        edits = self.values.edits
        self.values.axes = {place: edits.get(place, later) for place, later in said.items()}

    def _points(self, axes: Sequence[syntax.Axis]) -> Iterator[tuple[str, Stage, World]]:
        for call, has, world in self._arms(axes):
            self._under(axes, has)
            for last, found in self._stages(call, Around(), None, world):
                if last is None:
                    continue
                known = found.note(("method",), name_of(call))
                for _, with_model in self._root("model", known):
                    for _, everything in self._root("data", with_model):
                        yield arm_name(call), last, everything

    def _arms(
        self, axes: Sequence[syntax.Axis]
    ) -> Iterator[tuple[syntax.Expr, dict[str, object], World]]:
        """Every model, data source and arm together."""
        self._under(axes, {})
        said = self.values.axes
        for model, one in self._root("model", World()):
            for data, two in self._root("data", one):
                for call, three in self.values.options(said["method",], two):
                    yield call, {"model": model, "data": data, "method": name_of(call)}, three

    def _root(self, kind: str, world: World) -> Evaluated:
        """The name of the point's model or data source."""
        axis = self.values.axes.get((kind,))
        if axis is None:
            name = next(one.name.text for one in self.declared.values() if one.kind == kind)
            yield name, world.note((kind,), name)
            return
        for option, after in self.values.options(axis, world):
            yield name_of(option), after.note((kind,), name_of(option))

    # Stages

    def _stages(
        self, expression: syntax.Expr, around: Around, before: Stage | None, world: World
    ) -> Staged:
        expression = stripped(expression)
        match expression:
            case syntax.Then():
                reached: list[tuple[Stage | None, World]] = [(before, world)]
                for part in expression.parts:
                    reached = [
                        one
                        for last, now in reached
                        for one in self._stages(part, around, last, now)
                    ]
                yield from reached
            case syntax.Alternatives():
                for i, after in world.take(expression, len(expression.options)):
                    yield from self._stages(expression.options[i], around, before, after)
            case syntax.Path() if str(expression) == "none":
                yield before, world
            case _ if name_of(expression) in self.declared:
                inside = self._called(expression, around)
                body = self.declared[inside.method].value
                yield from self._stages(body, inside, before, world)
            case _:
                yield from self._stage(expression, around, before, world)

    def _called(self, call: syntax.Expr, around: Around) -> Around:
        """Inside a method that is called: its parameters, and what the call sets in it."""
        method = str(name_of(call))
        parameters = {one.name.text for one in self.declared[method].parameters}
        bound: dict[str, Later] = {}
        inside: dict[Location, Later] = {}
        for one in call.arguments if isinstance(call, syntax.Call) else ():
            name = str(one.name)
            said = self.values.said(("call", id(call), name), around)
            later = said or Later(one.value, around)
            if name in parameters:
                bound[name] = later
            else:
                inside |= dict.fromkeys(self.places.inside(method, name), later)
        return Around(method, bound, inside)

    def _stage(
        self, call: syntax.Expr, around: Around, before: Stage | None, world: World
    ) -> Staged:
        parts, at = self.places.stage(call), ("stage", id(call))
        own, through = parts.signature, parts.through
        if through is not None:
            rest = tuple(one for one in own.parameters if one.name != "through")
            own = replace(own, parameters=rest)
        for arguments, now in self.values.arguments(
            own, parts.arguments, Here(Type("stage"), around, at), world
        ):
            built: list[tuple[Value, World]] = [(None, now)]
            if through is not None:
                there = Here(Type(through.kind), around, (*at, "through"))
                built = list(self.values.build(through, parts.inner, there, now))
            for inner, then in built:
                full = arguments if through is None else {**arguments, "through": inner}
                for given, after in self._supplied(own, full, before, then):
                    yield Stage(own.name, given, before, frozenset(own.streams)), after

    def _supplied(
        self, signature: Signature, arguments: dict[str, Value], before: Stage | None, world: World
    ) -> Evaluated:
        """The point's model for a first stage, and its data for any, where they take one."""
        found: list[tuple[dict[str, Value], World]] = [(arguments, world)]
        for info in signature.parameters:
            kind = info.type.name
            missing = kind in ("model", "data") and arguments[info.name] is None
            if missing and (kind == "data" or before is None):
                found = [
                    ({**known, info.name: value}, after)
                    for known, now in found
                    for name, then in self._root(kind, now)
                    for value, after in self.values.declaration(name, then)
                ]
        yield from found


def replicates(repeat: syntax.Repeat | None) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The seeds of a block and the streams that vary; no streams are all of them."""
    if repeat is None:
        return (0,), ()
    vary = tuple(sorted(one.text for one in repeat.vary))
    count = stripped(repeat.count)
    if isinstance(count, syntax.ListOf):
        return tuple(int(n.value) for n in count.items if isinstance(n, syntax.Number)), vary
    assert isinstance(count, syntax.Number)
    return tuple(range(int(count.value))), vary


def seeded(last: Stage, seed: int, vary: tuple[str, ...]) -> list[Value]:
    """The stages of a run; one has the seed once something random acted on it."""
    found: list[Value] = []
    acted = False
    for stage in last.chain():
        acted = acted or bool(stage.streams & set(vary) if vary else stage.streams)
        told = [seed, list(vary)] if acted else [None, []]
        found.append([stage.component, stage.arguments, *told])
    return found


def arm_name(call: syntax.Expr) -> str:
    """An arm by its name and what a call refines, in the order it was written."""
    if not isinstance(call, syntax.Call) or not call.arguments:
        return str(name_of(call))
    return f"{name_of(call)}({', '.join(str(one.name) for one in call.arguments)})"


def spelled(value: Value) -> str:
    """Nested values as text, numbers to ten digits, so that they can be compared."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {spelled(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(spelled(one) for one in value) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    return f"{value:.10g}"
