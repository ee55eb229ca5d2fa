"""Labels out of columns: classes by number or by name, or numbers that are to be found."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lab.runtime.errors import BadData
from lab.runtime.folders.classes import listed


class Labels(NamedTuple):
    """Labels, and how many classes they are of: 1 where they are numbers, float32."""

    values: np.ndarray
    classes: int


def labels_of(
    column: Sequence[Any],
    *,
    where: str,
    kind: str = "classes",
    names: Sequence[str] = (),
    rows: Sequence[str] = (),
) -> Labels:
    """Labels of a column. Raises `BadData` naming the rows that have none.

    Args:
        where: the file, for messages. `kind`: `classes` or `numbers`. `names`: of the classes in
            their order, where they are known; else names are ordered by the alphabet.
        `rows`: what the rows are called; by their number where left out.
    """
    rows = rows or [f"row {row}" for row in range(1, len(column) + 1)]
    absent = [row for row, one in zip(rows, column, strict=True) if _is_absent(one)]
    if absent:
        raise BadData(f"{where} has rows without a label: {listed(absent)}")
    if kind == "numbers":
        return Labels(_numbers(column, where, rows), 1)
    whole = _whole_numbers(column)
    if whole is not None and not names:
        return _numbered(whole, where, rows)
    named = [str(one) for one in column]
    return Labels(*_named(named, where, names=names, rows=rows))


def _is_absent(one: Any) -> bool:
    return one is None or one == "" or (isinstance(one, float) and math.isnan(one))


def _numbers(column: Sequence[Any], where: str, rows: Sequence[str]) -> np.ndarray:
    made = np.zeros(len(column), np.float32)
    wrong: list[str] = []
    for row, one in enumerate(column):
        try:
            made[row] = float(one)
        except (TypeError, ValueError):
            wrong.append(f"{rows[row]}: {one!r}")
            continue
        if not np.isfinite(made[row]):
            wrong.append(f"{rows[row]}: {one!r}")
    if wrong:
        raise BadData(f"{where} has labels that are no numbers: {listed(wrong)}")
    return made


def _whole_numbers(column: Sequence[Any]) -> np.ndarray | None:
    """The column as whole numbers, None where it is something else."""
    try:
        found = np.asarray([float(one) for one in column])
    except (TypeError, ValueError):
        return None
    return found.astype(np.int64) if np.all(found == np.round(found)) else None


def _numbered(values: np.ndarray, where: str, called: Sequence[str]) -> Labels:
    """Labels that are numbers of classes: from 0 on, none of them without an example."""
    rows = [f"{called[row]}: {values[row]}" for row in np.flatnonzero(values < 0)]
    if rows:
        raise BadData(f"{where} has labels below 0: {listed(rows)}")
    classes = int(values.max()) + 1 if len(values) else 0
    present = np.unique(values)
    if len(present) != classes:
        first = next(i for i in range(classes) if i not in set(present.tolist()))
        raise BadData(
            f"{where} has labels up to {classes - 1} and none that is {first}: classes are "
            "numbered from 0 on, without a gap"
        )
    return Labels(values.astype(np.int32), classes)


def _named(
    column: Sequence[str], where: str, *, names: Sequence[str], rows: Sequence[str]
) -> tuple[np.ndarray, int]:
    ordered = list(names) or sorted(set(column))
    if len(ordered) > max(100, len(column) // 2):
        raise BadData(
            f"{where} has {len(ordered)} different labels in {len(column)} rows: name the column "
            "that has the classes, or say `labels: numbers`"
        )
    number = {name: place for place, name in enumerate(ordered)}
    called = zip(rows, column, strict=True)
    wrong = [f"{row}: {one!r}" for row, one in called if one not in number]
    if wrong:
        raise BadData(f"{where} has labels that are none of {', '.join(ordered)}: {listed(wrong)}")
    return np.asarray([number[one] for one in column], np.int32), len(ordered)
