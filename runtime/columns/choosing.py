"""From the columns of a table to examples: which columns are inputs, and which one is the label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lab.runtime.columns.reading import Columns
from lab.runtime.dataset import Dataset, Examples, content_of, with_validation
from lab.runtime.errors import BadData, UnsuitableSetting
from lab.runtime.folders.classes import listed
from lab.runtime.text.encoding import Reading, encoded
from lab.runtime.text.labels import Labels, labels_of
from lab.spec.suggest import nearest

SPLIT_SEED = 20
#: Column of what rows are called, in tables that are parts of one; no file has a column so named.
ROW = "\0row"
#: Texts that make an example: one, or a pair.
MOST_TEXTS = 2


@dataclass(frozen=True)
class Choice:
    """What is taken of a table.

    `texts` names one or two columns of text; without any, `features` are columns of numbers, all
    but the label's where none is named. `classes` are names of classes in their order.
    """

    label: str
    texts: tuple[str, ...]
    reading: Reading
    features: tuple[str, ...] = ()
    standardized: bool = True
    labels: Literal["classes", "numbers"] = "classes"
    classes: tuple[str, ...] = ()


def dataset_of(
    train: Columns, test: Columns, choice: Choice, *, where: str, validation: int = 0
) -> Dataset:
    """The examples in two tables of the same columns. Raises `BadData`.

    Args:
        where: the files, for messages. `validation`: training examples set aside.
    """
    labels = _labels(train, test, choice, where)
    inputs = _inputs(train, test, choice, where)
    count = len(inputs[0])
    parts = [
        Examples(inputs[0], labels.values[:count]),
        Examples(inputs[1], labels.values[count:]),
    ]
    whole = Dataset(*parts, classes=labels.classes, content=content_of(*parts))
    return with_validation(whole, validation)


def in_two(table: Columns, share: float) -> tuple[Columns, Columns]:
    """A table's rows in two parts, the second a random share, both in their order."""
    total = len(next(iter(table.values()), ()))
    count = min(max(1, round(share * total)), max(total - 1, 0))
    aside = np.zeros(total, bool)
    aside[np.random.RandomState(SPLIT_SEED).permutation(total)[:count]] = True
    named = {**table, ROW: [f"row {row}" for row in range(1, total + 1)]}
    return _rows(named, ~aside), _rows(named, aside)


def row_names(table: Columns, split: str = "") -> Sequence[str]:
    """What rows are called in messages: by their place in the file."""
    total = len(next(iter(table.values()), ()))
    return table.get(ROW) or [f"{split}row {row}" for row in range(1, total + 1)]


def _rows(table: Columns, chosen: np.ndarray) -> Columns:
    rows = np.flatnonzero(chosen).tolist()
    return {name: [column[row] for row in rows] for name, column in table.items()}


def column(table: Columns, name: str, where: str) -> Sequence[Any]:
    """A column by its name. Raises `BadData` with the nearest name that there is."""
    if name not in table:
        close = nearest(name, table)
        hint = f"; did you mean `{close}`?" if close else ""
        known = ", ".join(one for one in table if one != ROW)
        raise BadData(f"{where} has no column {name!r}, but {known}{hint}")
    return table[name]


def _labels(train: Columns, test: Columns, choice: Choice, where: str) -> Labels:
    both = [*column(train, choice.label, where), *column(test, choice.label, where)]
    if not both:
        raise BadData(f"{where} has no rows")
    rows = [*row_names(train), *row_names(test, "test ")]
    return labels_of(both, where=where, kind=choice.labels, names=choice.classes, rows=rows)


def _inputs(
    train: Columns, test: Columns, choice: Choice, where: str
) -> tuple[np.ndarray, np.ndarray]:
    if len(choice.texts) > MOST_TEXTS:
        raise UnsuitableSetting(
            f"an example has one text or a pair, and {', '.join(choice.texts)} are more"
        )
    if choice.texts:
        return encoded(
            _texts(train, choice.texts, where), _texts(test, choice.texts, where), choice.reading
        )
    names = choice.features or tuple(name for name in train if name not in (choice.label, ROW))
    first, second = (_features(table, names, where) for table in (train, test))
    return _standardized(first, second) if choice.standardized else (first, second)


def _texts(table: Columns, names: Sequence[str], where: str) -> list[Any]:
    columns = [column(table, name, where) for name in names]
    wrong = [
        f"{row} of {name}: {one!r}"
        for name, values in zip(names, columns, strict=True)
        for row, one in zip(row_names(table), values, strict=True)
        if not isinstance(one, str)
    ]
    if wrong:
        raise BadData(f"{where} has texts that are none: {listed(wrong)}")
    return list(columns[0]) if len(columns) == 1 else list(zip(*columns, strict=True))


def _features(table: Columns, names: Sequence[str], where: str) -> np.ndarray:
    made = np.zeros((len(next(iter(table.values()))), len(names)), np.float32)
    wrong: list[str] = []
    called = row_names(table)
    for place, name in enumerate(names):
        for row, one in enumerate(column(table, name, where)):
            value = _number(one)
            if value is None:
                wrong.append(f"{called[row]} of {name}: {one!r}")
            else:
                made[row, place] = value
    if wrong:
        raise BadData(f"{where} has features that are no numbers: {listed(wrong)}")
    return made


def _number(one: Any) -> float | None:
    try:
        value = float(one)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def _standardized(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with the mean and deviation of the training features taken out."""
    mean, deviation = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
    deviation = np.where(deviation > 0, deviation, 1.0)
    first, second = (((part - mean) / deviation).astype(np.float32) for part in (train, test))
    return first, second


def as_columns(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Rows as columns.

    Example:
        >>> as_columns([{"a": 1, "b": 2}, {"a": 3, "b": 4}])
        {'a': [1, 3], 'b': [2, 4]}
    """
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
