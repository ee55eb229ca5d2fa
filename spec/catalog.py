"""The catalog: everything that a study can choose from, known without importing JAX.

It is read from the components' own text (`lab.spec.components`) and kept as JSON in the user's
cache folder, under a key of the paths, sizes and times of all files, so that a check starts in
milliseconds and an edit of a component is seen at once. The readers are imported only then.
The code behind each version is kept beside it (`code_parts`), for whoever asks what has changed.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.spec.signature import Catalog, ParameterInfo, Signature, Type
from lab.spec.source import Source

if TYPE_CHECKING:
    from lab.spec.components import Reading

__all__ = [
    "builtin_catalog",
    "cache_folder",
    "catalog_of",
    "code_parts",
    "own_sources",
    "read_files",
]

#: For each version of a component, a short digest of every definition that it reaches.
Parts = Mapping[str, Mapping[str, str]]

_HERE = Path(__file__).parent
_READERS = (
    "catalog.py",
    "components.py",
    "annotations.py",
    "fingerprint.py",
    "normal.py",
    "scope.py",
    "settle.py",
)
#: Modules of `lab.spec` that components are made of.
_SPEC = ("declare", "units")
#: Catalogs of people's own files that are kept, at most, and of installations of `lab`.
_KEPT, _INSTALLATIONS = 32, 4


def builtin_catalog() -> Catalog:
    """The components that ship with `lab`."""
    files = _own_files()
    kept = _cache_file("catalog", _stamp(files))
    found = None if kept is None else _load(kept)
    return _read_own(files).catalog if found is None else found


def code_parts(files: Iterable[Path] = ()) -> Parts:
    """The code behind the components that ship, and behind those of some files, by version."""
    sources = [_source(file) for file in files]
    parts = {} if not sources else dict(_read_people(sources).parts)
    own = _own_files()
    kept = _cache_file("code", _stamp(own))
    found = None if kept is None else _load_parts(kept)
    return {**(_read_own(own).parts if found is None else found), **parts}


def _read_own(files: dict[str, Path]) -> "Reading":
    from lab.spec.components import read_components

    reading, stamp = read_components(_sources(files)), _stamp(files)
    catalog, code = _cache_file("catalog", stamp), _cache_file("code", stamp)
    if catalog is not None and code is not None:
        _save(catalog, _as_json(reading.catalog), keeping=_INSTALLATIONS)
        _save(code, json.dumps({"parts": reading.parts}), keeping=_INSTALLATIONS)
    return reading


def catalog_of(files: Iterable[Path | Source], *, builtin: Catalog | None = None) -> Catalog:
    """The components of some files, and those of `builtin`, which the files' own hide."""
    return read_files(files, builtin=builtin).catalog


def read_files(files: Iterable[Path | Source], *, builtin: Catalog | None = None) -> "Reading":
    """Components of a person's own files, with what is wrong with them.

    Defaults may call the components of `lab.runtime` that a file imports.
    """
    from lab.spec.components import Reading

    sources = [file if isinstance(file, Source) else _source(file) for file in files]
    reading = _read_people(sources)
    known = Catalog({}) if builtin is None else builtin
    merged = Catalog({**known.signatures, **reading.catalog.signatures})
    return Reading(merged, reading.diagnostics, reading.parts)


def _read_people(sources: Sequence[Source]) -> "Reading":
    """What people's own files hold; kept until they, or something that ships, change."""
    from lab.spec.components import Reading, read_components

    own = _own_files()
    text = "".join(f"{one.name}\0{len(one.text)}\0{one.text}" for one in sources)
    kept = _cache_file("people", hashlib.sha256(f"{_stamp(own)}{text}".encode()).hexdigest())
    found, parts = (None, None) if kept is None else (_load(kept), _load_parts(kept))
    if found is not None and parts is not None:
        return Reading(found, (), parts)
    named = {_module_name(source): source for source in sources}
    reading = read_components(named, base=tuple(_sources(own).items()))
    if kept is not None and not reading.diagnostics:
        _save(kept, _as_json(reading.catalog, reading.parts), keeping=_KEPT)
    return reading


def cache_folder() -> Path:
    """Where `lab` keeps what it can always make again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lab"


def own_sources() -> dict[str, Source]:
    """Texts that can be part of a version of what ships, by module name."""
    return _sources(_own_files())


def _module_name(source: Source) -> str:
    return Path(source.name).with_suffix("").name


def _source(file: Path) -> Source:
    return Source(str(file), file.read_text(encoding="utf-8"))


def _own_files() -> dict[str, Path]:
    """Files whose text can be part of a version, by module name."""
    runtime = _HERE.parent / "runtime"
    files = {f"lab.spec.{name}": _HERE / f"{name}.py" for name in _SPEC}
    for folder, below, names in os.walk(runtime):
        below[:] = sorted(name for name in below if not name.startswith(("_", ".")))
        parts = Path(folder).relative_to(runtime).parts
        for name in sorted(names):
            if name.endswith(".py"):
                stem = () if name == "__init__.py" else (name.removesuffix(".py"),)
                files[".".join(("lab.runtime", *parts, *stem))] = Path(folder) / name
    return files


def _sources(files: dict[str, Path]) -> dict[str, Source]:
    root = _HERE.parent
    found: dict[str, Source] = {}
    for module, path in files.items():
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        found[module] = Source(shown.as_posix(), path.read_text(encoding="utf-8"))
    return found


def _stamp(files: Mapping[str, Path]) -> str:
    stamp = hashlib.sha256()
    for path in (*files.values(), *(_HERE / name for name in _READERS)):
        about = path.stat()
        stamp.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return stamp.hexdigest()


def _cache_file(name: str, stamp: str) -> Path | None:
    try:
        return cache_folder() / f"{name}-{stamp[:32]}.json"
    except RuntimeError:  # a user without a home folder
        return None


def _load(path: Path) -> Catalog | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        signatures = [_signature(item) for item in stored["signatures"]]
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not written by this code
        return None
    return Catalog({(one.kind, one.name): one for one in signatures})


def _load_parts(path: Path) -> Parts | None:
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return stored["parts"]
    except (OSError, ValueError, KeyError, TypeError):  # as above
        return None


_LISTS = ("streams", "curves", "notes", "needs")


def _signature(item: dict[str, Any]) -> Signature:
    parameters = tuple(_parameter(info) for info in item["parameters"])
    fields: dict[str, Any] = {**item, "parameters": parameters}
    for name in _LISTS:
        fields[name] = None if fields[name] is None else tuple(fields[name])
    return Signature(**fields)


def _parameter(item: dict[str, Any]) -> ParameterInfo:
    kind: dict[str, Any] = {**item["type"], "words": tuple(item["type"]["words"])}
    fields: dict[str, Any] = {**item, "type": Type(**kind)}
    return ParameterInfo(**fields)


def _as_json(catalog: Catalog, parts: Parts | None = None) -> str:
    from dataclasses import asdict

    signatures = [asdict(one) for one in catalog.signatures.values()]
    return json.dumps({"signatures": signatures, **({} if parts is None else {"parts": parts})})


def _save(path: Path, text: str, *, keeping: int) -> None:
    """Write a file of the cache; of its kind `keeping` stay, those used last."""
    from tempfile import NamedTemporaryFile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)
        kind = path.name.partition("-")[0]
        alike = sorted(path.parent.glob(f"{kind}-*.json"), key=_age)
        for old in [one for one in alike if one != path][: max(0, len(alike) - keeping)]:
            old.unlink(missing_ok=True)
    except OSError:  # a folder that cannot be written to costs time, nothing else
        return


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # another process was quicker
        return 0
