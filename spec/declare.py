"""How a component says what it takes: one decorator and one field function.

A component is one Python file with a frozen dataclass and its implementation. The catalog reads the
dataclass **as text** (`lab.spec.catalog`), so `lab check` knows every parameter without importing
JAX or running a user's code. What stands in the annotations is a vocabulary that both readers
share: the names below, `int`, `float`, `bool`, `str`, `Literal[...]` alone or beside another type,
`tuple[T, ...]` for lists, `dict[str, T]` for whatever other named arguments there are, and
`T | None` where the word `none` may stand.

Example:
    >>> @component("shrink", kind="reparameterization")
    ... class Shrink:
    ...     '''Weights times a constant.'''
    ...
    ...     factor: float = parameter(0.5, "what every weight is multiplied with", above=0)
    >>> Shrink().factor
    0.5
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

from lab.spec.units import Duration

__all__ = [
    "KINDS",
    "Arm",
    "Bits",
    "Bytes",
    "Condition",
    "Curve",
    "Decibels",
    "Duration",
    "File",
    "Metric",
    "Moment",
    "PathName",
    "Pixels",
    "Schedule",
    "Seconds",
    "Share",
    "component",
    "parameter",
]

#: Every kind of component. An annotation with its name in CapWords (`Optimizer`) asks for one.
KINDS = (
    "data",
    "model",
    "stage",
    "reparameterization",
    "optimizer",
    "schedule",
    "encoding",
    "loss",
    "augmentation",
    "selector",
    "stopping",
    "attack",
    "measurement",
    "figure",
)

# Annotation vocabulary: at run time these are plain values, in the base unit of the dimension.
Share = float  # hundredths, written `80%`; 0 … 1
Bits = int
Bytes = int
Seconds = float
Decibels = float
Pixels = int
Moment = Duration  # a point in time, counted from the start of the stage
File = str  # a path to a file whose content is part of the key
Schedule = Any  # a number, or a function of the step (`lab.runtime.schedules`)
Arm = Any  # a method, evaluated at the same point and replicate
Metric = Any  # an expression over measurements
Curve = str  # the name of a history that a stage records, written as a word
Condition = Any  # `field.width == 64`: true or false at a point
PathName = Any  # `method`, `field.width`: something a point has a value for

REQUIRED: Any = object()
T = TypeVar("T")


def parameter(  # noqa: PLR0913 - one keyword for each thing a parameter can say of itself
    default: Any = REQUIRED,
    doc: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    traced: bool = False,
    positional: bool = False,
    name: str | None = None,
    since: int = 1,
    legacy: Any = REQUIRED,
    known: str | None = None,
) -> Any:
    """A parameter of a component; a dataclass field.

    Args:
        default: the value when a study says nothing; left out, the parameter must be given.
        doc: one line, shown in `lab docs`, hover and messages.
        low, high: smallest and largest legal value. `above`, `below`: the same, exclusive.
        traced: the value is an argument of the compiled program, so that changing it compiles
            nothing; otherwise it is static.
        positional: may be given without its name.
        name: how a study writes it, where Python reserves the word (`for`, `in`).
        since: the language edition that brought it.
        legacy: for a parameter that came later, the value that says what its absence meant: where
            it has that value, keys are those from before it came.
        known: the list of names (`lab.spec.known`) that a text has to be in. Of a file: a text
            without a slash is such a name, and one with a slash is a file where there is one.
    """
    metadata = {
        "doc": doc,
        "low": low,
        "high": high,
        "above": above,
        "below": below,
        "traced": traced,
        "positional": positional,
        "name": name,
        "since": since,
        "legacy": None if legacy is REQUIRED else legacy,
        "known": known,
    }
    if default is REQUIRED:
        return field(metadata=metadata, kw_only=True)
    if default == {}:
        return field(default_factory=dict[str, Any], metadata=metadata, kw_only=True)
    return field(default=default, metadata=metadata, kw_only=True)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(parameter,))
def component(  # noqa: PLR0913 - one keyword for each thing a component can say of itself
    name: str,
    *,
    kind: str,
    stage: str | None = None,
    streams: tuple[str, ...] = (),
    content: str | None = None,
    examples: int | None = None,
    unit: str | None = None,
    better: str | None = None,
    fresh: bool = False,
    facts: str | None = None,
    curves: tuple[str, ...] | None = None,
    notes: tuple[str, ...] | None = None,
    reads: str | None = None,
    needs: tuple[str, ...] = (),
) -> Callable[[type[T]], type[T]]:
    """Make a class a component of the catalog.

    Args:
        name: what a study writes. `kind`: one of `KINDS`.
        stage: for a reparameterization, the stage that it is short for (`inwf(…)` -> `fit`).
        streams: the random streams it draws from (`init`, `batches`, `augment`, `dropout`); a stage
            that draws from none, after stages that draw from none, is shared by all replicates.
        content: for a data source, the checksum of what it yields, known without opening it.
        examples: for a data source, its training examples, before any are set aside.
        unit, better: for a measurement, its dimension and `higher` or `lower`.
        fresh: for a measurement, that it reads only the shipped file, in a process of its own.
        facts: `module:function` of what it costs, by arithmetic alone (`lab.compiler.facts`).
        curves: what it records while it works; left out, nobody knows.
        notes: for a stage, what it notes of what it ships; left out, nobody knows.
        reads: for a measurement, the note that it reads.
        needs: for a stage, arguments of its arguments that may not be none, or not all of several
            (`model.weights|pretrained`).
    """
    about = {
        "name": name,
        "kind": kind,
        "stage": stage,
        "streams": streams,
        "content": content,
        "examples": examples,
        "unit": unit,
        "better": better,
        "fresh": fresh,
        "facts": facts,
        "curves": curves,
        "notes": notes,
        "reads": reads,
        "needs": needs,
    }

    def decorate(cls: type[T]) -> type[T]:
        made = dataclass(frozen=True, kw_only=True)(cls)
        made.component = about  # type: ignore[attr-defined] - read by the registry
        return made

    return decorate
