"""Budgets that nothing can meet: a warning while a study is written, with no device in sight.

The bound is the longest chain of stages, each at the rate of the fastest device there is and with
any number of workers, so that no machine can do better; and the memory that must be held for one
lane whatever a compiler does. What arithmetic does not know counts nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from lab.compiler.amounts import clock
from lab.compiler.cost import Rates, Unknown, costs_of
from lab.compiler.facts import Asking, Cost
from lab.compiler.plan import Plan
from lab.compiler.programs import Program, programs
from lab.compiler.remark import Remark
from lab.spec import core
from lab.spec.source import Span

#: An H200 at its peak in float32, 67 TFLOP/s, with everything else for nothing.
FASTEST = Rates(
    name="any device",
    macs={"convolution": 3.35e13, "matrix": 3.35e13, "field": 3.35e13},
    elements=float("inf"),
    call=0.0,
    step=0.0,
    node=0.0,
    compiling={"convolution": 0.0, "matrix": 0.0, "field": 0.0},
)

_Costs = Sequence[tuple[Program, Cost | Unknown]]


def impossible(study: core.Study, plan: Plan, asking: Asking) -> Iterator[Remark]:
    """A warning where a study's budget cannot be met."""
    if study.budget_span is None:
        return
    made = programs(plan, asking.catalog)
    costs = tuple(zip(made, costs_of(made, asking), strict=True))
    asked, least = plan.wall_seconds, _longest(plan, costs)
    if asked is not None and least > asked:
        message = f"no device does this in {clock(asked)}: it takes {clock(least)} at the least"
        yield _remark(message, study.budget_span)
    room = plan.memory_bytes
    held = max((cost.held for _, cost in costs if isinstance(cost, Cost)), default=0) / 1e6
    if room is not None and held > room / 1e6:
        message = f"a run holds {held:.3g} MB at the least, and the budget is {room / 1e6:.3g} MB"
        yield _remark(message, study.budget_span)


def _longest(plan: Plan, costs: _Costs) -> float:
    """Seconds of the longest chain of stages."""
    seconds: Mapping[str, float] = {
        key: FASTEST.seconds(cost)
        for program, cost in costs
        if isinstance(cost, Cost)
        for key in program.lanes
    }
    ends: dict[str, float] = {}
    for node in plan.nodes:
        begins = max((ends[key] for key in node.inputs.values()), default=0.0)
        ends[node.key] = begins + seconds.get(node.key, 0.0)
    return max(ends.values(), default=0.0)


def _remark(message: str, span: Span) -> Remark:
    helps = ("reduce the plan, with a profile for instance, or raise the budget",)
    return Remark("W0811", message, span, "", helps)
