"""The plan: a graph of stages and measurements, the runs that use it, and what to show of them.

Frozen, and all that the runtime sees of a study. A plan round-trips through JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from lab.spec.records import made_by, record
from lab.spec.values import Value


@record
class Node:
    """One stage or measurement, named by the hash of its meaning.

    `arguments` are resolved values (`lab.spec.values`), every default filled in. `inputs` maps a
    role to the key of another node: `before` is the stage this one continues, `of` the stage
    measured; arms as arguments have the role of the argument. `seed` is the replicate's, None where
    nothing random happened up to here.

    Always holds: every key in `inputs` belongs to a node that stands earlier in the plan.
    """

    key: str
    role: Literal["stage", "measurement"]
    component: str
    arguments: Mapping[str, Value]
    inputs: Mapping[str, str]
    seed: int | None
    vary: tuple[str, ...]
    version: str
    fresh: bool
    label: str


#: An expression over measurements: `{"number": x}`, `{"node": key}`, or
#: `{"op": "+" | "-" | "*" | "/", "of": [tree, tree]}`. A node with several numbers has a `field`
#: too, which says which of them.
Tree = Mapping[str, Value]


@record
class Run:
    """One point and replicate: where it came from, what it chose, what is measured of it.

    `point` is equal for the replicates of one point and differs between points: group by it.
    `settings` maps a path as written (`method`, `model`, `field.width`) to the value it has here,
    as text; a path that the point lacks is absent. `departs` lists the paths (keys of `settings`)
    at which an axis set a value other than the arm's own definition has: an arm *as defined*
    departs nowhere. A table `by: method` therefore shows the runs whose `departs` is within its
    `by` paths, a heatmap those within its rows and columns; a scatter or Pareto plot shows every
    point.
    `metrics` maps a column's label to its tree.
    """

    grid: str
    point: str
    arm: str
    seed: int
    settings: Mapping[str, str]
    departs: tuple[str, ...]
    metrics: Mapping[str, Tree]
    stages: tuple[str, ...]


@record
class Comparison:
    """`left op right`, a pair of trees for every replicate, in the order of `Case.seeds`."""

    op: Literal["<", "<=", ">", ">=", "==", "!="]
    left: tuple[Tree, ...]
    right: tuple[Tree, ...]


@record
class Junction:
    """`and`, `or`, `not` over comparisons."""

    op: Literal["and", "or", "not"]
    operands: "tuple[Comparison | Junction, ...]"


@record
class Case:
    """A claim at one setting of the paths it ranges over; `group` names the `every` part of it."""

    setting: Mapping[str, str]
    group: Mapping[str, str]
    seeds: tuple[int, ...]
    condition: Comparison | Junction


@record
class ClaimPlan:
    """A claim holds when, in every group, some case holds."""

    name: str
    title: str | None
    text: str
    level: float
    cases: tuple[Case, ...]
    #: Where its numbers were published.
    source: str | None = None


@record
class ColumnPlan:
    """A column: its label (a key of `Run.metrics`), unit and direction."""

    label: str
    unit: str | None
    better: str | None


@record
class FigurePlan:
    """What `table(…)` and kin show: columns and paths by argument name (`""` for positional)."""

    figure: str
    columns: Mapping[str, tuple[ColumnPlan, ...]]
    paths: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Value]
    text: str


@record
class AxisSummary:
    """A line of the axis table."""

    grid: str
    path: str
    values: tuple[str, ...]


@record
class Removed:
    """What a filter removed from a grid: how many runs, and why; all its filters left `left`."""

    grid: str
    text: str
    reason: str
    runs: int
    left: int


@record
class SearchPlan:
    """Trials that are proposed one after another: `trials` of them, `replicates` runs each.

    `space` maps a path as written to what is sought there. The winner is the arm `name.best`, whose
    stage waits for the search. `key` names the search by all that decides what its trials find,
    however many there are; `goal` is what is sought, of dimension `unit`. `best` has the
    settings of the trial that was found to be the best, by path, once the plan is made with it.
    """

    name: str
    title: str | None
    direction: Literal["minimize", "maximize"]
    trials: int
    replicates: int
    space: Mapping[str, str]
    key: str = ""
    goal: str = ""
    constraint: str | None = None
    unit: str | None = None
    seed: int = 0
    best: Mapping[str, str] | None = None

    @property
    def runs(self) -> int:
        """How many runs it has."""
        return self.trials * self.replicates


@record
class Adaptive:
    """A grid whose replicates are enough once an interval is narrow; its runs are all there may be.

    `metric` is the label in `Run.metrics` of what the interval is of. `floors` says of a point that
    another grid asks for too how many replicates that one has.
    """

    grid: str
    least: int
    most: int
    metric: str
    level: float
    width: float
    text: str
    floors: Mapping[str, int] = made_by(default_factory=dict[str, int])


@record
class Plan:
    """Everything that a study asks for.

    Runs stand in the order in which they are to be executed, so that results appear early: the
    first replicate of every point of every grid, in the order of the grids and their axes, then the
    second of each. Nodes stand in the order in which these runs ask for them, and after them what
    only claims ask for. Always holds: a node stands after the nodes it uses.

    A plan of a study makes its runs and nodes when they are first looked at.
    """

    study: str
    title: str | None
    profile: str | None
    nodes: Sequence[Node]
    runs: Sequence[Run]
    claims: tuple[ClaimPlan, ...]
    figures: tuple[FigurePlan, ...]
    axes: tuple[AxisSummary, ...]
    removed: tuple[Removed, ...]
    wall_seconds: float | None
    memory_bytes: float | None
    #: Files of a person's own components.
    components: tuple[str, ...] = ()
    searches: tuple[SearchPlan, ...] = ()
    adaptive: tuple[Adaptive, ...] = ()
