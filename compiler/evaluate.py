"""The value of an expression at one point.

A point is what the axes of a grid and a `Chooser` make of a study. `Evaluator.value` resolves an
expression to plain JSON (`lab.spec.values`), looking every argument up in this order: what a
refined arm says of its slot, what an axis says, what the definition says, the component's default.
On the way it notes the value of every slot it passes, which is what conditions and tables read.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, cast

from lab.compiler.arithmetic import between, combined, range_values
from lab.compiler.axes import Axes
from lab.compiler.canonical import text_of, text_of_arguments
from lab.compiler.cells import Cell, Noted, Settings
from lab.compiler.chooser import Chooser
from lab.compiler.problem import Problem
from lab.spec import core
from lab.spec.records import made_by, record, replaced
from lab.spec.signature import Catalog, ParameterInfo, Signature, Type
from lab.spec.source import Span
from lab.spec.units import Duration
from lab.spec.values import Value

if TYPE_CHECKING:
    from lab.compiler.stages import Template

T = TypeVar("T")

#: Checksum of a file named relative to the study, None while it is not known.
Contents = Callable[[str], str | None]

#: The point's model or data, where a stage that comes at its place is given one.
Root = Literal["model", "data"]
KINDS: tuple[Root, Root] = ("model", "data")
Supply = Callable[[Root], Cell | None]

ANYTHING = Type("any")
#: Parameters that are no values of the point: arms are inputs, the others describe evidence.
ELSEWHERE = frozenset({"arm", "path", "condition"})


class Closure(NamedTuple):
    """An expression and where its names are looked up; `item` picks from a paired option."""

    expression: "core.Core | Resolved"
    environment: "Environment"
    item: int | None = None


class Resolved(NamedTuple):
    """A value that is known already, standing where an expression could."""

    value: Value


@record
class Environment:
    """What surrounds an expression: arguments of the definition it stands in (by slot), and values
    that a refined arm sets inside the methods below it (by slot)."""

    bindings: Mapping[str, Closure] = made_by(default_factory=dict[str, Closure])
    overrides: Mapping[str, Closure] = made_by(default_factory=dict[str, Closure])


NOWHERE = Environment()


class Evaluator:
    """Values at one point. `settings` fills up with what was found at each slot.

    Args:
        study: the checked study. `catalog`: signatures of its components.
        contents: checksum of a file, by name.
        axes: what the grid sets, by slot.
        chooser: the choices of this point.
    """

    def __init__(
        self,
        study: core.Study,
        catalog: Catalog,
        contents: Contents,
        *,
        axes: Mapping[str, Closure],
        chooser: Chooser,
    ) -> None:
        self.study = study
        self.catalog = catalog
        self.contents = contents
        self.axes = axes
        self.chooser = chooser
        self.settings = Settings()
        self.forks = True
        self.winners: Mapping[str, Template] = {}
        #: How often something was asked for that another point may answer differently.
        self.asked = 0
        #: Slots that were looked up among the axes, while somebody wants to know.
        self.looked: set[str] | None = None

    def take(self, axes: Mapping[str, Closure]) -> None:
        """Go on under these axes."""
        self.axes = axes

    def narrow(self, kind: str, name: str) -> None:
        """Set from here on what the axes set where the point has this method, model or data."""
        axes = self.axes
        if isinstance(axes, Axes) and kind in axes.roots:
            self.take(axes.within(kind, name))

    def at(self, kind: str, name: str, work: Callable[[], T]) -> T:
        """What `work` gives at the same point, had it this method, model or data."""
        axes = self.axes
        self.narrow(kind, name)
        if self.axes is axes:
            return work()
        try:
            return work()
        finally:
            self.take(axes)

    def recalled(self, key: tuple[object, ...], work: Callable[[], T]) -> T:
        """What `work` gives, which a subclass may remember by `key` as long as nothing is asked."""
        return work()

    def lookup(self, slot: str, environment: Environment) -> Closure | None:
        """What is said about a slot from outside its definition, if anything."""
        refined = environment.overrides.get(slot)
        if refined is not None:
            return refined
        if self.looked is not None:
            self.looked.add(slot)
        closure = self.axes.get(slot)
        if closure is None:
            return None
        self.asked += isinstance(closure.expression, Resolved)
        return closure if self.forks or self._settled(closure.expression) else None

    def _settled(self, expression: "core.Core | Resolved") -> bool:
        if not isinstance(expression, core.Choice | core.RangeChoice):
            return True
        self.asked += 1
        return self.chooser.met(expression)

    def closed(self, closure: Closure) -> tuple["core.Core | Resolved", Environment]:
        """The expression a closure stands for once its choices at the top are made."""
        expression, environment, item = closure
        if item is None:
            return expression, environment
        while isinstance(expression, core.Choice):
            expression = self.chosen(expression)
        if not isinstance(expression, core.ListValue):
            raise TypeError("a paired axis has lists as its options")
        return expression.items[item], environment

    def chosen(self, choice: core.Choice) -> core.Core:
        """The option of a choice at this point."""
        self.asked += 1
        if not self.forks and not self.chooser.met(choice):
            return choice.options[0]
        return choice.options[self.chooser.choose(choice, len(choice.options))]

    def of(self, closure: Closure, want: Type = ANYTHING) -> Value:
        """The value of a closure."""
        expression, environment = self.closed(closure)
        if isinstance(expression, Resolved):
            return expression.value
        return self.value(expression, environment, want)

    def value(
        self, expression: core.Core, environment: Environment = NOWHERE, want: Type = ANYTHING
    ) -> Value:
        """The value of an expression, in the form its type asks for."""
        evaluate = self._HANDLERS.get(type(expression))
        if evaluate is None:
            raise TypeError(f"{type(expression).__name__} is no value")
        return coerced(evaluate(self, expression, environment), want)

    def _const(self, expression: core.Const, _: Environment) -> Value:
        if isinstance(expression.value, Duration):
            return {"duration": expression.value.amount, "unit": expression.value.unit}
        return expression.value

    def _file(self, expression: core.FileValue, _: Environment) -> Value:
        content = self.contents(expression.path)
        if content is None and expression.or_name:
            return expression.path
        return {"file": expression.path, "content": content}

    def _reference(self, expression: core.Reference, environment: Environment) -> Value:
        return self.reference(expression.slot, environment, expression.span)

    def reference(self, slot: str, environment: Environment, span: Span) -> Value:
        """The value of a parameter or a `let`, by its slot."""
        found = self.of(self.meant(slot, environment, span))
        self.settings[slot] = Noted(found, "")
        return found

    def meant(self, slot: str, environment: Environment, span: Span) -> Closure:
        """What a parameter or a `let` stands for."""
        closure = environment.bindings.get(slot) or self.lookup(slot, environment)
        return closure or self._defined(slot, span)

    def _defined(self, slot: str, span: Span) -> Closure:
        if slot.startswith("let "):
            return Closure(self.study.definitions[slot.removeprefix("let ")].value, NOWHERE)
        name, parameter = slot.removesuffix(")").split("(")
        default = self.study.definitions[name].parameters[parameter]
        if default is None:
            raise Problem("E0301", f"`{name}` needs a value for `{parameter}`", span)
        return Closure(default, NOWHERE)

    def _build(self, expression: core.Build, environment: Environment) -> Value:
        signature = self.catalog.signatures[expression.kind, expression.component]
        args = self.arguments(signature, expression.arguments, expression.slot, environment)
        return {"component": signature.name, "kind": signature.kind, "args": args}

    def worked_out(
        self,
        owner: core.Build | core.Measure,
        signature: Signature,
        environment: Environment,
        supply: Supply,
    ) -> Cell:
        """The arguments of a stage or measurement, with the point's model and data supplied."""
        if isinstance(owner, core.Build):
            found = self.stage_arguments(signature, owner, environment)
        else:
            slot = owner.slot or owner.measurement
            found = self.arguments(signature, owner.arguments, slot, environment)
        for info in signature.parameters:
            kind = info.type.name
            if kind in KINDS and found.get(info.name) is None:
                given = supply(kind)
                found[info.name] = None if given is None else given.value
        return Cell(found, text_of_arguments(signature, found, self.catalog))

    def stage_arguments(
        self, signature: Signature, build: core.Build, environment: Environment
    ) -> dict[str, Value]:
        """The arguments of a stage, nothing supplied."""
        return self.arguments(signature, build.arguments, build.slot, environment)

    def value_cell(self, expression: core.Core, environment: Environment) -> Cell:
        """The value of an expression, with its text."""
        value = self.value(expression, environment)
        return Cell(value, text_of(value, self.catalog))

    def declared(self, kind: Root, name: str) -> Value:
        """The value of a declared model or data source."""
        outside = self.lookup(f"{kind} {name}", NOWHERE)
        if outside is not None:
            return self.of(outside)
        return self.value(self.study.definitions[name].value)

    def arguments(
        self,
        signature: Signature,
        written: Mapping[str, core.Core],
        slot: str,
        environment: Environment,
    ) -> dict[str, Value]:
        """Every argument of a component but its arms, defaults filled in."""
        found: dict[str, Value] = {}
        for info in signature.parameters:
            if info.type.mapping and info.type.name not in ELSEWHERE:
                found[info.name] = self.mapping(
                    signature, info, written, slot=slot, environment=environment
                )
            elif info.type.name not in ELSEWHERE:
                at = f"{slot}.{info.name}"
                found[info.name] = self.argument(info, written.get(info.name), at, environment)
        return found

    def mapping(
        self,
        signature: Signature,
        info: ParameterInfo,
        written: Mapping[str, core.Core],
        *,
        slot: str,
        environment: Environment,
    ) -> Value:
        """The arguments whose names are labels that the component knows only at run time."""
        one = replaced(info, type=replaced(info.type, mapping=False))
        return {
            label: self.argument(one, value, f"{slot}.{label}", environment)
            for label, value in written.items()
            if signature.parameter(label) is None or label == info.name
        }

    def argument(
        self, info: ParameterInfo, written: core.Core | None, slot: str, environment: Environment
    ) -> Value:
        """One argument; notes its value at the slot."""
        outside = self.lookup(slot, environment)
        if outside is not None:
            found = coerced(self.of(outside, info.type), info.type)
        elif written is not None:
            found = self.value(written, environment, info.type)
        else:
            found = self.default(info.default, slot, environment)
        check_range(info, found, written)
        self.settings[slot] = Noted(found, info.type.name)
        return found

    def default(self, value: Value, slot: str, environment: Environment) -> Value:
        """A component's default, in which an axis may still set something."""
        if not isinstance(value, dict) or "component" not in value:
            return value
        signature = self.catalog.signatures[cast(str, value["kind"]), cast(str, value["component"])]
        known = cast(Mapping[str, Value], value["args"])
        args: dict[str, Value] = {}
        for info in signature.parameters:
            at = f"{slot}.{info.name}"
            outside = self.lookup(at, environment)
            found = self.default(known.get(info.name), at, environment)
            if outside is not None:
                found = coerced(self.of(outside, info.type), info.type)
            self.settings[at] = Noted(found, info.type.name)
            args[info.name] = found
        return {**value, "args": args}

    def _list(self, expression: core.ListValue, environment: Environment) -> Value:
        return [self.value(item, environment) for item in expression.items]

    def _choice(self, expression: core.Choice, environment: Environment) -> Value:
        return self.value(self.chosen(expression), environment)

    def _range(self, expression: core.RangeChoice, environment: Environment) -> Value:
        self.asked += 1
        ends = (self.value(expression.start, environment), self.value(expression.stop, environment))
        by = None if expression.by is None else self.value(expression.by, environment)
        if expression.continuous:
            number = self.chooser.number(expression, *between(expression, ends))
            return round(number) if expression.whole else float(number)
        values = range_values(expression, ends, by)
        if not self.forks and not self.chooser.met(expression):
            return values[0]
        return values[self.chooser.choose(expression, len(values))]

    def _arithmetic(self, expression: core.Arithmetic, environment: Environment) -> Value:
        left = self.value(expression.left, environment)
        right = self.value(expression.right, environment)
        return combined(expression.op, left, right, expression.span)

    def _pieces(self, expression: core.Pieces, environment: Environment) -> Value:
        pieces: list[Value] = [
            {
                "value": self.value(value, environment),
                "for": None if lasting is None else self.value(lasting, environment, DURATION),
            }
            for value, lasting in expression.pieces
        ]
        return {"schedule": "pieces", "pieces": pieces}

    def _schedule(self, expression: core.ScheduleCall, environment: Environment) -> Value:
        inside = self.bound(expression.name, expression.arguments, environment)
        return self.value(self.study.definitions[expression.name].value, inside)

    def bound(
        self, name: str, arguments: Mapping[str, core.Core], environment: Environment
    ) -> Environment:
        """The environment inside a definition called with arguments."""
        bindings = {
            f"{name}({parameter})": Closure(value, environment)
            for parameter, value in arguments.items()
        }
        return Environment(bindings, environment.overrides)

    def inside(self, arm: core.Arm, environment: Environment) -> Environment:
        """The environment inside an arm: what a call says, unless an axis sets its place."""

        def said(name: str, value: core.Core) -> Closure:
            outside = self.lookup(arm.places.get(name, ""), environment)
            return outside or Closure(value, environment)

        bindings = {
            f"{arm.name}({name})": said(name, value) for name, value in arm.arguments.items()
        }
        refined = {slot: said(slot, value) for slot, value in arm.overrides.items()}
        return Environment(bindings, {**refined, **environment.overrides})

    def _measure(self, expression: core.Measure, environment: Environment) -> Value:
        """What a stage watches while it trains: a measurement of its own network, on validation."""
        if not isinstance(expression.arm, core.TheMethod):
            message = "a stage can watch its own network only, and this measures another arm"
            raise Problem("E0608", message, expression.span)
        signature = self.catalog.signatures["measurement", expression.measurement]
        slot = expression.slot or expression.measurement
        args = self.arguments(signature, expression.arguments, slot, environment)
        if "on" in args and "on" not in expression.arguments:
            args["on"] = "validation"
        return {"component": signature.name, "kind": "measurement", "args": args}

    def _metric(self, expression: core.MetricCall, environment: Environment) -> Value:
        if isinstance(expression.arm, core.Arm):
            message = "a stage can watch its own network only, and this measures another arm"
            raise Problem("E0608", message, expression.span)
        inside = self.bound(expression.name, expression.arguments, environment)
        return self.value(self.study.definitions[expression.name].value, inside)

    def _named(self, expression: core.Named, _: Environment) -> Value:
        return self.declared(expression.kind, expression.name)

    _HANDLERS: Mapping[type, Callable[["Evaluator", object, Environment], Value]] = cast(
        Mapping[type, Callable[["Evaluator", object, Environment], Value]],
        {
            core.Const: _const,
            core.FileValue: _file,
            core.Reference: _reference,
            core.Build: _build,
            core.ListValue: _list,
            core.Choice: _choice,
            core.RangeChoice: _range,
            core.Arithmetic: _arithmetic,
            core.Pieces: _pieces,
            core.ScheduleCall: _schedule,
            core.Named: _named,
            core.Measure: _measure,
            core.MetricCall: _metric,
        },
    )


