"""The syntax tree: what was written, where.

Nodes compare by identity (`eq=False`), so that two alternatives written alike at two places are two
choices. Every node has a `span`. Names keep one of their own, for messages that point at a word.
"""

from typing import Literal

from lab.spec.records import record
from lab.spec.source import Span


@record(eq=False)
class Name:
    """One identifier."""

    text: str
    span: Span


@record(eq=False)
class Number:
    """`20k steps`, `80%`, `1e-3`: a number, the text it was written as, and its unit or `%`.

    Always holds: `value` is an int where no fraction and no negative exponent was written;
    `value` is not yet divided by 100 for `%` nor multiplied by the unit's factor.
    """

    value: int | float
    text: str
    unit: Name | None
    percent: bool
    span: Span


@record(eq=False)
class Text:
    """A string literal, unescaped."""

    value: str
    span: Span


@record(eq=False)
class Path:
    """`a`, `a.b.c`. Always holds: at least one name."""

    names: tuple[Name, ...]
    span: Span

    def __str__(self) -> str:
        return ".".join(name.text for name in self.names)


@record(eq=False)
class Argument:
    """`3`, `rank: 3`, `theta_dz.decay: 3`, `"layer1.*": 3`."""

    name: "Path | Text | None"
    value: "Expr"
    span: Span


@record(eq=False)
class Call:
    """`f(…)`. `f` alone is a `Path`."""

    function: Path
    arguments: tuple[Argument, ...]
    span: Span


@record(eq=False)
class ListOf:
    """`[a, b]`: a value, never an axis."""

    items: "tuple[Expr, ...]"
    span: Span


@record(eq=False)
class Group:
    """`(a)` or, in a paired axis, `(a, b)`."""

    items: "tuple[Expr, ...]"
    span: Span


@record(eq=False)
class Alternatives:
    """`a | b`. Always holds: two options at least."""

    options: "tuple[Expr, ...]"
    span: Span


@record(eq=False)
class Then:
    """`a then b`: a pipeline of stages, or a schedule in pieces. Two parts at least."""

    parts: "tuple[Expr, ...]"
    span: Span


@record(eq=False)
class Lasting:
    """`value for duration`."""

    value: "Expr"
    duration: "Expr"
    span: Span


@record(eq=False)
class Range:
    """`a .. b`, `a .. b by c`, `log a .. b by n points`."""

    start: "Expr"
    stop: "Expr"
    by: "Expr | None"
    log: bool
    span: Span


@record(eq=False)
class Arrow:
    """`a -> b`."""

    start: "Expr"
    stop: "Expr"
    span: Span


@record(eq=False)
class Binary:
    """Arithmetic."""

    op: Literal["+", "-", "*", "/"]
    left: "Expr"
    right: "Expr"
    span: Span


@record(eq=False)
class Sign:
    """`-a`, `+a`."""

    op: Literal["+", "-"]
    operand: "Expr"
    span: Span


@record(eq=False)
class Comparison:
    """`a < b`, `a in [b, c]`."""

    op: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    left: "Expr"
    right: "Expr"
    span: Span


@record(eq=False)
class Logic:
    """`a and b and c`, `a or b`."""

    op: Literal["and", "or"]
    operands: "tuple[Expr, ...]"
    span: Span


@record(eq=False)
class Not:
    """`not a`."""

    operand: "Expr"
    span: Span


Expr = (
    Number
    | Text
    | Path
    | Call
    | ListOf
    | Group
    | Alternatives
    | Then
    | Lasting
    | Range
    | Arrow
    | Binary
    | Sign
    | Comparison
    | Logic
    | Not
)

DefinitionKind = Literal["data", "model", "schedule", "method", "metric", "let"]


@record(eq=False)
class Study:
    """`study name "title"`."""

    name: Name
    title: Text | None
    span: Span


@record(eq=False)
class Use:
    """`use "file.lab"`."""

    file: Text
    span: Span


@record(eq=False)
class Parameter:
    """A parameter of a definition, with its default."""

    name: Name
    default: Expr | None
    span: Span


@record(eq=False)
class Definition:
    """`method name(parameters) "title" = value`, and its kin."""

    kind: DefinitionKind
    name: Name
    parameters: tuple[Parameter, ...]
    title: Text | None
    value: Expr
    span: Span


@record(eq=False)
class Axis:
    """`path: value`, or the paired `(p, q): (1, 2) | (3, 4)`."""

    paths: tuple[Path, ...]
    value: Expr
    span: Span


@record(eq=False)
class Repeat:
    """`repeat 5 as seed vary init, batches`, `repeat 3 .. 10 as seed until c`."""

    count: Expr
    seed: Name | None
    until: Expr | None
    vary: tuple[Name, ...]
    span: Span


@record(eq=False)
class Filter:
    """`skip c because "…"`, `keep c`."""

    kind: Literal["skip", "keep"]
    condition: Expr
    reason: Text | None
    span: Span


@record(eq=False)
class Goal:
    """`maximize m subject to c`."""

    direction: Literal["minimize", "maximize"]
    metric: Expr
    constraint: Expr | None
    span: Span


@record(eq=False)
class Trials:
    """`trials 100`."""

    count: Expr
    span: Span


@record(eq=False)
class Grid:
    """`grid name "title" { … }`."""

    name: Name
    title: Text | None
    entries: tuple[Axis | Repeat | Filter, ...]
    span: Span


@record(eq=False)
class Search:
    """`search name "title" { … }`."""

    name: Name
    title: Text | None
    entries: tuple[Axis | Repeat | Filter | Goal | Trials, ...]
    span: Span


@record(eq=False)
class Over:
    """`over every p, q` or `over some p, q`."""

    quantifier: Literal["every", "some"]
    paths: tuple[Path, ...]
    span: Span


@record(eq=False)
class Claim:
    """`claim name "title": condition where … over … paired by … at … source: "…"`."""

    name: Name
    title: Text | None
    condition: Expr
    where: Expr | None
    over: tuple[Over, ...]
    paired: tuple[Name, ...]
    level: Expr | None
    source: Text | None
    span: Span


@record(eq=False)
class Report:
    """`report { table(…); … }`."""

    items: tuple[Expr, ...]
    span: Span


@record(eq=False)
class Budget:
    """`budget 30 min, 4 GiB`."""

    amounts: tuple[Expr, ...]
    span: Span


@record(eq=False)
class Profile:
    """`profile paper { … }`."""

    name: Name
    title: Text | None
    entries: "tuple[Axis | Repeat | Filter | Trials | Budget | Claim | Grid, ...]"
    span: Span


Declaration = Study | Use | Definition | Grid | Search | Claim | Report | Profile | Budget | Repeat


@record(eq=False)
class Module:
    """A file, its declarations in the order they were written."""

    declarations: tuple[Declaration, ...]
    span: Span
