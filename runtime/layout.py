"""How a store's folder is laid out, and what is in it by name: all that a plan asks of one."""

import os
from pathlib import Path

from lab.runtime.errors import LabError

#: Version of the layout; a newer store is refused rather than misread.
SCHEMA = 1
RECORD = "record.json"
FAILURES = "failures"
VERSION = "VERSION"


def keys_in(root: Path) -> frozenset[str]:
    """Keys of the stages in a store's folder, without making or changing anything."""
    check_version(root)
    try:
        names = [one.name for one in os.scandir(root) if not one.name.startswith(".")]
    except FileNotFoundError:
        return frozenset()
    # A path object costs more than the question, which is asked tens of thousands of times.
    return frozenset(one for one in names if os.path.isfile(f"{root}/{one}/{RECORD}"))  # noqa: PTH113 - see above


def failures_in(root: Path) -> frozenset[str]:
    """Keys of the stages that failed when they were last tried."""
    return frozenset(path.stem for path in (root / FAILURES).glob("*.json"))


def check_version(root: Path) -> None:
    """Refuse a store that is laid out in another way."""
    path = root / VERSION
    if not path.exists():
        return
    found = path.read_text(encoding="utf-8", errors="replace").strip()
    if found != str(SCHEMA):
        raise LabError(
            f"{root} is a store of version `{found}`; this `lab` reads {SCHEMA}: use the `lab` "
            "that made it, or name another folder with --results"
        )
