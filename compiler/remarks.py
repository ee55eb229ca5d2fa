"""Warnings that only a plan can give: what is legal, and probably not meant."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.compiler.lengths import rounded_lengths
from lab.compiler.plan import Plan
from lab.compiler.remark import Remark
from lab.spec import core
from lab.spec.signature import Catalog

if TYPE_CHECKING:
    from lab.compiler.facts import Finder


def remarks(
    study: core.Study, plan: Plan, catalog: Catalog, find: "Finder | None" = None
) -> Iterator[Remark]:
    """Warnings about a study, with the plan that was made of it.

    `find` finds what components cost; without it nothing is said of budgets.
    """
    yield from rounded_lengths(study, plan, catalog)
    if find is not None and study.budget_span is not None:
        yield from _impossible(study, plan, catalog, find)
    filters = [(grid, one) for grid in study.grids for one in grid.filters]
    emptied: set[str] = set()
    for (grid, one), told in zip(filters, plan.removed, strict=True):
        if told.runs == 0:
            message = f"this `{one.kind}` removes nothing from `{grid.name}`"
            yield Remark("W0810", message, one.span, grid.name)
        elif told.left == 0 and grid.name not in emptied:
            emptied.add(grid.name)
            message = f"no run of `{grid.name}` is left"
            yield Remark("W0810", message, one.span, grid.name)


def _impossible(
    study: core.Study, plan: Plan, catalog: Catalog, find: "Finder"
) -> Iterator[Remark]:
    """Imported where there is a budget: most studies have none, and a check is brief."""
    from lab.compiler.budgets import impossible
    from lab.compiler.facts import Asking

    yield from impossible(study, plan, Asking(catalog, find))
