"""Which expression gave a value: an evaluator that notes it.

A `Trace` stands for an expression that was evaluated. Its `parts` are the traces of a component's
arguments, by name; its `inner` those of the expressions inside any other one, in the order of the
text. What nobody wrote is a trace without an expression.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from lab.compiler.cells import Cell
from lab.compiler.evaluate import ANYTHING, NOWHERE, Closure, Environment, Evaluator, Root, Supply
from lab.compiler.texts import Kind
from lab.spec import core
from lab.spec.records import made_by, record
from lab.spec.signature import ParameterInfo, Signature, Type
from lab.spec.source import Span
from lab.spec.values import Value

#: The way into a value: `("through", "args", "width")`.
Steps = tuple[str | int, ...]
#: What stands for something written elsewhere, whose value is its own.
_PASSING = (core.Choice, core.Reference, core.Named, core.ScheduleCall, core.MetricCall)


@record(frozen=False)
class Trace:
    """An evaluated expression, and by what it came to stand where it did."""

    expression: core.Core | None
    kind: Kind
    inner: "list[Trace]" = made_by(default_factory=list["Trace"])
    parts: "dict[str, Trace]" = made_by(default_factory=dict[str, "Trace"])


class Tracing(Evaluator):
    """An evaluator whose traces can be looked at afterwards.

    `stages` has the trace of a stage or measurement by the `id` of its arguments; `supplied` those
    of the model and data of the point.
    """

    def begin(self) -> None:
        """Forget all traces."""
        self.stages: dict[int, Trace] = {}
        self.supplied: dict[str, Trace] = {}
        self._open: list[Trace] = []
        self._kind: Kind = "definition"
        self._alive: list[Cell] = []

    def value(
        self, expression: core.Core, environment: Environment = NOWHERE, want: Type = ANYTHING
    ) -> Value:
        """The value of an expression; its trace is inside the one that is open."""
        trace = Trace(expression, self._kind)
        self._kind = "definition"
        if self._open:
            self._open[-1].inner.append(trace)
        with self._under(trace):
            return super().value(expression, environment, want)

    def worked_out(
        self,
        owner: core.Build | core.Measure,
        signature: Signature,
        environment: Environment,
        supply: Supply,
    ) -> Cell:
        """The arguments of a stage or measurement, whose trace is kept."""
        trace = Trace(owner, "definition")

        def traced_supply(kind: Root) -> Cell | None:
            count = len(trace.inner)
            given = supply(kind)
            if len(trace.inner) > count:
                self.supplied[kind] = trace.inner[-1]
            return given

        with self._under(trace):
            found = super().worked_out(owner, signature, environment, traced_supply)
        values = cast(Mapping[str, Value], found.value)
        for info in signature.parameters:
            said = trace.parts.get(info.name)
            is_supplied = info.type.name in self.supplied and values.get(info.name) is not None
            if is_supplied and (said is None or said.expression is None):
                trace.parts[info.name] = self.supplied[info.type.name]
        self._alive.append(found)  # so that the `id` of its value stays its own
        self.stages[id(found.value)] = trace
        return found

    def argument(
        self, info: ParameterInfo, written: core.Core | None, slot: str, environment: Environment
    ) -> Value:
        """One argument; its trace is a part of the component's."""
        nobody = Trace(None, "default")
        said = self._how(slot, environment)
        is_said = written is not None or said != "definition"
        owner = self._open[-1] if self._open else nobody
        count = len(owner.inner)
        self._kind = said
        with self._under(owner if is_said else nobody):
            found = super().argument(info, written, slot, environment)
        self._kind = "definition"
        owner.parts[slot.rsplit(".", 1)[-1]] = owner.inner[-1] if owner.inner[count:] else nobody
        return found

    def meant(self, slot: str, environment: Environment, span: Span) -> Closure:
        """What a parameter or a `let` stands for."""
        self._kind = "call" if slot in environment.bindings else self._how(slot, environment)
        return super().meant(slot, environment, span)

    def default(self, value: Value, slot: str, environment: Environment) -> Value:
        """A component's default, in which an axis may still set something."""
        found = super().default(value, slot, environment)
        if self._open and isinstance(value, dict) and "component" in value:
            signature = self.catalog.signatures[str(value["kind"]), str(value["component"])]
            for info in signature.parameters:
                self._trace_inside(info, f"{slot}.{info.name}", environment)
        return found

    def _trace_inside(self, info: ParameterInfo, slot: str, environment: Environment) -> None:
        outside = self.lookup(slot, environment)
        if outside is not None:
            self._kind = self._how(slot, environment)
            self.of(outside, info.type)
            self._open[-1].parts[info.name] = self._open[-1].inner[-1]

    def _how(self, slot: str, environment: Environment) -> Kind:
        if slot in environment.overrides:
            return "call"
        return "axis" if slot in self.axes else "definition"

    @contextmanager
    def _under(self, trace: Trace) -> Generator[None]:
        self._open.append(trace)
        try:
            yield
        finally:
            self._open.pop()


def descended(trace: Trace, steps: Steps) -> Sequence[Trace]:
    """The traces on the way into a value, the one for its innermost part that was written last."""
    way = [trace]
    while True:
        trace = way[-1]
        if isinstance(trace.expression, _PASSING) and trace.inner:
            way.append(trace.inner[-1])
            continue
        if not steps:
            return way
        found, steps = _step(trace, steps)
        if found is None:
            return way
        way.append(found)


def _step(trace: Trace, steps: Steps) -> tuple[Trace | None, Steps]:
    if steps[0] in ("args", "pieces", "of"):
        steps = steps[1:]
    if not steps:
        return None, ()
    name = steps[0]
    if isinstance(name, str):
        return trace.parts.get(name), steps[1:]
    if isinstance(trace.expression, core.Pieces):
        return _piece(trace, trace.expression, steps)
    is_list = isinstance(trace.expression, core.ListValue | core.Arithmetic)
    return (trace.inner[name], steps[1:]) if is_list and name < len(trace.inner) else (None, ())


def _piece(trace: Trace, pieces: core.Pieces, steps: Steps) -> tuple[Trace | None, Steps]:
    """The value of a piece of a schedule, or how long it lasts."""
    index = steps[0]
    if not isinstance(index, int) or len(steps) < 2 or index >= len(pieces.pieces):
        return None, ()
    before = sum(1 + (lasting is not None) for _, lasting in pieces.pieces[:index])
    at = before + (steps[1] == "for")
    return (trace.inner[at], steps[2:]) if at < len(trace.inner) else (None, ())
