"""The stages of a plan by what they are: how many, how often used, and in what state."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from lab.compiler.parts import keys_in
from lab.compiler.plan import Plan
from lab.compiler.strands import Strand, line_of
from lab.spec.records import made_by, record

#: What a node of a plan is: there; to be gone on with; to be run; to be run after it failed; to be
#: known when a search is over; or gone, while all that is measured of it is there.
State = Literal["have", "resume", "new", "failed", "waits", "not needed"]
STATES: tuple[State, ...] = ("have", "resume", "new", "failed", "waits", "not needed")
#: Of each strand: the replicates that are to be run, and those that are gone and not needed.
Work = Mapping[Strand, tuple[Sequence[int | None], Sequence[int | None]]]


@record(frozen=False)
class Line:
    """Nodes of one kind; `uses` counts the runs that use each of them, at least one."""

    nodes: int = 0
    uses: int = 0
    states: Counter[State] = made_by(default_factory=Counter[State])


def lines_of_strands(work: Work) -> dict[str, Line]:
    """The lines of a plan of which it is known what is to be run."""
    found: dict[str, Line] = {}
    for strand, (needed, rest) in work.items():
        name, count = line_of(strand), len(strand.seeds)
        line = found.get(name)
        if line is None:
            line = found[name] = Line()
        line.nodes += count
        line.uses += strand.uses
        left = count - len(needed) - len(rest)
        if needed:
            line.states["new"] += len(needed)
        if left:
            line.states["have"] += left
        if rest:
            line.states["not needed"] += len(rest)
    return found


def lines_of_nodes(plan: Plan, states: Mapping[str, State]) -> dict[str, Line]:
    """The lines of a plan whose nodes' states are known."""
    uses = _uses(plan)
    found: dict[str, Line] = {}
    for node in plan.nodes:
        line = found.setdefault(line_of(node), Line())
        line.nodes += 1
        line.uses += uses[node.key] or 1
        line.states[states[node.key]] += 1
    return found


def _uses(plan: Plan) -> Counter[str]:
    """How many runs use each node, by itself or by what is measured of it."""
    inputs = {node.key: tuple(node.inputs.values()) for node in plan.nodes}
    counts: Counter[str] = Counter()
    for run in plan.runs:
        waiting = [*run.stages, *(key for tree in run.metrics.values() for key in keys_in(tree))]
        seen: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                waiting += inputs[key]
        counts.update(seen)
    return counts
