"""What a plan costs, for `lab plan` and `lab run`: programs, time and memory with their basis."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lab.compiler.cost import Unknown, costs_of
from lab.compiler.facts import Cost
from lab.compiler.plan import Plan
from lab.compiler.prices import BASES, Known, Price, Prices, prices
from lab.compiler.programs import Program, programs
from lab.compiler.savings import savings
from lab.compiler.stored import Stored
from lab.runtime.arithmetic import asking
from lab.runtime.device import cores, this_device
from lab.runtime.index import index
from lab.runtime.missing import missing
from lab.runtime.probed import known_probes
from lab.runtime.store import keys_in
from lab.spec.signature import Catalog

__all__ = ["Prices", "as_json", "budget_lines", "lines", "one_line", "priced", "probe"]

#: Rows of the table of programs; the rest is summed up in one.
_ROWS = 12
#: Ways out of a budget that are named.
_WAYS = 3


def priced(
    plan: Plan,
    store_root: Path,
    *,
    catalog: Catalog,
    study_folder: Path,
    jobs: int | None = None,
    stored: Stored | None = None,
    todo: frozenset[str] | None = None,
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


def lines(found: Prices) -> list[str]:
    """The section of `lab plan` about programs, time, memory, disk and the budget."""
    if not found.missing:
        return []
    return [*_table(found), "", *_totals(found), *_budget(found)]


def one_line(found: Prices) -> str:
    """What `lab run` says before it starts."""
    return f"about {_time(found)} on {_where(found)}, {_amount(found.memory)} of memory"


def budget_lines(found: Prices) -> list[str]:
    """Whether a plan keeps to the study's budget, and what to cut of one that does not."""
    return list(_budget(found))


def _table(found: Prices) -> Iterator[str]:
    rows = [("program", "lanes", "at once", "each", "all", "basis", "MACs", "memory", "disk")]
    groups = _grouped(found.missing)
    rows += [_row(label, group) for label, group in groups[:_ROWS]]
    rest = [price for _, group in groups[_ROWS:] for price in group]
    if rest:
        rows.append(_row(f"{len(rest)} more programs", rest))
    yield from _aligned(rows)


def _grouped(missing: Sequence[Price]) -> list[tuple[str, list[Price]]]:
    """Programs by their labels, the longest first."""
    groups: dict[str, list[Price]] = {}
    for price in missing:
        groups.setdefault(_label(price.program), []).append(price)
    return sorted(groups.items(), key=lambda one: -sum(price.seconds for price in one[1]))


def _label(program: Program) -> str:
    owner, _, what = program.label.partition(": ")
    return f"{owner}: {what}"


def _row(label: str, group: Sequence[Price]) -> tuple[str, ...]:
    lanes = sum(len(one.todo) for one in group)
    known = [one for one in group if one.seen is not None]
    each = sum(len(one.todo) * one.seen.lane for one in known if one.seen is not None)
    counted = [one.cost for one in group if isinstance(one.cost, Cost)]
    at_once = [one.lanes_at_once for one in group if one.lanes_at_once is not None]
    shown = label if len(group) == 1 or label[0].isdigit() else f"{label} × {len(group)}"
    basis = max((one.basis for one in known if one.basis), key=BASES.index, default=None)
    return (
        shown,
        str(lanes),
        str(min(at_once)) if at_once else "?",
        _clock(each / max(1, sum(len(one.todo) for one in known))) if known else "?",
        _clock(sum(one.seconds for one in group)) if known else "?",
        basis or _unknown(group),
        _count(max((one.macs for one in counted), default=0.0)) if counted else "?",
        _amount(max((one.memory for one in counted), default=0)) if counted else "?",
        _amount(sum(len(o.todo) * o.cost.disk for o in group if isinstance(o.cost, Cost))),
    )


def _unknown(group: Sequence[Price]) -> str:
    names = sorted({one.cost.component for one in group if isinstance(one.cost, Unknown)})
    return f"unknown ({', '.join(names)}): `--probe` measures it"


def _totals(found: Prices) -> Iterator[str]:
    lanes = sum(len(one.todo) for one in found.missing)
    yield f"{len(found.missing)} programs, {lanes} lanes on {_where(found)}"
    yield f"time: about {_time(found)} ({', '.join(_bases(found))})"
    yield f"memory: {_amount(found.memory)} a worker; disk: {_amount(found.disk)}"


def _where(found: Prices) -> str:
    workers, threads = found.device.workers, found.device.threads
    each = "" if workers == 1 else f", {workers} workers"
    return f"{found.device.name}{each} of {threads} thread{'' if threads == 1 else 's'}"


def _time(found: Prices) -> str:
    least = "at least " if found.unknown else ""
    return f"{least}{_clock(found.wall)}"


def _bases(found: Prices) -> Iterator[str]:
    """What share of the time each basis gives."""
    whole = sum(one.seconds for one in found.missing) or 1.0
    for basis in BASES:
        part = sum(one.seconds for one in found.missing if one.basis == basis)
        if part:
            name = f"{basis} at the rates of {found.device.rates.name}"
            yield f"{part / whole:.0%} {name if basis == 'arithmetic' else basis}"
    if found.unknown:
        yield f"{len(found.unknown)} programs unknown: `lab plan --probe` measures them"


def _budget(found: Prices) -> Iterator[str]:
    plan = found.plan
    if plan.wall_seconds is None and plan.memory_bytes is None:
        return
    asked = [
        *([] if plan.wall_seconds is None else [_clock(plan.wall_seconds)]),
        *([] if plan.memory_bytes is None else [_amount(plan.memory_bytes)]),
    ]
    if not found.over:
        yield f"budget: {', '.join(asked)}: within it"
        return
    over = [
        *([f"about {_time(found)} of {_clock(plan.wall_seconds or 0)}"] if found.over_time else []),
        *(
            [f"{_amount(found.memory)} of {_amount(plan.memory_bytes or 0)}"]
            if found.over_memory
            else []
        ),
    ]
    yield f"budget: exceeded: {', '.join(over)}"
    if found.over_time:
        yield from _ways(found)
    if found.over_memory:
        most = max(found.missing, key=_held)
        yield f"  `{_label(most.program)}` takes the most memory"


def _held(price: Price) -> float:
    seen = price.seen.memory if price.seen is not None else None
    return seen or (price.cost.memory if isinstance(price.cost, Cost) else 0)


def _ways(found: Prices) -> Iterator[str]:
    """What to cut; where no cut of an axis saves anything, what takes longest."""
    ways = savings(found)[:_WAYS]
    whole = _clock(found.wall)
    yield from (f"  cut {one.what}: it costs {_clock(one.seconds)} of {whole}" for one in ways)
    if not ways:
        label, group = _grouped(found.missing)[0]
        spent = _clock(sum(one.seconds for one in group))
        yield f"  `{label}` takes longest: {spent} of {whole}"


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
                for one in (savings(found)[:_WAYS] if found.over else ())
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


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def _clock(seconds: float) -> str:
    """A length of time to two figures."""
    for limit, factor, unit in ((0.1, 1e-3, "ms"), (90, 1, "s"), (5400, 60, "min")):
        if seconds < limit:
            return f"{seconds / factor:.2g} {unit}"
    return f"{seconds / 3600:.2g} h"


def _amount(numbers: float) -> str:
    """Bytes as a person says them."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if numbers >= factor:
            return f"{numbers / factor:.3g} {unit}"
    return f"{numbers:.0f} B"


def _count(number: float) -> str:
    for factor, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f}"
