"""What a store holds and what of it nobody needs."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.runtime.checkpoints import FOLDER as CHECKPOINTS
from lab.runtime.errors import CorruptFile
from lab.runtime.index import index
from lab.runtime.layout import FAILURES
from lab.runtime.store import LOGS, Store


@dataclass(frozen=True)
class Garbage:
    """Something that may be removed: why, and how many bytes that frees."""

    path: Path
    why: str
    size: int


def damaged(store: Store, looked: Callable[[str], None]) -> dict[str, str]:
    """The stages whose files are not what was written, with what is wrong; told of each look."""
    found: dict[str, str] = {}
    for key in sorted(store.keys()):
        try:
            store.verify(key)
        except CorruptFile as damage:
            found[key] = str(damage)
        looked(key)
    return found


def garbage(store: Store, needed: frozenset[str] | None) -> list[Garbage]:
    """What may go: leftovers of what is stored, and stages that none of some studies need.

    Args:
        store: opened, so that scratch of dead processes is gone already.
        needed: keys that are to stay; None to keep every stage.
    """
    keys = store.keys()
    found = [
        _of(path, "notes on a stage that is stored")
        for folder in (FAILURES, CHECKPOINTS)
        for path in sorted((store.root / folder).glob("[!.]*"))
        if path.name.removesuffix(".json") in keys
    ]
    if needed is not None:
        gone = sorted(keys - needed)
        found += [_of(store.folder(key), "no study that was named needs it") for key in gone]
        logs = (store.root / LOGS / f"{key}.txt" for key in gone)
        found += [_of(path, "printed by a stage that goes") for path in logs if path.exists()]
        found += [
            _of(path, "begun of a stage that no study that was named needs")
            for path in sorted((store.root / CHECKPOINTS).glob("[!.]*"))
            if path.name not in keys | needed
        ]
    return found


def with_kin(root: Path, keys: frozenset[str]) -> frozenset[str]:
    """Stages with all that they were made from, and what was measured of these."""
    stored = index(root)
    kin, waiting = set(keys), list(keys)
    while waiting:
        found = stored.get(waiting.pop())
        new = set(found.inputs.values()) - kin if found else set[str]()
        kin |= new
        waiting.extend(new)
    measured = {
        key
        for key, one in stored.items()
        if one.role == "measurement" and kin.issuperset(one.inputs.values())
    }
    return frozenset(kin | measured)


def remove(store: Store, unneeded: Iterable[Garbage]) -> None:
    """Remove; a stage goes at once or not at all."""
    for one in unneeded:
        if one.path.is_file():
            one.path.unlink(missing_ok=True)
            continue
        aside = store.open_scratch("gone")
        aside.rmdir()
        one.path.rename(aside)
        shutil.rmtree(aside)


def size_of(path: Path) -> int:
    """Bytes of a file, or of everything in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _of(path: Path, why: str) -> Garbage:
    return Garbage(path, why, size_of(path))
