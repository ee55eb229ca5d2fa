"""The checked study: names resolved, types and units known, sugar gone.

The checker turns a syntax tree into this form; the compiler expands it into points. Nodes compare
by identity: a `Choice` *is* its place in the text, so every mention of a definition within a point
sees one choice.

**Slots.** Everything an axis can set has a name of its own, a slot:

| slot                      | is                                                              |
|---------------------------|-----------------------------------------------------------------|
| `method`, `model`, `data` | what a point chooses                                            |
| `let effort`              | a shared value                                                  |
| `adapter(rank)`           | a parameter of a definition                                     |
| `field#1`                 | the second stage written in method `field`                      |
| `field#1~prune`           | another component that may stand there instead                  |
| `field#1.by`              | its argument `by`, whichever alternative stands there           |
| `field#1.by.lr`           | the argument `lr` of whatever stands at `field#1.by`            |
| `field#1.through.width`   | `field.width`, where stage 1 is written `inwf(…)`               |
| `model net`, `data c10`   | a declared model or data source; `model net.width` its argument |

`inwf(…)` as a stage is short for `fit(through: inwf(…), …)`.
`Build.slot` is the slot at which a component stands; its argument `p` is at `slot + "." + p`.
"""

from collections.abc import Mapping
from typing import Literal

from lab.spec.records import made_by, record
from lab.spec.source import Span
from lab.spec.units import Duration


def owner(slot: str) -> str:
    """The definition that a slot belongs to.

    Example:
        >>> owner("field#1.by.lr"), owner("let effort"), owner("adapter(rank)")
        ('field', 'effort', 'adapter')
    """
    name = slot.split("#", maxsplit=1)[0].split("(", maxsplit=1)[0].split(".", maxsplit=1)[0]
    return name.rpartition(" ")[2]


@record(eq=False)
class Const:
    """A number (base unit), string, word, bool, none or duration."""

    value: bool | int | float | str | Duration | None
    span: Span


@record(eq=False)
class FileValue:
    """A path to a file, relative to the study's folder; where there is none, maybe a name."""

    path: str
    span: Span
    or_name: bool = False


@record(eq=False)
class Reference:
    """A parameter of the definition being evaluated, or a `let`: the value at `slot`."""

    slot: str
    span: Span


@record(eq=False)
class Build:
    """A component with the arguments that were written; the rest are defaults."""

    kind: str
    component: str
    arguments: "Mapping[str, Core]"
    slot: str
    span: Span


@record(eq=False)
class ListValue:
    """A list; also the value of a paired axis' option."""

    items: "tuple[Core, ...]"
    span: Span


@record(eq=False)
class Choice:
    """`a | b`. `texts` is how each option was written, for tables and plans."""

    options: "tuple[Core, ...]"
    texts: tuple[str, ...]
    span: Span


@record(eq=False)
class RangeChoice:
    """`a .. b by c`: alternatives computed when the point is. `points`: `by` is a count.

    `continuous`: in a search, all real numbers between the ends. `whole`: values are ints.
    """

    start: "Core"
    stop: "Core"
    by: "Core | None"
    points: bool
    log: bool
    whole: bool
    continuous: bool
    span: Span


@record(eq=False)
class Arithmetic:
    """`a + b` and kin on numbers and durations; on schedules and losses, a sum or product."""

    op: Literal["+", "-", "*", "/"]
    left: "Core"
    right: "Core"
    span: Span


@record(eq=False)
class Pieces:
    """A schedule in pieces; the last one may last for what is left (None)."""

    pieces: "tuple[tuple[Core, Core | None], ...]"
    span: Span


@record(eq=False)
class ScheduleCall:
    """A declared schedule, with arguments for its parameters."""

    name: str
    arguments: "Mapping[str, Core]"
    span: Span


@record(eq=False)
class Named:
    """A declared model or data source."""

    kind: Literal["model", "data"]
    name: str
    span: Span


@record(eq=False)
class Arm:
    """A declared method: arguments for its parameters, and values for slots inside it.

    `places`: where the arm stands in another method's definition, the slot at which an axis sets
    each argument (by parameter) and value (by slot) that is written there. `tune.best` is the best
    trial of the search `tune`.
    """

    name: str
    arguments: "Mapping[str, Core]"
    overrides: "Mapping[str, Core]"
    span: Span
    places: Mapping[str, str] = made_by(default_factory=dict[str, str])


@record(eq=False)
class Pipeline:
    """`a then b`: each part is an `Arm`, a `Build` of kind `stage`, or a choice of such.

    `none` is `Const(None)`; a bracket with several stages is a pipeline within.
    """

    parts: "tuple[Core, ...]"
    span: Span


@record(eq=False)
class TheMethod:
    """In a metric: the arm being measured."""

    span: Span


@record(eq=False)
class Measure:
    """A measurement of an arm, with its arguments (`on`, `under`, …)."""

    measurement: str
    arm: "Core"
    arguments: "Mapping[str, Core]"
    span: Span
    #: The slot prefix of its arguments, as for `Build`.
    slot: str = ""
    #: Which of the measured numbers: `law.size` has `size`.
    field: str = "value"


@record(eq=False)
class MetricCall:
    """A declared metric. `arm`: what `method` means in it; None passes the present one on."""

    name: str
    arm: "Core | None"
    arguments: "Mapping[str, Core]"
    span: Span
    #: As for `Measure`.
    field: str = "value"


