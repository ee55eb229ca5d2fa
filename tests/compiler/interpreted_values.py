"""What an expression may be, as everything that it may be: values for the interpreter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from interpreted_numbers import ANY, Quantity, Value, calculated, members, plain, written_number
from interpreted_paths import Location, name_of, named, stripped

from lab.spec import syntax
from lab.spec.signature import Catalog, ParameterInfo, Signature, Type


@dataclass(frozen=True)
class World:
    """The options taken, by place in the text, and the values found, by location."""

    taken: Mapping[int, int] = field(default_factory=dict)
    noted: Mapping[Location, Value] = field(default_factory=dict)

    def take(self, site: object, count: int) -> "Iterator[tuple[int, World]]":
        """Every option at a place, or the one that was taken there already."""
        if id(site) in self.taken:
            yield self.taken[id(site)], self
        else:
            for i in range(count):
                yield i, replace(self, taken={**self.taken, id(site): i})

    def note(self, at: Location, value: Value) -> "World":
        """The world in which a location has a value."""
        return replace(self, noted={**self.noted, at: value})


@dataclass(frozen=True)
class Around:
    """Where an expression stands: the method, what its parameters are, what a call set inside."""

    method: str = ""
    bound: "Mapping[str, Later]" = field(default_factory=dict)
    inside: "Mapping[Location, Later]" = field(default_factory=dict)


@dataclass(frozen=True)
class Later:
    """An expression where it was written; of a paired axis, the part of each row that counts."""

    expression: syntax.Expr
    around: Around = Around()
    item: int | None = None


@dataclass(frozen=True)
class Here:
    """Where a value is asked for: what of, in what surroundings, at which location."""

    want: Type
    around: Around = Around()
    at: Location = ()


Evaluated = Iterator[tuple[Value, World]]


class Values:
    """Values of one study under the axes of one grid and the edits of one profile."""

    def __init__(self, catalog: Catalog, declared: Mapping[str, syntax.Definition]) -> None:
        self.catalog = catalog
        self.declared = declared
        self.edits: dict[Location, Later] = {}
        self.axes: Mapping[Location, Later] = {}

    def said(self, at: Location, around: Around) -> Later | None:
        """What somebody outside says of a location: a call, else an axis, else the profile."""
        return around.inside.get(at) or self.axes.get(at) or self.edits.get(at)

    def options(self, later: Later, world: World) -> Iterator[tuple[syntax.Expr, World]]:
        """The bare options behind an expression; of a pair, the part that counts."""
        expression = stripped(later.expression)
        if isinstance(expression, syntax.Alternatives):
            for i, after in world.take(expression, len(expression.options)):
                yield from self.options(replace(later, expression=expression.options[i]), after)
        elif isinstance(expression, syntax.Group) and later.item is not None:
            part = Later(expression.items[later.item], later.around)
            yield from self.options(part, world)
        else:
            yield expression, world

    def declaration(self, name: str, world: World) -> Evaluated:
        """A declared model or data source."""
        one = self.declared[name]
        yield from self.value(one.value, Here(Type(one.kind), at=("declared", name)), world)

    # Components

    def build(
        self, signature: Signature, written: Mapping[str, syntax.Expr], here: Here, world: World
    ) -> Evaluated:
        """Every component that a call may mean."""
        for args, after in self.arguments(signature, written, here, world):
            yield {"component": signature.name, "kind": signature.kind, "args": args}, after

    def arguments(
        self, signature: Signature, written: Mapping[str, syntax.Expr], here: Here, world: World
    ) -> Evaluated:
        """The arguments of a component by name, its defaults among them."""
        found: list[tuple[dict[str, Value], World]] = [({}, world)]
        for info in signature.parameters:
            given = written.get(info.name)
            asked = Here(info.type, here.around, (*here.at, info.name))
            found = [
                ({**known, info.name: value}, after)
                for known, now in found
                for value, after in self._argument(info, given, asked, now)
            ]
        yield from found

    def _argument(
        self, info: ParameterInfo, written: syntax.Expr | None, here: Here, world: World
    ) -> Evaluated:
        said = self.said(here.at, here.around)
        if said is not None:
            found = self._later(said, here, world)
        elif written is not None:
            found = self.value(written, here, world)
        else:
            found = self._default(info.default, here, world)
        for value, after in found:
            yield value, after.note(here.at, value)

    def _default(self, value: Value, here: Here, world: World) -> Evaluated:
        """A default, in which something may be set."""
        if not isinstance(value, dict) or "component" not in value:
            yield value, world
            return
        signature = self.catalog.signatures[value["kind"], value["component"]]
        changed = tuple(
            replace(one, default=value["args"][one.name]) for one in signature.parameters
        )
        yield from self.build(replace(signature, parameters=changed), {}, here, world)

    # Values

    def _later(self, later: Later, here: Here, world: World) -> Evaluated:
        there = replace(here, around=later.around)
        if later.item is None:
            yield from self.value(later.expression, there, world)
            return
        for part, after in self.options(later, world):
            yield from self.value(part, there, after)

    def value(self, expression: syntax.Expr, here: Here, world: World) -> Evaluated:
        """Every value of an expression where a type is asked for."""
        expression = stripped(expression)
        match expression:
            case syntax.Alternatives():
                for i, after in world.take(expression, len(expression.options)):
                    yield from self.value(expression.options[i], here, after)
            case syntax.ListOf():
                yield from self._list(expression, here, world)
            case syntax.Text() if here.want.name == "file":
                content = f"content of {expression.value}"
                yield {"file": expression.value, "content": content}, world
            case syntax.Text():
                yield [expression.value] if here.want.many else expression.value, world
            case syntax.Path() | syntax.Call():
                yield from self._named(expression, here, world)
            case syntax.Then() | syntax.Lasting():
                yield from self._pieces(expression, here, world)
            case _:
                for number, after in self._quantity(expression, here.around, world):
                    yield plain(number, here.want), after

    def _list(self, expression: syntax.ListOf, here: Here, world: World) -> Evaluated:
        found: list[tuple[list[Value], World]] = [([], world)]
        one = Here(replace(here.want, many=False), here.around)
        for item in expression.items:
            found = [
                ([*known, value], after)
                for known, now in found
                for value, after in self.value(item, one, now)
            ]
        yield from found

    def _pieces(self, expression: syntax.Expr, here: Here, world: World) -> Evaluated:
        """A schedule in pieces; the last one takes what is left."""
        parts = expression.parts if isinstance(expression, syntax.Then) else (expression,)
        lasts = Here(Type("duration"), here.around)
        found: list[tuple[list[Value], World]] = [([], world)]
        for part in map(stripped, parts):
            is_timed = isinstance(part, syntax.Lasting)
            found = [
                ([*known, {"value": value, "for": duration}], after)
                for known, now in found
                for value, then in self.value(part.value if is_timed else part, here, now)
                for duration, after in (
                    self.value(part.duration, lasts, then) if is_timed else [(None, then)]
                )
            ]
        for pieces, after in found:
            yield {"schedule": "pieces", "pieces": pieces}, after

    def _named(self, expression: syntax.Path | syntax.Call, here: Here, world: World) -> Evaluated:
        """Rule 6: a parameter in scope, else a word of the type, else a declared name."""
        name = str(name_of(expression))
        words = {"true": True, "false": False, "none": None}
        words |= {one: one for one in here.want.words}
        if self._is_parameter(name, here.around):
            place, later = self._parameter(name, here.around)
            for value, after in self._later(later, replace(here, at=place), world):
                yield value, after.note(place, value)
        elif name in words:
            yield words[name], world
        elif name not in self.declared:
            signature = self.catalog.signatures[here.want.name, name]
            yield from self.build(signature, named(signature, expression), here, world)
        elif self.declared[name].kind == "let":
            asked = replace(here, at=("let", name))
            for value, after in self._later(self._let(name), asked, world):
                yield value, after.note(("let", name), value)
        elif self.declared[name].kind == "schedule":
            yield from self._schedule(expression, here, world)
        else:
            yield from self.declaration(name, world)

    def _schedule(self, call: syntax.Path | syntax.Call, here: Here, world: World) -> Evaluated:
        one = self.declared[str(name_of(call))]
        given = call.arguments if isinstance(call, syntax.Call) else ()
        names = [parameter.name.text for parameter in one.parameters]
        bound = {
            names[i] if argument.name is None else str(argument.name): Later(
                argument.value, here.around
            )
            for i, argument in enumerate(given)
        }
        inside = replace(here, around=Around(one.name.text, bound), at=())
        yield from self.value(one.value, inside, world)

    def _is_parameter(self, name: str, around: Around) -> bool:
        one = self.declared.get(around.method)
        return one is not None and name in {each.name.text for each in one.parameters}

    def _parameter(self, name: str, around: Around) -> tuple[Location, Later]:
        place: Location = ("param", around.method, name)
        if name in around.bound:
            return place, around.bound[name]
        default = next(
            one.default for one in self.declared[around.method].parameters if one.name.text == name
        )
        assert default is not None
        return place, self.said(place, around) or Later(default)

    def _let(self, name: str) -> Later:
        return self.said(("let", name), Around()) or Later(self.declared[name].value)

    # Arithmetic

    def _quantity(
        self, expression: syntax.Expr, around: Around, world: World
    ) -> Iterator[tuple[Quantity, World]]:
        """Every number that an arithmetic expression may be."""
        expression = stripped(expression)
        match expression:
            case syntax.Number():
                yield written_number(expression), world
            case syntax.Sign():
                zero = Quantity(0)
                for one, after in self._quantity(expression.operand, around, world):
                    yield calculated(expression.op, zero, one), after
            case syntax.Binary():
                for left, now in self._quantity(expression.left, around, world):
                    for right, after in self._quantity(expression.right, around, now):
                        yield calculated(expression.op, left, right), after
            case syntax.Alternatives():
                for i, after in world.take(expression, len(expression.options)):
                    yield from self._quantity(expression.options[i], around, after)
            case syntax.Range():
                yield from self._range(expression, around, world)
            case _:
                yield from self._number_behind(str(expression), around, world)

    def _number_behind(
        self, name: str, around: Around, world: World
    ) -> Iterator[tuple[Quantity, World]]:
        is_parameter = self._is_parameter(name, around)
        place, later = (
            self._parameter(name, around) if is_parameter else (("let", name), self._let(name))
        )
        parts = [(later.expression, world)] if later.item is None else self.options(later, world)
        for part, now in parts:
            for number, after in self._quantity(part, later.around, now):
                yield number, after.note(place, plain(number, ANY))

    def _range(
        self, expression: syntax.Range, around: Around, world: World
    ) -> Iterator[tuple[Quantity, World]]:
        for start, one in self._quantity(expression.start, around, world):
            for stop, two in self._quantity(expression.stop, around, one):
                for by, now in self._step(expression.by, around, two):
                    values = members(start.amount, stop.amount, by, log=expression.log)
                    for i, after in now.take(expression, len(values)):
                        yield Quantity(values[i], stop.unit), after

    def _step(
        self, by: syntax.Expr | None, around: Around, world: World
    ) -> Iterator[tuple[Quantity | None, World]]:
        if by is None:
            yield None, world
        else:
            yield from self._quantity(by, around, world)
