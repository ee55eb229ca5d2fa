"""What a search proposed and what came of it: a file that only grows, and from which it goes on.

    results/store/searches/<key>.jsonl

The first line says how many trials are in flight together. Then a line for each proposal, written
before anything of it runs, and a line for what it was told, written when all of it is known. A line
that a crash cut short is no line; one that was changed is an error. Nothing here depends on the
optimizer's version: proposals stand as they were made.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

from lab.compiler.plan import SearchPlan
from lab.compiler.trials import Asked, Between, Domain, Members, Number, Options
from lab.runtime.errors import CorruptFile
from lab.runtime.files import sync_folder, write_atomically
from lab.spec.records import record, replaced

FOLDER = "searches"
_SCHEMA = 1
_CHECKSUM = "checksum"


@record
class Told:
    """What came of a trial: means over replicates of its goal and of each part of its constraint.

    `violations` are above zero where a part of the constraint does not hold. `failure` says why
    there is no goal.
    """

    goal: float | None
    violations: tuple[float, ...] = ()
    replicates: tuple[float, ...] = ()
    failure: str | None = None

    @property
    def is_feasible(self) -> bool:
        """Whether it was measured and keeps to the constraint."""
        return self.failure is None and all(part <= 0 for part in self.violations)


@record
class Entry:
    """A proposal. `number` is that of the trial, None where a filter left it out (`rejected`)."""

    ask: int
    number: int | None
    arm: str
    asked: tuple[Asked, ...]
    settings: Mapping[str, str]
    keys: tuple[str, ...]
    rejected: str | None = None
    told: Told | None = None

    @property
    def values(self) -> dict[str, Number]:
        """What was proposed, by the names of the sites."""
        return {one.name: one.value for one in self.asked}


class Journal:
    """The proposals of one search, in order. Reading makes and changes nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self.batch: int | None = None
        self._is_torn = False
        self._read()

    def begin(self, batch: int) -> int:
        """How many trials are in flight together: as many as when the search began."""
        if self._is_torn:
            write_atomically(self.path, b"".join(self._lines()))
            self._is_torn = False
        if self.batch is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._append({"schema": _SCHEMA, "batch": batch})
            sync_folder(self.path.parent)
            self.batch = batch
        return self.batch

    def propose(self, entry: Entry) -> None:
        """Keep a proposal, before anything of it runs."""
        self._append(_proposal(entry))
        self.entries.append(entry)

    def tell(self, ask: int, told: Told) -> None:
        """Keep what came of a proposal."""
        self._append(_outcome(ask, told))
        self.entries[ask] = replaced(self.entries[ask], told=told)

    def trials(self, search: SearchPlan) -> list[Entry]:
        """The trials that the search has, those left out by its filters not counted."""
        return [one for one in self.entries if one.number is not None][: search.trials]

    def is_over(self, search: SearchPlan) -> bool:
        """Whether what came of every trial is known."""
        known = [one for one in self.trials(search) if one.told is not None]
        return len(known) == search.trials

    def best(self, search: SearchPlan) -> Entry | None:
        """The best trial that keeps to the constraint, the first of equals; None if there is none.

        Also None while the search is not over.
        """
        return _best(self.trials(search), search.direction) if self.is_over(search) else None

    def best_so_far(self, search: SearchPlan) -> Entry | None:
        """The best trial of those that are known."""
        return _best(self.trials(search), search.direction)

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(_encoded(line))
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> Iterable[bytes]:
        if self.batch is not None:
            yield _encoded({"schema": _SCHEMA, "batch": self.batch})
        yield from (_encoded(_proposal(one)) for one in self.entries)
        yield from (_encoded(_outcome(one.ask, one.told)) for one in self.entries if one.told)

    def _read(self) -> None:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return
        *whole, rest = text.split(b"\n")
        self._is_torn = bool(rest)
        for line in whole:
            self._take(_decoded(line, self.path))

    def _take(self, line: Mapping[str, Any]) -> None:
        """Take in a line. Of two runs that wrote the same, the first one counts."""
        if "batch" in line:
            self.batch = self.batch or line["batch"]
        elif "asked" in line and line["ask"] == len(self.entries):
            self.entries.append(_entry(line))
        elif "asked" in line:
            return
        else:
            told = Told(
                line["goal"],
                tuple(line["violations"]),
                tuple(line["replicates"]),
                line["failure"],
            )
            self.entries[line["told"]] = replaced(self.entries[line["told"]], told=told)


def journal_of(search: SearchPlan, root: Path) -> Journal:
    """The journal of a search in a store's folder."""
    return Journal(root / FOLDER / f"{search.key}.jsonl")


def _best(trials: Iterable[Entry], direction: Literal["minimize", "maximize"]) -> Entry | None:
    sign = 1 if direction == "minimize" else -1
    found = [(one, one.told.goal) for one in trials if one.told and one.told.is_feasible]
    measured = [(one, goal) for one, goal in found if goal is not None]
    return min(measured, key=lambda pair: sign * pair[1])[0] if measured else None


def _proposal(entry: Entry) -> dict[str, Any]:
    return {
        "ask": entry.ask,
        "number": entry.number,
        "arm": entry.arm,
        "asked": [[one.name, _described(one.domain), one.value] for one in entry.asked],
        "settings": dict(entry.settings),
        "keys": list(entry.keys),
        "rejected": entry.rejected,
    }


def _outcome(ask: int, told: Told) -> dict[str, Any]:
    return {
        "told": ask,
        "goal": told.goal,
        "violations": list(told.violations),
        "replicates": list(told.replicates),
        "failure": told.failure,
    }


def _entry(line: Mapping[str, Any]) -> Entry:
    return Entry(
        ask=line["ask"],
        number=line["number"],
        arm=line["arm"],
        asked=tuple(Asked(name, _domain(what), value) for name, what, value in line["asked"]),
        settings=line["settings"],
        keys=tuple(line["keys"]),
        rejected=line["rejected"],
    )


def _described(domain: Domain) -> list[Any]:
    match domain:
        case Options():
            return ["options", domain.count]
        case Members():
            return ["members", domain.count]
        case Between():
            return ["between", domain.low, domain.high, domain.log, domain.whole]


def _domain(what: list[Any]) -> Domain:
    if what[0] == "options":
        return Options(what[1])
    return Members(what[1]) if what[0] == "members" else Between(*what[1:])


def _encoded(line: Mapping[str, Any]) -> bytes:
    return json.dumps({**line, _CHECKSUM: _checksum(line)}, allow_nan=False).encode() + b"\n"


def _decoded(line: bytes, path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(line)
        is_ours = isinstance(found, dict) and found.pop(_CHECKSUM) == _checksum(found)
    except (ValueError, KeyError):
        is_ours, found = False, {}
    if not is_ours or found.get("schema", _SCHEMA) != _SCHEMA:
        raise CorruptFile(
            f"{path} is not what was written: remove it to have the search begin again; "
            "its trials are stored, and those that are proposed again cost nothing"
        )
    return cast(dict[str, Any], found)


def _checksum(line: Mapping[str, Any]) -> str:
    text = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
