"""Figures: what a study's `report` block shows, and how.

A figure is a component of kind `figure`, one file in `lab/runtime/figures`: a frozen dataclass
whose fields are columns (`Metric`), paths (`PathName`) and options, and a method that makes tables
and plots of them. A new figure is one new file.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.compiler.plan import FigurePlan
from lab.runtime.errors import LabError
from lab.runtime.registry import catalog, component_class
from lab.runtime.results import Results
from lab.spec.signature import ParameterInfo

__all__ = ["Drawing", "Figure", "Heading", "Plot", "Table", "figure_of"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. `is_detail`: left out where there is little room."""

    text: str
    align: Literal["left", "right"] = "left"
    is_detail: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows. Always holds: every row has as many cells as there are columns."""

    title: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: `draw` puts it on a matplotlib figure of `size` inches."""

    title: str
    name: str
    size: tuple[float, float]
    draw: Callable[[Any], None]
    caption: str


Drawing = Table | Plot


class Figure(ABC):
    """What a study asks to be shown of its results."""

    @abstractmethod
    def draw(self, results: Results) -> Sequence[Drawing]:
        """Tables and plots of the results."""


def figure_of(plan: FigurePlan) -> Figure:
    """The figure that a plan asks for, with its columns, paths and options."""
    signature = catalog().get("figure", plan.figure)
    if signature is None:
        known = ", ".join(catalog().names("figure"))
        raise LabError(f"there is no figure `{plan.figure}` in this version; there are: {known}")
    given = {**plan.options, **plan.paths, **plan.columns}
    fields = {}
    for parameter in signature.parameters:
        for name in (parameter.name, "") if parameter.positional else (parameter.name,):
            if name in given:
                fields[parameter.field] = _fitting(given[name], parameter)
    return component_class(signature)(**fields)


def _fitting(given: Any, parameter: ParameterInfo) -> Any:
    """A tuple where the parameter takes many, else the one thing it holds."""
    if parameter.type.many:
        return tuple(given) if isinstance(given, list | tuple) else (given,)
    if isinstance(given, list | tuple):
        return given[0] if given else None
    return given
