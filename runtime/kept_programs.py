"""The folder of compiled programs, below that of JAX's own cache.

    kept/<surroundings>/<text of lab>/<name>    what a program is called before it is traced
    kept/<surroundings>/code/<text of program>  its machine code

Surroundings are what no program says of itself: versions of the libraries, the processor and its
features, threads, flags of XLA. The text of `lab` is that of all modules of `lab.runtime` and
`lab.spec`: a name is of one text alone, so that after any edit every program is traced again, and
compiled where the edit changed it. Names are left of the texts that were used last.

Machine code is what files of JAX's own cache are, too: whoever can write to the folder can have
anything run by whoever reads it. The folder is therefore its owner's alone, and one that others
could write to is not used. Nothing in a file is unpickled: JSON says what trees to build, of
dictionaries, sequences and named tuples of known packages. Damaged files are as good as absent.
"""

import hashlib
import json
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import jax

import lab.spec
from lab.runtime.described import NoDescriptionError, digest_of
from lab.runtime.files import unfinished

#: Texts of `lab` that names are left of.
TEXTS = 8
_CODE = "code"
#: What named tuples may be of, and what decides a program besides our own text.
_PACKAGES = ("lab", "optax")
_LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy")
#: What was seen to give the same bits when it is loaded as when it is compiled.
_PLATFORMS = ("cpu",)
_CHECKSUM_BYTES = 32
#: When this process read the first texts, but for so many seconds.
_BEGUN, _MARGIN_SECONDS = time.time(), 2.0


class _Folder:
    """Where programs are kept, as this process was told."""

    above: Path | None = None


def keep_in(above: Path | None) -> None:
    """Keep programs in a folder from now on; nowhere where None."""
    _Folder.above = above
    folder.cache_clear()


@cache
def folder() -> Path | None:
    """The folder of names of this process, its code beside it; None where nothing is kept."""
    if _Folder.above is None or jax.default_backend() not in _PLATFORMS or _are_several():
        return None
    kept = _Folder.above / "kept"
    place = kept / digest(_surroundings())
    names = place / code_digest(_texts())
    try:
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(kept):
            return None
        (place / _CODE).mkdir(parents=True, exist_ok=True)
        names.mkdir(exist_ok=True)
        os.utime(names)
        _remove_oldest(place)
    except OSError:
        return None  # a cache that cannot be written to costs time, not a result
    return names


def _are_several() -> bool:
    """Whether there are devices that are no cores of one processor."""
    return jax.device_count() > 1 and jax.default_backend() != "cpu"


def _is_ours_alone(kept: Path) -> bool:
    facts = kept.stat()
    others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not others and (not hasattr(os, "getuid") or facts.st_uid == os.getuid())


def _remove_oldest(place: Path) -> None:
    names = [one for one in place.iterdir() if one.name != _CODE]
    for one in sorted(names, key=lambda one: one.stat().st_mtime)[:-TEXTS]:
        shutil.rmtree(one, ignore_errors=True)


# The place


def digest(value: object) -> str:
    """Of anything that has a JSON text."""
    return digest_of(json.dumps(value).encode())


def _surroundings() -> list[Any]:
    backend = jax.devices()[0]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        [version(name) for name in _LIBRARIES],
        [platform.python_version(), platform.platform(), sys.byteorder],
        [backend.platform, backend.device_kind, backend.client.platform_version],
        [_processor(), threads],
        [os.environ.get("XLA_FLAGS", "")],
    ]


def _texts() -> tuple[Path, ...]:
    return Path(__file__).parent, Path(lab.spec.__path__[0])


def _were_edited_since_they_were_read() -> bool:
    """Whether a text may not be what this process runs: modules are imported as they are needed."""
    modules = (path for place in _texts() for path in place.rglob("*.py"))
    return any(path.stat().st_mtime > _BEGUN - _MARGIN_SECONDS for path in modules)


def code_digest(folders: Sequence[Path]) -> str:
    """Of the texts of all modules in some folders."""
    found = hashlib.sha256()
    for place in folders:
        for path in sorted(place.rglob("*.py")):
            text = path.read_bytes()
            found.update(f"{path.relative_to(place).as_posix()} {len(text)}\n".encode())
            found.update(text)
    return found.hexdigest()


