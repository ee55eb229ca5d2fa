"""What a plan costs, for `lab plan` and `lab run`: programs, time and memory with their basis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.cli.cost_lines import WAYS, budget_lines, lines, one_line
from lab.compiler.cost import Unknown, costs_of
from lab.compiler.facts import Cost
from lab.compiler.plan import Plan
from lab.compiler.prices import Known, Price, Prices, prices
from lab.compiler.programs import Program, programs
from lab.compiler.savings import savings
from lab.compiler.stored import Stored
from lab.compiler.strands import Everything
from lab.runtime.arithmetic import asking
from lab.runtime.device import cores, this_device
from lab.runtime.index import index
from lab.runtime.layout import keys_in
from lab.runtime.missing import missing
from lab.runtime.probed import known_probes
from lab.spec.signature import Catalog

__all__ = ["Prices", "as_json", "budget_lines", "lines", "one_line", "priced", "probe"]


def priced(
    plan: Plan,
    store_root: Path,
    *,
    catalog: Catalog,
    study_folder: Path,
    jobs: int | None = None,
    stored: Stored | None = None,
    todo: frozenset[str] | Everything | None = None,
) -> Prices:
    """What is missing of a plan, priced.

    Args:
        plan: what to price. `store_root`: `results/store`, which need not exist.
        catalog: the one that the plan was made with. `study_folder`: where the study stands.
        jobs: workers at most. `stored`, `todo`: what is stored, and keys of what is to be run,
            where these are known already.
    """
    del study_folder
    made = programs(plan, catalog)
    there = index(store_root, keys_in(store_root)) if stored is None else stored
    device = this_device(_workers(made, jobs))
    keys = [one.key for one in made] if (store_root / "probes").is_dir() else []
    asked = asking(catalog)
    return prices(
        plan,
        tuple(zip(made, costs_of(made, asked), strict=True)),
        todo=_missing(plan, there) if todo is None else todo,
        known=Known(there, known_probes(store_root, keys, device.name), asked),
        device=device,
    )


def _missing(plan: Plan, stored: Stored) -> frozenset[str]:
    return frozenset(node.key for node in missing(plan, frozenset(stored)))


def _workers(made: Sequence[Program], jobs: int | None) -> int:
    """How many workers a plan gets: as many as can ever work at once, at most one a core."""
    depth: dict[int, int] = {}
    widths: dict[int, int] = {}
    for one in made:
        level = 1 + max((depth[id(used)] for used in one.inputs.values()), default=0)
        depth[id(one)] = level
        if one.role == "stage":
            widths[level] = widths.get(level, 0) + len(one.lanes)
    widest = max(widths.values(), default=1)
    return max(1, min(jobs or len(cores()), len(cores()), widest))


def probe(
    plan: Plan, store_root: Path, *, catalog: Catalog, study_folder: Path, say: Any = print
) -> None:
    """Look at each missing program that was not measured here: `lab plan --probe`."""
    from lab.runtime.probes import Prober
    from lab.runtime.store import Store

    found = priced(plan, store_root, catalog=catalog, study_folder=study_folder)
    wanted = [one.program for one in found.missing if one.basis not in ("measured", "probed")]
    root = Store(store_root).root

    def told(label: str, problem: str | None) -> None:
        say(f"probing {label}" if problem is None else f"  {label}: {problem}")

    core_set = cores()[:: found.device.workers]
    with Prober(plan, catalog, root=root, folder=study_folder, core_set=core_set) as prober:
        prober.look(wanted, told)


def as_json(found: Prices) -> dict[str, Any]:
    """The same as JSON."""
    device = found.device
    return {
        "device": {"name": device.name, "workers": device.workers, "threads": device.threads},
        "wall_seconds": found.wall,
        "is_lower_bound": bool(found.unknown),
        "memory_bytes": found.memory,
        "disk_bytes": found.disk,
        "budget": {
            "wall_seconds": found.plan.wall_seconds,
            "memory_bytes": found.plan.memory_bytes,
            "over": found.over,
            "cuts": [
                {"what": one.what, "seconds": one.seconds}
                for one in (savings(found)[:WAYS] if found.over else ())
            ],
        },
        "programs": [_program(one) for one in found.programs],
    }


def _program(price: Price) -> dict[str, Any]:
    program, cost, seen = price.program, price.cost, price.seen
    known: dict[str, Any] = {"unknown": cost.component} if isinstance(cost, Unknown) else {}
    if isinstance(cost, Cost):
        names = ("parameters", "steps", "macs", "flops", "memory", "disk")
        known = {name: getattr(cost, name) for name in names}
    if seen is not None:
        known |= {"lane_seconds": seen.lane, "compile_seconds": seen.compiling}
        known |= {"seconds": price.seconds}
    return {
        "key": program.key,
        "role": program.role,
        "component": program.component,
        "label": program.label,
        "lanes": list(program.lanes),
        "todo": len(price.todo),
        "lanes_at_once": price.lanes_at_once,
        "traced": list(program.traced),
        "basis": price.basis,
        **known,
    }
