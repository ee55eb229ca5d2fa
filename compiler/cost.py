"""What programs cost by arithmetic: a fold over the graph, from the plan alone.

    flops = 2 macs,   seconds = macs / R_kind + elements / E + calls · C + steps · S + N

where the rates R (one for each kind of work), E, C, S and N are a device's (`Rates`). All lanes of
a program cost the same, so that each program is worked out once.
"""

from collections.abc import Mapping, Sequence

from lab.compiler.facts import Asking, Cost, Kind, Made, UnknownError
from lab.compiler.programs import Program
from lab.spec.records import record

#: What a program takes to compile that only runs forward, beside one that trains.
FORWARD = 0.2


@record
class Unknown:
    """Why arithmetic has nothing to say of a program: this component has no facts."""

    component: str


@record
class Rates:
    """What one worker of a device does in a second, and what takes time whatever is done.

    `macs` are multiplications with their additions a second for each kind of work, `elements`
    numbers computed one by one. `call`, `step` and `node` are seconds for a call of a program from
    the host, a step inside it, and for a node's own files; `compiling` for one program.
    """

    name: str
    macs: Mapping[Kind, float]
    elements: float
    call: float
    step: float
    node: float
    compiling: Mapping[Kind, float]

    def seconds(self, cost: Cost) -> float:
        """Seconds of one lane, compilation left out."""
        return (
            cost.macs / self.macs[cost.kind]
            + cost.elements / self.elements
            + cost.calls * self.call
            + cost.steps * self.step
            + self.node
        )

    def compile_seconds(self, cost: Cost) -> float:
        """Seconds to trace and compile the program: less where nothing flows back."""
        if not cost.macs:
            return 0.0
        return self.compiling[cost.kind] * (1.0 if cost.steps else FORWARD)


def costs_of(programs: Sequence[Program], asking: Asking) -> tuple[Cost | Unknown, ...]:
    """The cost of one lane of each program, in their order."""
    found: dict[int, Cost | Unknown] = {}
    for program in programs:
        inputs = {role: _made(found[id(one)]) for role, one in program.inputs.items()}
        found[id(program)] = _cost(program, asking.having(inputs), found)
    return tuple(found[id(program)] for program in programs)


def _made(cost: Cost | Unknown) -> Made | None:
    return cost.made if isinstance(cost, Cost) else None


def _cost(program: Program, asking: Asking, found: Mapping[int, Cost | Unknown]) -> Cost | Unknown:
    first = program.first
    try:
        return asking.about(first.role, first.component, first.arguments)
    except UnknownError as unknown:
        # A stage is unknown where what it starts from is: say which component began it.
        for one in program.inputs.values():
            before = found[id(one)]
            if isinstance(before, Unknown):
                return before
        return Unknown(unknown.name)


def lanes_at_once(cost: Cost, memory_bytes: float | None) -> int | None:
    """How many lanes fit into a memory together; None where that is not known, at least one."""
    if memory_bytes is None or not cost.memory:
        return None
    return max(1, int(memory_bytes // cost.memory))