def _processor() -> list[str]:
    """What the processor is and can do: code for one may not run on another."""
    said = [platform.machine(), platform.processor()]
    with suppress(OSError):
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0]
        wanted = ("model name", "flags", "Features", "CPU part", "CPU implementer")
        said += [line for line in first.splitlines() if line.startswith(wanted)]
    return said


# The files


@dataclass(frozen=True)
class Entry:
    """A name: the tree of what a program gives, kinds of random keys by output, where its code is.

    What it gives is arrays; a random key is given as its numbers.
    """

    structure: Any
    keys: tuple[str, ...]
    code: str


def keep(name: str, entry: Entry) -> None:
    """Keep a name, where what its program gives can be written down.

    None is kept while somebody edits: the program may be of a text that the name is not of.
    """
    if _were_edited_since_they_were_read():
        return
    places = count()
    with suppress(NoDescriptionError):
        tree = _said(jax.tree.unflatten(entry.structure, [next(places) for _ in entry.keys]))
        said = {"tree": tree, "keys": entry.keys, "code": entry.code}
        _put(name, json.dumps(said).encode())


def find(name: str) -> Entry | None:
    """What a name stands for; None where it is absent or damaged."""
    read = _got(name)
    if read is None:
        return None
    said = json.loads(read)
    with suppress(NoDescriptionError, ImportError, AttributeError):
        return Entry(jax.tree.structure(_built(said["tree"])), tuple(said["keys"]), said["code"])
    return None


def keep_code(code: str, content: bytes) -> None:
    """Keep the code of a text."""
    _put(f"../{_CODE}/{code}", content)


def find_code(code: str) -> bytes | None:
    """The code of a text; None where it is absent or damaged."""
    return _got(f"../{_CODE}/{code}")


def _put(name: str, content: bytes) -> None:
    """A file, whole or not at all; a folder that is full is left alone."""
    names = folder()
    if names is None:
        return
    path = names / name
    beside = unfinished(path)
    try:
        beside.write_bytes(hashlib.sha256(content).digest() + content)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _got(name: str) -> bytes | None:
    names = folder()
    if names is None:
        return None
    try:
        read = (names / name).read_bytes()
    except OSError:
        return None
    checksum, content = read[:_CHECKSUM_BYTES], read[_CHECKSUM_BYTES:]
    return content if hashlib.sha256(content).digest() == checksum else None


def _said(tree: Any) -> Any:
    """A tree of numbers as JSON."""
    if tree is None or type(tree) is int:
        return tree
    if type(tree) is dict and all(type(name) is str for name in tree):
        return {"dict": [[name, _said(part)] for name, part in tree.items()]}
    kind = type(tree)
    if kind in (list, tuple):
        return {kind.__name__: [_said(part) for part in tree]}
    if not _is_named_tuple(kind):
        raise NoDescriptionError
    return {"of": [kind.__module__, kind.__qualname__], "parts": [_said(part) for part in tree]}


def _built(said: Any) -> Any:
    """The tree of numbers that JSON stands for."""
    match said:
        case None | int():
            return said
        case {"dict": items}:
            return {name: _built(part) for name, part in items}
        case {"list": parts}:
            return [_built(part) for part in parts]
        case {"tuple": parts}:
            return tuple(_built(part) for part in parts)
        case {"of": [module, name], "parts": parts}:
            return _named_tuple(module, name)(*(_built(part) for part in parts))
        case _:
            raise NoDescriptionError


def _named_tuple(module: str, name: str) -> Any:
    if not _is_known(module):
        raise NoDescriptionError
    kind = getattr(import_module(module), name)
    if not _is_named_tuple(kind):
        raise NoDescriptionError
    return kind


def _is_named_tuple(kind: Any) -> bool:
    named = isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")
    return named and _is_known(kind.__module__)


def _is_known(module: str) -> bool:
    return module.partition(".")[0] in _PACKAGES
