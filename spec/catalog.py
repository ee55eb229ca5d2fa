"""The catalog: everything that a study can choose from, known without importing JAX.

It is read from the components' own text (`lab.spec.components`) and kept as JSON in the user's
cache folder, under a key of the paths, sizes and times of all files, so that a check starts in
milliseconds and an edit of a component is seen at once. The readers are imported only then.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.spec.signature import Catalog, ParameterInfo, Signature, Type
from lab.spec.source import Source

if TYPE_CHECKING:
    from lab.spec.components import Reading

__all__ = ["builtin_catalog", "cache_folder", "catalog_of", "read_files"]

_HERE = Path(__file__).parent
_READERS = (
    "catalog.py",
    "components.py",
    "annotations.py",
    "fingerprint.py",
    "settle.py",
    "declare.py",
)


def builtin_catalog() -> Catalog:
    """The components that ship with `lab`."""
    files = _own_files()
    kept = _cache_file(files)
    if kept is not None:
        found = _load(kept)
        if found is not None:
            return found
    from lab.spec.components import read_components

    catalog = read_components(_sources(files)).catalog
    if kept is not None:
        _save(catalog, kept)
    return catalog


def catalog_of(files: Iterable[Path | Source], *, builtin: Catalog | None = None) -> Catalog:
    """The components of some files, and those of `builtin`, which the files' own hide."""
    return read_files(files, builtin=builtin).catalog


def read_files(files: Iterable[Path | Source], *, builtin: Catalog | None = None) -> "Reading":
    """Components of a person's own files, with what is wrong with them.

    Defaults may call the components of `lab.runtime` that a file imports.
    """
    from lab.spec.components import Reading, read_components

    sources = [file if isinstance(file, Source) else _source(file) for file in files]
    named = {_module_name(source): source for source in sources}
    text = "".join(source.text for source in sources)
    base = tuple(_sources(_own_files()).items()) if "lab.runtime" in text else ()
    reading = read_components(named, base=base)
    known = Catalog({}) if builtin is None else builtin
    merged = Catalog({**known.signatures, **reading.catalog.signatures})
    return Reading(merged, reading.diagnostics)


def cache_folder() -> Path:
    """Where `lab` keeps what it can always make again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lab"


def _module_name(source: Source) -> str:
    return Path(source.name).with_suffix("").name


def _source(file: Path) -> Source:
    return Source(str(file), file.read_text(encoding="utf-8"))


def _own_files() -> dict[str, Path]:
    """Files whose text can be part of a version, by module name."""
    runtime = _HERE.parent / "runtime"
    files = {"lab.spec.units": _HERE / "units.py"}
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


def _cache_file(files: dict[str, Path]) -> Path | None:
    readers = [_HERE / name for name in _READERS]
    stamp = hashlib.sha256()
    for path in (*files.values(), *readers):
        about = path.stat()
        stamp.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    try:
        return cache_folder() / f"catalog-{stamp.hexdigest()[:32]}.json"
    except RuntimeError:  # a user without a home folder
        return None


def _load(path: Path) -> Catalog | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        signatures = [_signature(item) for item in stored["signatures"]]
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not written by this code
        return None
    return Catalog({(one.kind, one.name): one for one in signatures})


def _signature(item: dict[str, Any]) -> Signature:
    parameters = tuple(_parameter(info) for info in item["parameters"])
    fields: dict[str, Any] = {**item, "parameters": parameters, "streams": tuple(item["streams"])}
    return Signature(**fields)


def _parameter(item: dict[str, Any]) -> ParameterInfo:
    kind: dict[str, Any] = {**item["type"], "words": tuple(item["type"]["words"])}
    fields: dict[str, Any] = {**item, "type": Type(**kind)}
    return ParameterInfo(**fields)


def _save(catalog: Catalog, path: Path) -> None:
    from dataclasses import asdict
    from tempfile import NamedTemporaryFile

    text = json.dumps({"signatures": [asdict(one) for one in catalog.signatures.values()]})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)
        for old in path.parent.glob("catalog-*.json"):
            if old != path:
                old.unlink(missing_ok=True)
    except OSError:  # a folder that cannot be written to costs time, nothing else
        return
