"""What a store holds, in one file: the key's parts of every stage, and how each was made.

A projection of the records, which stay the truth: a line of the file for each record, of which only
what a plan asks for is read. The file may be removed at any time, is added to when a stage is
stored, and takes in what it lacks when it is read. A line that a crash cut short is no line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from lab.compiler.stored import Described, arguments_text
from lab.runtime.files import write_atomically
from lab.runtime.layout import RECORD, keys_in

#: The file beside the stages; its first line says how the others are written.
NAME = ".index"
#: As `lab.runtime.checkpoints` has it, which plans do without.
_CHECKPOINTS = "checkpoints"
_HEAD = "lab index 2"
_END = "."
_DETAILS = ("role", "inputs", "seed", "vary")
_OF_THE_ENVIRONMENT = ("device", "platform", "threads")


class Index(Mapping[str, Described]):
    """Stored stages by key, in no particular order; each is made of its line when asked for."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines

    def __getitem__(self, key: str) -> Described:
        _, component, version, label, arguments, details, _ = self._lines[key].split("\t")
        return Described(key, component, _unescaped(label), version, details, arguments)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def index(root: Path, keys: frozenset[str] | None = None) -> Mapping[str, Described]:
    """Every stage of a store, described; brings the file up to date where it may be written to.

    Args:
        root: the store's folder. `keys`: of its stages, where they are known already.
    """
    here = keys_in(root) if keys is None else keys
    if not here:
        return {}
    known, is_whole = _lines(root / NAME)
    fresh = {key: line for key in here - known.keys() if (line := _line_of(root, key))}
    gone = known.keys() - here
    lines = {key: line for key, line in {**known, **fresh}.items() if key in here}
    if gone or not is_whole:
        _write(root / NAME, lines.values())
    elif fresh:
        _append(root / NAME, fresh.values())
    return Index(lines)


def add(root: Path, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Take note of stages that were stored just now."""
    lines = [line for key, record in records.items() if (line := _line(key, record))]
    if lines:
        _append(root / NAME, lines)


def unfinished_in(root: Path) -> frozenset[str]:
    """Keys of the stages that can be gone on with: a checkpoint of them is whole."""
    return frozenset(path.parent.name for path in (root / _CHECKPOINTS).glob("*/*.json"))


def _lines(path: Path) -> tuple[dict[str, str], bool]:
    """The lines of the file by key, and whether it is as it was written."""
    try:
        head, *lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}, False
    if head != _HEAD:
        return {}, False
    whole = {line.split("\t", 1)[0]: line for line in lines if line.endswith("\t" + _END)}
    return whole, len(whole) == sum(map(bool, lines))


def _unescaped(label: str) -> str:
    return json.loads(f'"{label}"') if "\\" in label else label


def _line_of(root: Path, key: str) -> str | None:
    """The line of a stored stage, None where its record cannot be read."""
    try:
        record: Any = json.loads((root / key / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _line(key, cast(dict[str, Any], record)) if isinstance(record, dict) else None


def _line(key: str, record: Mapping[str, Any]) -> str | None:
    if not {"component", "version", "label", "arguments", *_DETAILS} <= record.keys():
        return None
    details = {name: record[name] for name in _DETAILS}
    text = json.dumps({**details, "facts": _facts(record)}, separators=(",", ":"))
    label = json.dumps(record["label"])[1:-1]
    words = (key, record["component"], record["version"], label)
    return "\t".join((*words, arguments_text(record["arguments"]), text, _END))


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says in single words and numbers, and on what device it was made."""
    taken = {"component", "version", "label", "key", "schema", "checksum", "fresh", "role", "seed"}
    plain = {
        name: value
        for name, value in record.items()
        if name not in taken and isinstance(value, bool | int | float | str)
    }
    around = record.get("environment", {})
    return {**plain, **{name: around[name] for name in _OF_THE_ENVIRONMENT if name in around}}


def _write(path: Path, lines: Iterable[str]) -> None:
    # A store that cannot be written to is read more slowly, and that is all.
    with suppress(OSError):
        write_atomically(path, "\n".join((_HEAD, *lines, "")).encode())


def _append(path: Path, lines: Iterable[str]) -> None:
    """Add lines, in one write; a line feed first keeps them apart from one that was cut short."""
    begin = "" if path.is_file() else _HEAD
    with suppress(OSError), path.open("ab") as file:
        file.write("\n".join((begin, *lines, "")).encode())
