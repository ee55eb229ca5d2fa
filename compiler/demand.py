"""What a point asks for: the sites that an evaluation would choose at.

Walks what `Evaluator` and `Pipelines` evaluate, in the same environments, but takes every option
where they take one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, cast

from lab.compiler.arithmetic import range_length
from lab.compiler.axes import Axes
from lab.compiler.chooser import Chooser
from lab.compiler.evaluate import ELSEWHERE, NOWHERE, Closure, Environment, Evaluator, Resolved
from lab.compiler.nested import ROOTS
from lab.compiler.points import Scope
from lab.compiler.sites import Site, Sites, given
from lab.spec import core
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.values import Value

Asks = Callable[[core.Core], Sites]
#: Members of a range that are told apart: the end of another range may depend on them.
SHORT = 100
KINDS: tuple[Literal["model", "data"], ...] = ("model", "data")


class Decided(Chooser):
    """Choices that are made already; the first option everywhere else."""

    def __init__(self, decided: Mapping[int, int]) -> None:
        super().__init__()
        self._decided = decided

    def choose(self, site: object, count: int) -> int:
        """The option at a site."""
        return self._decided.get(id(site), 0)


class Demands:
    """Sites of expressions under some axes. `names` says how an axis is written, by slot."""

    def __init__(
        self, scope: Scope, axes: Mapping[str, Closure], names: Mapping[str, str] | None = None
    ) -> None:
        self._scope = scope
        self._study = scope.study
        self._catalog = scope.catalog
        self._axes = axes
        self._names = names or {}
        self._evaluator: Evaluator = scope.evaluator(axes, Chooser())
        self._what = ""

    def point(self) -> Sites:
        """What a point asks for: its arm, and the choice of model and data."""
        for kind in KINDS:
            axes = self._axes
            if isinstance(axes, Axes) and axes.guarded(kind) and kind not in axes.names:
                return self._by_root(kind, axes)
        roots = [one for kind in KINDS for one in self._root(kind)]
        axis = self._axes.get("method")
        if axis is not None:
            return (*roots, *self._at("method", axis, self._arm))
        methods = [one for one in self._study.definitions.values() if one.kind == "method"]
        return (*roots, *self.method(methods[-1].name)) if methods else tuple(roots)

    def method(self, name: str) -> Sites:
        """What an arm asks for as it is defined."""
        return self._stages(core.Arm(name, {}, {}, self._study.definitions[name].span))

    def _by_root(self, kind: Literal["model", "data"], axes: Axes) -> Sites:
        """What a point asks for, for each model or data source that it may have."""

        def named(expression: core.Core) -> Sites:
            if isinstance(expression, core.Choice):
                return self._choice(expression, named)
            return within(expression.name if isinstance(expression, core.Named) else "")

        def within(name: str) -> Sites:
            return Demands(self._scope, axes.within(kind, name), self._names).point()

        axis = axes.get(kind)
        if axis is not None:
            return self._at(kind, axis, named)
        declared = [one.name for one in self._study.definitions.values() if one.kind == kind]
        return within(declared[0] if len(declared) == 1 else "")

    def _arm(self, expression: core.Core) -> Sites:
        """What the arm of a point asks for, under the axes that are meant for it."""
        if isinstance(expression, core.Choice):
            return self._choice(expression, self._arm)
        if not (isinstance(expression, core.Arm) and isinstance(self._axes, Axes)):
            return self._stages(expression)
        within = self._axes.within("method", expression.name)
        if within is self._axes:
            return self._stages(expression)
        there = Demands(self._scope, within, self._names)
        there._what = self._what
        return there._stages(expression)

    # Choices

    def _choice(self, choice: core.Choice, asks: Asks) -> Sites:
        options = tuple((1, asks(option)) for option in choice.options)
        return (Site(id(choice), options, self._what, choice.span),)

    def _range(self, expression: core.RangeChoice, environment: Environment) -> Sites:
        parts = [one for one in (expression.start, expression.stop, expression.by) if one]
        asked = self._each(parts, environment)

        def length(decided: Mapping[int, int]) -> int:
            evaluator = self._scope.evaluator(self._axes, Decided(decided))
            ends = [evaluator.value(one, environment) for one in parts]
            return range_length(expression, ends[0], ends[1], ends[2] if expression.by else None)

        def members(waiting: Sites, decided: Mapping[int, int]) -> Sites:
            """The members, once everything that the ends depend on is decided."""
            if not waiting:
                options = _members(length(decided))
                return (Site(id(expression), options, self._what, expression.span),)
            first, rest = waiting[0], waiting[1:]
            each = [
                (number, members((*inner, *given(rest, first.key, i)), {**decided, first.key: i}))
                for i, (number, inner) in enumerate(first.options)
            ]
            return (Site(first.key, tuple(each), first.what, first.span),)

        return members(asked, {})

    def _closed(self, closure: Closure, asks: Callable[[core.Core, Environment], Sites]) -> Sites:
        """What a closure asks for; of a paired axis, the part that it stands for."""
        expression, environment, item = closure
        if isinstance(expression, Resolved):
            return ()
        if item is None:
            return asks(expression, environment)

        def part(row: core.Core) -> Sites:
            if isinstance(row, core.Choice):
                return self._choice(row, part)
            return asks(cast(core.ListValue, row).items[item], environment)

        return part(expression)

    def _at(self, slot: str, axis: Closure, asks: Asks | None = None) -> Sites:
        """What an axis asks for."""
        before, self._what = self._what, self._names.get(slot, slot)
        found = self._closed(axis, self._value if asks is None else lambda one, _: asks(one))
        self._what = before
        return found

    def _inside(self, what: str, asks: Callable[[], Sites]) -> Sites:
        before, self._what = self._what, what
        found = asks()
        self._what = before
        return found

    # Stages

    def _stages(
        self, expression: core.Core, environment: Environment = NOWHERE, first: bool = True
    ) -> Sites:
        match expression:
            case core.Pipeline():
                found: list[Site] = []
                for part in expression.parts:
                    found += self._stages(part, environment, first)
                    first = first and isinstance(part, core.Const)
                return tuple(found)
            case core.Choice():
                return self._choice(expression, lambda one: self._stages(one, environment, first))
            case core.Arm() if expression.name in self._study.definitions:
                inside = self._evaluator.inside(expression, environment)
                body = self._study.definitions[expression.name].value
                name = expression.name
                return self._inside(name, lambda: self._stages(body, inside, first))
            case core.Build(kind="stage"):
                return self._stage(expression, environment, first=first)
            case _:
                return ()

    def _stage(self, build: core.Build, environment: Environment, *, first: bool) -> Sites:
        signature = self._catalog.signatures["stage", build.component]
        found = [*self._arguments(signature, build.arguments, build.slot, environment)]
        for info in signature.parameters:
            kind = info.type.name
            own = build.arguments.get(info.name) or self._lookup(
                f"{build.slot}.{info.name}", environment
            )
            if own is None and (kind == "data" or (kind == "model" and first)):
                found += self._chosen(kind)
            elif kind == "arm" and info.name in build.arguments:
                found += self._stages(build.arguments[info.name], environment)
        return tuple(found)

    def _root(self, kind: str) -> Sites:
        """The choice that an axis over models or data is, without what is inside its options."""
        axis = self._axes.get(kind)
        if axis is None:
            return ()

        def name(expression: core.Core) -> Sites:
            return self._choice(expression, name) if isinstance(expression, core.Choice) else ()

        return self._at(kind, axis, name)

    def _chosen(self, kind: Literal["model", "data"]) -> Sites:
        axis = self._axes.get(kind)
        if axis is not None:
            return self._at(kind, axis)
        declared = [one for one in self._study.definitions.values() if one.kind == kind]
        if len(declared) != 1:
            return ()
        return self._named(core.Named(kind, declared[0].name, declared[0].span))

    # Values

    def _lookup(self, slot: str, environment: Environment) -> Closure | None:
        return environment.overrides.get(slot) or self._axes.get(slot)

    def _said(self, slot: str, closure: Closure, environment: Environment) -> Sites:
        if slot in environment.overrides:
            return self._closed(closure, self._value)
        return self._at(slot, closure)

    def _each(self, parts: Iterable[core.Core], environment: Environment) -> Sites:
        return tuple(site for one in parts for site in self._value(one, environment))

    def _value(  # noqa: PLR0911 - one return for each form
        self, expression: core.Core, environment: Environment
    ) -> Sites:
        match expression:
            case core.Choice():
                return self._choice(expression, lambda one: self._value(one, environment))
            case core.RangeChoice():
                return self._range(expression, environment)
            case core.Build():
                signature = self._catalog.signatures[expression.kind, expression.component]
                return self._arguments(
                    signature, expression.arguments, expression.slot, environment
                )
            case core.Reference():
                return self._reference(expression.slot, environment)
            case core.Named():
                return self._named(expression)
            case core.ScheduleCall() | core.MetricCall():
                inside = self._evaluator.bound(expression.name, expression.arguments, environment)
                return self._value(self._study.definitions[expression.name].value, inside)
            case core.Measure():
                signature = self._catalog.signatures["measurement", expression.measurement]
                slot = expression.slot or expression.measurement
                return self._arguments(signature, expression.arguments, slot, environment)
            case _:
                return self._each(_parts(expression), environment)

    def _reference(self, slot: str, environment: Environment) -> Sites:
        closure = environment.bindings.get(slot)
        if closure is not None:
            return self._closed(closure, self._value)
        outside = self._lookup(slot, environment)
        if outside is not None:
            return self._said(slot, outside, environment)
        if slot.startswith("let "):
            name = slot.removeprefix("let ")
            value: core.Core | None = self._study.definitions[name].value
        else:
            name, parameter = slot.removesuffix(")").split("(")
            value = self._study.definitions[name].parameters[parameter]
        return () if value is None else self._inside(name, lambda: self._value(value, NOWHERE))

    def _named(self, named: core.Named) -> Sites:
        slot = f"{named.kind} {named.name}"
        outside = self._axes.get(slot)
        if outside is not None:
            return self._at(slot, outside)
        value = self._study.definitions[named.name].value
        return self._inside(named.name, lambda: self._value(value, NOWHERE))

    def _arguments(
        self,
        signature: Signature,
        written: Mapping[str, core.Core],
        slot: str,
        environment: Environment,
    ) -> Sites:
        found: list[Site] = []
        for info in signature.parameters:
            if info.type.name == "arm" and signature.kind not in ROOTS:
                if info.name in written:
                    found += self._stages(written[info.name], environment)
                continue
            if info.type.name in ELSEWHERE:
                continue
            if info.type.mapping:
                labels = [name for name in written if signature.parameter(name) is None]
                for label in labels:
                    found += self._argument(info, written[label], f"{slot}.{label}", environment)
            else:
                at = f"{slot}.{info.name}"
                found += self._argument(info, written.get(info.name), at, environment)
        return tuple(found)

    def _argument(
        self, info: ParameterInfo, written: core.Core | None, slot: str, environment: Environment
    ) -> Sites:
        outside = self._lookup(slot, environment)
        if outside is not None:
            return self._said(slot, outside, environment)
        if written is not None:
            return self._value(written, environment)
        return self._default(info.default, slot, environment)

    def _default(self, value: Value, slot: str, environment: Environment) -> Sites:
        """A component that stands by default, in which an axis may set something."""
        if not isinstance(value, dict) or "component" not in value:
            return ()
        signature = self._catalog.signatures[str(value["kind"]), str(value["component"])]
        known = cast(Mapping[str, Value], value["args"])
        found: list[Site] = []
        for info in signature.parameters:
            at = f"{slot}.{info.name}"
            outside = self._lookup(at, environment)
            found += self._default(known.get(info.name), at, environment)
            if outside is not None:
                found += self._said(at, outside, environment)
        return tuple(found)


def _members(length: int) -> tuple[tuple[int, Sites], ...]:
    """The members of a range as options: each for itself, or all as one where they are many."""
    return ((1, ()),) * length if length <= SHORT else ((length, ()),)


def _parts(expression: core.Core) -> Iterable[core.Core]:
    match expression:
        case core.ListValue():
            return expression.items
        case core.Arithmetic():
            return (expression.left, expression.right)
        case core.Pieces():
            return [part for pair in expression.pieces for part in pair if part is not None]
        case _:
            return ()
