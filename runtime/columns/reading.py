"""Tables out of files: comma- or tab-separated text, lines of JSON, Parquet."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.runtime.errors import BadData, MissingFile

#: Columns by name, all of one length.
Columns = Mapping[str, Sequence[Any]]

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_table(path: Path) -> Columns:
    """The columns of a file, by its suffix. Raises `BadData` or `MissingFile`.

    The first row of `.csv` and `.tsv` has the names of the columns.
    """
    if not path.is_file():
        raise MissingFile(f"{path} is not there: name a .csv, .tsv, .jsonl or .parquet file")
    suffix = path.suffix.lower()
    if suffix in _SEPARATORS:
        return _separated(path, _SEPARATORS[suffix])
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path)
    if suffix == ".parquet":
        return _parquet(path)
    raise BadData(f"{path} is none of .csv, .tsv, .jsonl, .parquet")


def _separated(path: Path, separator: str) -> Columns:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=separator)
            names = next(rows, [])
            return _columns(path, names, rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadData(f"{path} cannot be read: {error}") from error


def _columns(path: Path, names: Sequence[str], rows: Any) -> Columns:
    if not names or len(set(names)) < len(names):
        raise BadData(f"the first row of {path} has to name each column, and names {names}")
    kept: list[list[str]] = [[] for _ in names]
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        if len(row) != len(names):
            raise BadData(
                f"row {number} of {path} has {len(row)} fields, and there are {len(names)} columns"
            )
        for column, value in zip(kept, row, strict=True):
            column.append(value)
    return dict(zip(names, kept, strict=True))


def _json_lines(path: Path) -> Columns:
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise BadData(f"line {number} of {path} is no JSON: {error}") from error
        if row is None:
            continue
        if not isinstance(row, dict) or (found and set(row) != set(found[0])):
            raise BadData(f"line {number} of {path} has not the fields that the first one has")
        found.append(row)
    return {name: [row[name] for row in found] for name in (found[0] if found else {})}


def _parquet(path: Path) -> Columns:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadData(f"{path} is read with pyarrow: pip install 'lab-studies[text]'") from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadData(f"{path} cannot be read: {error}") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}
