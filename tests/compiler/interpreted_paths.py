"""Where a path points, found in the syntax tree by rule 5 of the language, for the interpreter.

A location is a tuple: `("let", name)`, `("param", method, name)`, `("stage", node, argument, …)`,
`("call", node, argument)`, `("declared", name, argument, …)`, `("method",)`, `("model",)`,
`("data",)`. A node is the `id` of the place in the syntax tree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lab.spec import syntax
from lab.spec.signature import Catalog, ParameterInfo, Signature

Location = tuple[object, ...]
ROOTS = ("method", "model", "data")


class AmbiguousError(Exception):
    """Two matches on one level."""


@dataclass(frozen=True)
class Entry:
    """Something that a path may name, and what it looks into next."""

    name: str
    location: Location
    inside: "tuple[Entry, ...]"


@dataclass(frozen=True)
class StageParts:
    """A stage as written: the reparameterization that it is short for has arguments of its own."""

    signature: Signature
    arguments: Mapping[str, syntax.Expr]
    through: Signature | None
    inner: Mapping[str, syntax.Expr]


def stripped(expression: syntax.Expr) -> syntax.Expr:
    """Without the brackets around it."""
    while isinstance(expression, syntax.Group) and len(expression.items) == 1:
        expression = expression.items[0]
    return expression


def name_of(expression: syntax.Expr) -> str | None:
    """The name that is mentioned or called."""
    if isinstance(expression, syntax.Call):
        return str(expression.function)
    return str(expression) if isinstance(expression, syntax.Path) else None


def named(signature: Signature, call: syntax.Expr) -> dict[str, syntax.Expr]:
    """Arguments of a component by name; those without one are the positional parameters."""
    given = call.arguments if isinstance(call, syntax.Call) else ()
    places = iter([one.name for one in signature.parameters if one.positional])
    found: dict[str, syntax.Expr] = {}
    for argument in given:
        if argument.name is not None:
            found[str(argument.name)] = argument.value
        elif isinstance(argument.value, syntax.Arrow):
            found |= {"start": argument.value.start, "stop": argument.value.stop}
        else:
            found[next(places)] = argument.value
    return found


class Places:
    """What the paths of a study point at."""

    def __init__(self, catalog: Catalog, declared: Mapping[str, syntax.Definition]) -> None:
        self.catalog = catalog
        self.declared = declared
        self._owner = ""

    def stage(self, call: syntax.Expr) -> StageParts:
        """A stage with its arguments sorted."""
        name = name_of(call)
        assert name is not None
        direct = self.catalog.get("stage", name)
        if direct is not None:
            return StageParts(direct, named(direct, call), None, {})
        through = self.catalog.signatures["reparameterization", name]
        made = self.catalog.signatures["stage", str(through.stage)]
        written = named(through, call)
        inner = {one: value for one, value in written.items() if through.parameter(one)}
        outer = {one: value for one, value in written.items() if one not in inner}
        return StageParts(made, outer, through, inner)

    def resolve(self, path: syntax.Path) -> list[Location]:
        """The locations of a path; none where it points nowhere."""
        names = [one.text for one in path.names]
        if names[0] not in ROOTS:
            return self._within(self.declared[names[0]], names[1:])
        if len(names) == 1:
            return [(names[0],)]
        return [place for _, found in self.by_owner(path) for place in found]

    def by_owner(self, path: syntax.Path) -> list[tuple[str, list[Location]]]:
        """The locations of `method.x`, `model.x` or `data.x`, by the definition that has each."""
        names = [one.text for one in path.names]
        of_kind = [one for one in self.declared.values() if one.kind == names[0]]
        return [(one.name.text, self._one_of(one, names[1:])) for one in of_kind]

    def _one_of(self, definition: syntax.Definition, names: list[str]) -> list[Location]:
        """What a definition has; nothing where it is not clear which, and no grid has it then."""
        try:
            return self._within(definition, names)
        except AmbiguousError:
            return []

    def here(self, path: syntax.Path, has: Mapping[str, object]) -> list[Location]:
        """The locations of a path at a point; `has` are the names of its method, model and data."""
        root = path.names[0].text
        if root not in ROOTS or len(path.names) == 1 or root not in has:
            return self.resolve(path)
        return [
            place for name, found in self.by_owner(path) if name == has[root] for place in found
        ]

    def inside(self, method: str, name: str) -> list[Location]:
        """What a call of a method sets by a name that is no parameter."""
        return self._within(self.declared[method], name.split("."))

    def _within(self, definition: syntax.Definition, names: list[str]) -> list[Location]:
        self._owner = name = definition.name.text
        if not names:
            return [("let", name)]
        if definition.kind != "method":
            return self._search(self._component(definition.value, ("declared", name)), names)
        if names[0] in {one.name.text for one in definition.parameters}:
            return [("param", name, names[0])]
        return self._search(tuple(self._written(definition.value)), names)

    def _search(self, level: tuple[Entry, ...], names: list[str]) -> list[Location]:
        while level:
            hits = [one for one in level if one.name == names[0]]
            places = {one.location for one in hits}
            if len(places) > 1:
                raise AmbiguousError(names[0])
            if hits and len(names) == 1:
                return [hits[0].location]
            if hits:
                return self._search(tuple(e for one in hits for e in one.inside), names[1:])
            level = tuple(entry for one in level for entry in one.inside)
        return []

    def _written(self, expression: syntax.Expr) -> Iterator[Entry]:
        """Stages that a method writes, with their arguments, on one level."""
        match expression:
            case syntax.Then(parts=parts) | syntax.Group(items=parts):
                for part in parts:
                    yield from self._written(part)
            case syntax.Alternatives(options=options):
                for option in options:
                    yield from self._written(option)
            case syntax.Call() if name_of(expression) in self.declared:
                for one in expression.arguments:
                    yield Entry(str(one.name), ("call", id(expression), str(one.name)), ())
            case syntax.Call() | syntax.Path():
                name = name_of(expression)
                if name is not None and name != "none" and name not in self.declared:
                    yield from self._stage_entries(expression, name)
            case _:
                return

    def _stage_entries(self, call: syntax.Expr, name: str) -> Iterator[Entry]:
        parts, at = self.stage(call), ("stage", id(call))
        arguments = list(self._arguments(parts.signature, parts.arguments, at))
        if parts.through is not None:
            within = (*at, "through")
            inner = tuple(self._arguments(parts.through, parts.inner, within))
            arguments = [one for one in arguments if one.name != "through"]
            arguments += [*inner, Entry("through", within, inner)]
        yield Entry(name, at, tuple(arguments))
        yield from arguments

    def _arguments(
        self, signature: Signature, written: Mapping[str, syntax.Expr], at: Location
    ) -> Iterator[Entry]:
        for info in signature.parameters:
            place = (*at, info.name)
            value = written.get(info.name)
            inside = self._default(info, place) if value is None else self._component(value, place)
            yield Entry(info.name, place, inside)

    def _component(self, expression: syntax.Expr, at: Location) -> tuple[Entry, ...]:
        """Arguments of whatever may stand at a place; alternatives share their places."""
        expression = stripped(expression)
        if isinstance(expression, syntax.Alternatives):
            return tuple(one for part in expression.options for one in self._component(part, at))
        name = name_of(expression)
        behind = self._behind(name, str(at[1]) if at[0] == "param" else self._owner)
        if behind is not None:
            return self._component(*behind)
        known = [one for one in self.catalog.signatures.values() if one.name == name]
        if not known or name in self.declared:
            return ()
        return tuple(self._arguments(known[0], named(known[0], expression), at))

    def _behind(self, name: str | None, owner: str) -> tuple[syntax.Expr, Location] | None:
        """What a parameter or a shared value stands for, and where that is set."""
        definition = self.declared.get(owner)
        for one in definition.parameters if definition else ():
            if one.name.text == name and one.default is not None:
                return one.default, ("param", owner, name)
        if name in self.declared and self.declared[name].kind == "let":
            return self.declared[name].value, ("let", name)
        return None

    def _default(self, info: ParameterInfo, at: Location) -> tuple[Entry, ...]:
        value = info.default
        if not isinstance(value, dict) or "component" not in value:
            return ()
        signature = self.catalog.signatures[value["kind"], value["component"]]
        return tuple(
            Entry(one.name, (*at, one.name), self._default(one, (*at, one.name)))
            for one in signature.parameters
        )
