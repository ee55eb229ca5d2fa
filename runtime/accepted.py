"""What people accepted: that results of older code stand, with the reason, in the store.

`accepted.jsonl` has a line for each acceptance and for each one taken back, in the order in which
they came, each with its own checksum. Lines are only ever added.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.compiler.standing import Accepted
from lab.runtime.errors import CorruptFile
from lab.spec.records import names_of

#: The file beside the stages.
NAME = "accepted.jsonl"
_CHECKSUM = "checksum"


def accepted_in(root: Path) -> list[Accepted]:
    """The acceptances in force, in the order in which they were made."""
    found: dict[tuple[str, str, str, str | None], Accepted] = {}
    for line in _lines(root / NAME):
        is_undone = line.pop("undone")
        one = Accepted(**line)
        if is_undone:
            found.pop(_of(one), None)
        else:
            found[_of(one)] = one
    return list(found.values())


def accept(root: Path, entries: Iterable[Accepted]) -> None:
    """Note that results stand."""
    _append(root / NAME, [{**_as_json(one), "undone": False} for one in entries])


def take_back(root: Path, entries: Iterable[Accepted]) -> None:
    """Note that acceptances are in force no longer."""
    _append(root / NAME, [{**_as_json(one), "at": now(), "undone": True} for one in entries])


def now() -> str:
    """This moment, as records have it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _as_json(one: Accepted) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names_of(Accepted)}


def _of(one: Accepted) -> tuple[str, str, str, str | None]:
    return one.component, one.old, one.new, one.key


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        *whole, _ = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} cannot be read: {error}") from error
    return [_line(path, number, text) for number, text in enumerate(whole, 1) if text]


def _line(path: Path, number: int, text: str) -> dict[str, Any]:
    found: dict[str, Any]
    try:
        found = json.loads(text)
        said = found.pop(_CHECKSUM)
    except (ValueError, KeyError, AttributeError):
        found, said = {}, ""
    if said != _checksum(found):
        raise CorruptFile(
            f"line {number} of {path} is not what was written: take it out, and say again with "
            "`lab accept` what it said"
        )
    return found


def _append(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps({**one, _CHECKSUM: _checksum(one)}) + "\n" for one in lines)
    with path.open("a+b") as file:
        # A line that a crash cut short is no line: keep the next one apart from it.
        if file.tell() and not _ends_in_line_feed(path):
            raise CorruptFile(f"the last line of {path} was cut short: take it out, and try again")
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _ends_in_line_feed(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _checksum(line: Mapping[str, Any]) -> str:
    text = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
