"""Results moved between machines: a tar file of stages, checked when they go and when they come.

With the stages goes what a store says of them: journals of searches, results that were accepted,
and the code behind results. These are small, and all of them go.
"""

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

from lab.runtime import index
from lab.runtime.accepted import NAME as ACCEPTED
from lab.runtime.accepted import accept, accepted_in
from lab.runtime.counts import NAME as COUNTS
from lab.runtime.descent import CODE
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.files import write_atomically
from lab.runtime.journal import FOLDER as JOURNALS
from lab.runtime.journal import Journal
from lab.runtime.layout import RECORD
from lab.runtime.store import Made, Store

#: The first member of an archive; says how the others are laid out.
_MARK = "lab-store-1"
#: The last one: an archive that was cut between two members shows no other sign of it.
_END = "end"
_KEY = re.compile("[0-9a-f]{32}")
#: What a store says of its stages, beside them.
_SAID = (f"{JOURNALS}/*.jsonl", f"{CODE}/*.json", ACCEPTED, COUNTS)


def pack(store: Store, keys: Sequence[str], path: Path) -> None:
    """Write stages to an archive, whole or not at all. Raises CorruptFile for a damaged one."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with tarfile.open(beside, "w") as archive:
            archive.addfile(tarfile.TarInfo(_MARK))
            for key in keys:
                store.verify(key)
                archive.add(store.folder(key), key, filter=_anonymous)
            for name in _SAID:
                for one in sorted(store.root.glob(name)):
                    archive.add(one, str(one.relative_to(store.root)), filter=_anonymous)
            archive.addfile(tarfile.TarInfo(_END))
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
        names = {one.name for one in scratch.iterdir()} - {JOURNALS, CODE, ACCEPTED, COUNTS}
        keys = sorted(names)
        if not all(map(_KEY.fullmatch, keys)):
            raise CorruptFile(f"{path} holds what is no stage: copy it again")
        new = tuple(key for key in keys if not store.has(key))
        said = accepted_in(scratch)
        journals = [Journal(one) for one in sorted((scratch / JOURNALS).glob("*.jsonl"))]
        _commit(store, new, scratch)
        _keep_journals(store.root, journals)
        _keep_code(store.root, scratch / CODE)
        _keep_counts(store.root / COUNTS, scratch / COUNTS)
        known = accepted_in(store.root)
        accept(store.root, [one for one in said if one not in known])
        return new, tuple(key for key in keys if key not in new)
    finally:
        store.discard(scratch)


def _keep_journals(root: Path, journals: Sequence[Journal]) -> None:
    """Journals that came, where there are none or they say more of what is said here already."""
    (root / JOURNALS).mkdir(exist_ok=True)
    for one in journals:
        content, place = one.path.read_bytes(), root / JOURNALS / one.path.name
        if not place.exists() or content.startswith(place.read_bytes()):
            write_atomically(place, content)


def _keep_code(root: Path, came: Path) -> None:
    """Digests of the code behind results: a file for each version, which never changes."""
    for one in sorted(came.glob("*.json")):
        if not (root / CODE / one.name).exists():
            (root / CODE).mkdir(exist_ok=True)
            write_atomically(root / CODE / one.name, one.read_bytes())


def _keep_counts(here: Path, came: Path) -> None:
    """Notes of how many replicates points got, those that are not here."""
    if came.is_file():
        known = set(here.read_bytes().splitlines()) if here.exists() else set[bytes]()
        new = [line for line in came.read_bytes().splitlines() if line not in known]
        with here.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in new))


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
            if _END not in archive.getnames():
                raise CorruptFile(f"{path} is cut short: copy it again")
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise CorruptFile(f"{path} is no archive that `lab store export` wrote: {error}") from error
    except EOFError as error:
        raise CorruptFile(f"{path} is cut short: copy it again") from error
    except FileNotFoundError as error:
        raise LabError(f"there is no {path}") from error
    for name in (_MARK, _END):
        (folder / name).unlink()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose files they were is nobody's business."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
