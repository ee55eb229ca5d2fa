"""How a program's lanes are done, and which of them together: written before their first step.

A file of JSON lines for each program, `programs/<program>.jsonl` in the store. Lines are appended,
whole, and the first choice for a device stands, so that a study that is resumed adds up its numbers
in the same order. A line that a killed process left half-written counts as none.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = "programs"

Mode = Literal["sequence", "batched"]


@dataclass(frozen=True)
class Where:
    """What a measured time holds for: a device, the threads of a process, and its loops."""

    device: str
    threads: int
    looped: bool


@dataclass(frozen=True)
class Choice:
    """How lanes are done: one after another, or `width` at a time.

    `alone` and `together` are the seconds of a step of one lane, and of all of them together, where
    they were measured. `because` says in words what decided.
    """

    mode: Mode
    width: int
    because: str
    alone: float | None = None
    together: float | None = None


@dataclass(frozen=True)
class Grouping:
    """Lanes in their places among `width`; `shared` marks the arrays of which all read one."""

    lanes: tuple[str, ...]
    width: int
    shared: str


class Journal:
    """What is known of one program. Nothing is kept where there is no file."""

    def __init__(self, path: Path | None, where: Where) -> None:
        self._path = path
        self._where = asdict(where)

    def choice(self) -> Choice | None:
        """What was chosen here; after memory ran out, with what lanes there was room for."""
        found: Choice | None = None
        for line in self._lines("choice"):
            chosen = Choice(**line["choice"])
            if found is None or chosen.width < found.width:
                found = chosen
        return found

    def choose(self, choice: Choice) -> Choice:
        """Keep a choice; returns the one that stands, which another process may have made."""
        self._append({"choice": asdict(choice)})
        return self.choice() or choice

    def grouping(self, key: str) -> Grouping | None:
        """The lanes that a lane was last done together with."""
        found: Grouping | None = None
        for line in self._lines("grouping"):
            if key in line["grouping"]["lanes"]:
                said = line["grouping"]
                found = Grouping(tuple(said["lanes"]), said["width"], said["shared"])
        return found

    def group(self, grouping: Grouping) -> None:
        """Lanes are about to be done together."""
        if grouping != self.grouping(grouping.lanes[0]):
            self._append({"grouping": asdict(grouping)})

    def _lines(self, kind: str) -> Iterator[Mapping[str, Any]]:
        try:
            text = "" if self._path is None else self._path.read_text(encoding="utf-8")
        except OSError:
            return
        for line in text.splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict) and kind in said and said.get("where") == self._where:
                yield said

    def _append(self, said: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A line feed before it too: what a killed process left stays a line of its own.
        line = "\n" + json.dumps({**said, "where": self._where}) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def groups(journal: Journal, keys: Sequence[str], width: int) -> list[Grouping]:
    """The lanes in groups: as they were before, where they were, though some may be over.

    All new ones have the same width, which is one compilation; the last may have places to spare.
    """
    left, found = list(keys), list[Grouping]()
    for key in keys:
        before = journal.grouping(key) if key in left else None
        if before is not None and before.width <= width:
            found.append(before)
            left = [one for one in left if one not in before.lanes]
    count = -(-len(left) // width)
    parts = [tuple(left[i::count]) for i in range(count)]
    return [*found, *(Grouping(part, width, "") for part in parts)]