@record(eq=False)
class PathValue:
    """In a condition: the value a point has at a path, or nothing where it lacks it.

    Several slots stand for `method.rank`: whichever the point's arm has (`of`, as in `AxisPath`).
    """

    text: str
    slots: tuple[str, ...]
    span: Span
    of: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The name that it starts at."""
        return self.text.partition(".")[0]


@record(eq=False)
class NameOf:
    """In a condition: a declared arm, model or data source by name (`model == r20`)."""

    kind: Literal["method", "model", "data"]
    name: str
    span: Span


@record(eq=False)
class Compare:
    """A comparison; `in` has a `ListValue` on the right."""

    op: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    left: "Core"
    right: "Core"
    span: Span


@record(eq=False)
class Logical:
    """`and`, `or`, or `not` with one operand."""

    op: Literal["and", "or", "not"]
    operands: "tuple[Core, ...]"
    span: Span


Core = (
    Const
    | FileValue
    | Reference
    | Build
    | ListValue
    | Choice
    | RangeChoice
    | Arithmetic
    | Pieces
    | ScheduleCall
    | Named
    | Arm
    | Pipeline
    | TheMethod
    | Measure
    | MetricCall
    | PathValue
    | NameOf
    | Compare
    | Logical
)


@record(eq=False)
class Definition:
    """A declaration with a value.

    `parameters` maps a name to its default, None where a call must give it. `unit` is a metric's
    dimension (`bytes`, `share`, `number`, …), `better` its direction where one is known.
    """

    kind: Literal["data", "model", "schedule", "method", "metric", "let"]
    name: str
    parameters: Mapping[str, Core | None]
    value: Core
    span: Span
    title: str | None = None
    unit: str | None = None
    better: str | None = None


@record(eq=False)
class AxisPath:
    """A path an axis sets: as written, and the slots it stands for.

    `of`: for a path inside `method`, `model` or `data`, the definition that has each of the slots;
    it is set where the point has that definition.
    """

    text: str
    slots: tuple[str, ...]
    span: Span
    of: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The name that it starts at."""
        return self.text.partition(".")[0]


@record(eq=False)
class Axis:
    """`paths: value`. With several paths, each option of `value` is a `ListValue` of as many."""

    paths: tuple[AxisPath, ...]
    value: Core
    span: Span


@record(eq=False)
class Until:
    """`until ci95(drop) < 0.2%`: replicates are enough once an interval is narrow.

    `width` is the largest half-width, in the metric's base unit; `level` the confidence.
    """

    least: int
    metric: "Core"
    level: float
    width: float
    text: str


@record(eq=False)
class Repeat:
    """The replicates of a block: their seeds, and which streams differ (empty: all).

    With `until`, `seeds` are those there can be at most.
    """

    seeds: tuple[int, ...]
    vary: tuple[str, ...]
    span: Span
    until: Until | None = None


@record(eq=False)
class Filter:
    """`skip` or `keep`."""

    kind: Literal["skip", "keep"]
    condition: Core
    text: str
    reason: str
    span: Span


@record(eq=False)
class Grid:
    """A block of axes. `repeat` is None where the study's default holds."""

    name: str
    axes: tuple[Axis, ...]
    repeat: Repeat | None
    filters: tuple[Filter, ...]
    span: Span
    title: str | None = None


@record(eq=False)
class Search:
    """A block whose points are proposed one after another: `trials` of them at most."""

    name: str
    axes: tuple[Axis, ...]
    repeat: Repeat | None
    filters: tuple[Filter, ...]
    direction: Literal["minimize", "maximize"]
    goal: Core
    constraint: Core | None
    trials: int
    span: Span
    title: str | None = None


@record(eq=False)
class Quantifier:
    """`over every|some path`."""

    quantifier: Literal["every", "some"]
    paths: tuple[AxisPath, ...]


@record(eq=False)
class Claim:
    """A statement to be tested. `level` is the confidence, 0.95 unless said otherwise.

    `source` is where its numbers were published.
    """

    name: str
    title: str | None
    condition: Core
    where: Core | None
    over: tuple[Quantifier, ...]
    paired: tuple[str, ...]
    level: float
    text: str
    span: Span
    source: str | None = None


@record(eq=False)
class Column:
    """A metric in a figure, and the label it was written with."""

    label: str
    metric: Core
    unit: str | None = None
    better: str | None = None


@record(eq=False)
class Figure:
    """`table(…)` and kin. `metrics`: argument name -> columns; `paths`: argument name -> paths.

    Positional metrics are under `""`. `options` holds the other arguments.
    """

    figure: str
    metrics: Mapping[str, tuple[Column, ...]]
    paths: Mapping[str, tuple[AxisPath, ...]]
    options: Mapping[str, Core]
    text: str
    span: Span


@record(eq=False)
class Study:
    """All of a file, checked. Always holds: every name and slot in it resolves."""

    name: str
    title: str | None
    definitions: Mapping[str, Definition]
    grids: tuple[Grid, ...]
    repeat: Repeat
    claims: tuple[Claim, ...]
    report: tuple[Figure, ...]
    wall_seconds: float | None = None
    memory_bytes: float | None = None
    profile: str | None = None
    profiles: tuple[str, ...] = ()
    searches: tuple[Search, ...] = ()
    budget_span: Span | None = None
