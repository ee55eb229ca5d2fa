"""Where a study's failures lie: the fewest conditions on its axes that separate them.

A region is a conjunction of conditions, each on one path: a value, a set of values, or a bound. It
is pure: every run in it failed. Regions are chosen so that the first has the fewest conditions of
those that hold every failure; where no single one does, each next region takes the most of the
failures that are left (a greedy cover, Chvátal 1979).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

#: Conditions of a region at most: more would describe the runs and not the cause.
_CONDITIONS = 3
_REGIONS = 3
#: Conditions that are tried together, those first that hold the most failures.
_MOST_TRIED = 80
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)

#: A run's settings by path, and whether it failed.
Tried = tuple[Mapping[str, str], bool]


@dataclass(frozen=True)
class Region:
    """Conditions under which every run failed, and how many runs those are."""

    conditions: tuple[str, ...]
    runs: int

    def __str__(self) -> str:
        return " and ".join(self.conditions)


@dataclass(frozen=True)
class _Condition:
    """A condition and the runs for which it holds, a bit for each. `rank`: simpler ones first."""

    path: str
    text: str
    runs: int
    rank: int


def failure_regions(tried: Sequence[Tried]) -> tuple[Region, ...]:
    """The regions in which the failures lie; none where everything failed, or nothing."""
    failed = _bits(is_failed for _, is_failed in tried)
    finished = _bits(not is_failed for _, is_failed in tried)
    if not failed or not finished:
        return ()
    conditions = [one for one in _conditions(tried, failed) if one.runs & failed]
    conditions.sort(key=lambda one: -(one.runs & failed).bit_count())
    conditions = conditions[:_MOST_TRIED]
    found: list[Region] = []
    left = failed
    while left and len(found) < _REGIONS:
        best = _best(conditions, left, finished)
        if best is None:
            break
        runs = _all_of(best)
        found.append(Region(tuple(one.text for one in best), runs.bit_count()))
        left &= ~runs
    return tuple(found)


def _best(
    conditions: Sequence[_Condition], failed: int, finished: int
) -> tuple[_Condition, ...] | None:
    """The pure conjunction with the most failures; one more condition has to hold more of them."""
    best: tuple[_Condition, ...] | None = None
    most = 0
    for count in range(1, _CONDITIONS + 1):
        for some in combinations(conditions, count):
            runs = _all_of(some)
            held = (runs & failed).bit_count()
            if held < most or runs & finished or len({one.path for one in some}) < count:
                continue
            if held > most or (best and len(best) == count and _rank(some) < _rank(best)):
                best, most = some, held
        if most == failed.bit_count():
            break
    return best


def _rank(some: Sequence[_Condition]) -> int:
    return sum(one.rank for one in some)


def _all_of(some: Sequence[_Condition]) -> int:
    runs = some[0].runs
    for one in some[1:]:
        runs &= one.runs
    return runs


def _conditions(tried: Sequence[Tried], failed: int) -> Iterator[_Condition]:
    for path in sorted({path for settings, _ in tried for path in settings}):
        values = [settings.get(path) for settings, _ in tried]
        there = {value for value in values if value is not None}
        if len(there) + (None in values) > 1:
            yield from _of_path(path, values, sorted(there, key=_order), failed)


def _of_path(
    path: str, values: Sequence[str | None], there: Sequence[str], failed: int
) -> Iterator[_Condition]:
    holding = {value: _bits(one == value for one in values) for value in there}
    for value in there:
        yield _Condition(path, f"{path} == {value}", holding[value], 0)
    if len(there) > 2 and all(_NUMBER.match(value) for value in there):
        for place, value in enumerate(there[1:-1], 1):
            above = _any_of(holding[one] for one in there[place:])
            below = _any_of(holding[one] for one in there[: place + 1])
            yield _Condition(path, f"{path} >= {value}", above, 1)
            yield _Condition(path, f"{path} <= {value}", below, 1)
    bad = [value for value in there if holding[value] & failed]
    if 1 < len(bad) < len(there):
        listed = ", ".join(bad)
        yield _Condition(
            path, f"{path} in [{listed}]", _any_of(holding[one] for one in bad), 2 + len(bad)
        )


def _any_of(parts: Iterator[int]) -> int:
    runs = 0
    for one in parts:
        runs |= one
    return runs


def _bits(flags: Iterator[bool]) -> int:
    runs = 0
    for place, flag in enumerate(flags):
        runs |= flag << place
    return runs


def _order(value: str) -> tuple[int, float, str]:
    """Numbers by size, before words by letter."""
    number = _NUMBER.match(value)
    return (0, float(number[0]), value) if number else (1, 0.0, value)
