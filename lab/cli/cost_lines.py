"""Prices as a person reads them: the table of programs, totals with their basis, the budget."""

from collections.abc import Iterator, Sequence

from lab.compiler.amounts import clock
from lab.compiler.cost import Unknown
from lab.compiler.facts import Cost
from lab.compiler.prices import BASES, Price, Prices
from lab.compiler.programs import Program
from lab.compiler.savings import savings

#: Rows of the table of programs; the rest is summed up in one.
_ROWS = 12
#: Ways out of a budget that are named.
WAYS = 3


def lines(found: Prices) -> list[str]:
    """The section of `lab plan` about programs, time, memory, disk and the budget."""
    if not found.missing:
        return []
    return [*_table(found), "", *_totals(found), *_budget(found)]


def one_line(found: Prices) -> str:
    """What `lab run` says before it starts."""
    return f"{_time(found)} on {_where(found)}, {_amount(found.memory)} of memory"


def budget_lines(found: Prices) -> list[str]:
    """Whether a plan keeps to the study's budget, and what to cut of one that does not."""
    return list(_budget(found))


def _table(found: Prices) -> Iterator[str]:
    rows = [("program", "lanes", "at once", "each", "all", "basis", "MACs", "memory", "disk")]
    groups = _grouped(found.missing)
    rows += [_row(label, group) for label, group in groups[:_ROWS]]
    rest = [price for _, group in groups[_ROWS:] for price in group]
    if rest:
        rows.append(_row(_number(len(rest), "more program"), rest))
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
        clock(each / max(1, sum(len(one.todo) for one in known))) if known else "?",
        clock(sum(one.seconds for one in group)) if known else "?",
        basis or _unknown(group),
        _count(max((one.macs for one in counted), default=0.0)) if counted else "?",
        _amount(max((one.memory for one in counted), default=0)) if counted else "?",
        _amount(sum(len(o.todo) * o.cost.disk for o in group if isinstance(o.cost, Cost))),
    )


def _unknown(group: Sequence[Price]) -> str:
    names = sorted({one.cost.component for one in group if isinstance(one.cost, Unknown)})
    return f"unknown ({', '.join(names)}): `--probe` measures it"


def _totals(found: Prices) -> Iterator[str]:
    lanes, programs = sum(len(one.todo) for one in found.missing), len(found.missing)
    counted = f"{_number(programs, 'program')}, {_number(lanes, 'lane')}"
    yield f"{counted} on {_where(found)}"
    yield f"time: {_time(found)} ({', '.join(_bases(found))})"
    yield f"memory: {_amount(found.memory)} a worker; disk: {_amount(found.disk)}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _where(found: Prices) -> str:
    workers, threads = found.device.workers, found.device.threads
    each = "" if workers == 1 else f", {workers} workers"
    return f"{found.device.name}{each} of {_number(threads, 'thread')}"


def _time(found: Prices) -> str:
    return f"{'at least' if found.unknown else 'about'} {clock(found.wall)}"


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
        *([] if plan.wall_seconds is None else [clock(plan.wall_seconds)]),
        *([] if plan.memory_bytes is None else [_amount(plan.memory_bytes)]),
    ]
    if not found.over:
        yield f"budget: {', '.join(asked)}: within it"
        return
    over = [
        *([f"{_time(found)} of {clock(plan.wall_seconds or 0)}"] if found.over_time else []),
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
    ways = savings(found)[:WAYS]
    whole = clock(found.wall)
    yield from (f"  cut {one.what}: it costs {clock(one.seconds)} of {whole}" for one in ways)
    if not ways:
        label, group = _grouped(found.missing)[0]
        spent = clock(sum(one.seconds for one in group))
        yield f"  `{label}` takes longest: {spent} of {whole}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


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
