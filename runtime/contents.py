"""Checksums of the files that studies name, hashed once for each size and time of change.

A folder's is that of the names and checksums of the files in it, those aside that begin with a dot.
What is called in a Python file (`nets.py:make`) counts by the file.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from lab.compiler.plan import Plan
from lab.compiler.strands import notable_kinds
from lab.runtime.files import write_atomically
from lab.spec.catalog import cache_folder
from lab.spec.values import Value


class Contents:
    """Checksum of a file relative to a folder: `sha256:…`, or None where there is no such file.

    It may be a folder itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: list[str] = []
        self._known: dict[str, str | None] = {}

    def __call__(self, name: str) -> str | None:
        """The checksum of one file."""
        if name not in self._known:
            self._known[name] = self._look(name)
        return self._known[name]

    def _look(self, name: str) -> str | None:
        path = (self.folder / name).resolve()
        file, colon, _ = name.rpartition(":")
        if colon and not path.exists():
            path = (self.folder / file).resolve()
        try:
            facts = path.stat()
        except OSError:
            if name not in self.missing:
                self.missing.append(name)
            return None
        return _remembered(path, facts)


def _remembered(path: Path, facts: os.stat_result) -> str:
    is_folder = stat.S_ISDIR(facts.st_mode)
    tag = hashlib.sha256(str(path).encode()).hexdigest()[:24]
    note = cache_folder() / "contents" / tag
    known = [str(path), facts.st_size, facts.st_mtime_ns]
    if is_folder:
        known = [str(path), _digest(_listing(path))]
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        if said["file"] == known:
            return said["content"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    content = f"sha256:{_folder_checksum(path) if is_folder else _checksum(path)}"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note, json.dumps({"file": known, "content": content}).encode())
    except OSError:
        pass  # A cache that cannot be written to costs time, not a result.
    return content


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_checksum(folder: Path) -> str:
    return _digest([[name, _checksum(folder / name)] for name, *_ in _listing(folder)])


def _listing(folder: Path) -> list[list[str | int]]:
    """Name, size and time of each file in a folder, in the order of the names."""
    found: list[list[str | int]] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            path = Path(place) / name
            if not name.startswith(".") and path.is_file():
                facts = path.stat()
                shown = path.relative_to(folder).as_posix()
                found.append([shown, facts.st_size, facts.st_mtime_ns])
    return sorted(found)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def missing_files(plan: Plan, folder: Path) -> list[str]:
    """Files that a plan names and a folder lacks."""
    contents = Contents(folder)
    for name in named_files(plan):
        contents(name)
    return contents.missing


def named_files(plan: Plan) -> dict[str, str | None]:
    """The files that a plan names, with the content that it counts on."""
    found: dict[str, str | None] = {}
    looked: set[int] = set()
    for node in notable_kinds(plan):
        _look_into(node.arguments.values(), found, looked)
    return found


def _look_into(values: Iterable[Value], found: dict[str, str | None], looked: set[int]) -> None:
    """Note the files in some values. Nodes share most of theirs: each is looked at once."""
    for value in values:
        if isinstance(value, dict):
            if id(value) not in looked:
                looked.add(id(value))
                if "file" in value:
                    content = value.get("content")
                    found[str(value["file"])] = None if content is None else str(content)
                _look_into(value.values(), found, looked)
        elif isinstance(value, list):
            _look_into(value, found, looked)
