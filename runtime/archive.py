"""Results moved between machines: a tar file of stages, checked when they go and when they come."""

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from lab.runtime import index
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.store import RECORD, Made, Store

#: The first member of an archive; says how the others are laid out.
_MARK = "lab-store-1"
_KEY = re.compile("[0-9a-f]{32}")


def pack(store: Store, keys: Sequence[str], path: Path) -> None:
    """Write stages to an archive, whole or not at all. Raises CorruptFile for a damaged one."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with tarfile.open(beside, "w") as archive:
            archive.addfile(tarfile.TarInfo(_MARK))
            for key in keys:
                store.verify(key)
                archive.add(store.folder(key), key, filter=_anonymous)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def unpack(store: Store, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the stages of an archive into a store; returns the keys that are new, and the others.

    Every stage is compared with its checksums first, and none that is here already is touched.
    Raises CorruptFile for an archive that is damaged, or is none; the store is then as it was.
    """
    scratch = store.open_scratch("import")
    try:
        _extract(path, scratch)
        keys = sorted(one.name for one in scratch.iterdir())
        if not all(map(_KEY.fullmatch, keys)):
            raise CorruptFile(f"{path} holds what is no stage: copy it again")
        new = tuple(key for key in keys if not store.has(key))
        _commit(store, new, scratch)
        return new, tuple(key for key in keys if key not in new)
    finally:
        store.discard(scratch)


def _commit(store: Store, keys: Sequence[str], scratch: Path) -> None:
    came = Store(scratch)
    records = {key: came.record(key) for key in keys}
    for key in keys:
        came.verify(key)
        if records[key]["key"] != key:
            raise CorruptFile(f"the archive has {records[key]['key']} under the name {key}")
        (scratch / key / RECORD).unlink()
    if keys:
        store.commit_all([Made(key, scratch / key, records[key]) for key in keys])
        index.add(store.root, records)


def _extract(path: Path, folder: Path) -> None:
    try:
        with tarfile.open(path) as archive:
            if archive.next() is None or archive.getnames()[0] != _MARK:
                raise CorruptFile(f"{path} is no archive that `lab store export` wrote")
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise CorruptFile(f"{path} is no archive that `lab store export` wrote: {error}") from error
    except EOFError as error:
        raise CorruptFile(f"{path} is cut short: copy it again") from error
    except FileNotFoundError as error:
        raise LabError(f"there is no {path}") from error
    (folder / _MARK).unlink(missing_ok=True)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose files they were is nobody's business."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