DURATION = Type("duration")


def coerced(value: Value, want: Type) -> Value:
    """A value in the one form that its type has, so that equal meanings are equal JSON."""
    if want.many and value is not None and not isinstance(value, list):
        value = [value]
    if isinstance(value, list) and want.many:
        one = Type(want.name, want.words, optional=want.optional)
        return [coerced(item, one) for item in _flat(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if want.name in {"duration", "moment"}:
        return {"duration": float(value), "unit": "share"}
    if want.name in {"float", "share", "schedule", "seconds", "decibels"}:
        return float(value)
    if want.name in {"int", "bits", "bytes", "pixels"} and float(value).is_integer():
        return int(value)
    return value


def _flat(items: list[Value]) -> list[Value]:
    flat: list[Value] = []
    for item in items:
        flat.extend(item if isinstance(item, list) else [item])
    return flat


def check_range(info: ParameterInfo, value: Value, written: core.Core | None) -> None:
    """Refuse a computed number outside its parameter's range: the checker saw only constants."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    span = Span(0, 0) if written is None else written.span
    outside = (
        (info.low is not None and value < info.low)
        or (info.high is not None and value > info.high)
        or (info.above is not None and value <= info.above)
        or (info.below is not None and value >= info.below)
    )
    if outside:
        raise Problem("E0404", f"`{info.name}` becomes {value:g} here, out of its range", span)
    if info.type.name == "int" and not float(value).is_integer():
        raise Problem("E0405", f"`{info.name}` becomes {value:g} here, not a whole number", span)
