"""Where a published set is looked for, in order, and what is kept of it.

What is at hand comes before anything that is fetched: the arrays kept from an earlier time, then
each form in which the set is published, as an archive or unpacked. What is not there is fetched
from the authors' host, checked against the published checksum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab.runtime.dataset import content_of
from lab.runtime.download import Remote, fetched
from lab.runtime.errors import BadData, NoNetwork
from lab.runtime.published.kept import Arrays, keep, read_kept

#: Gives the arrays of a form that lies in a folder, None where it does not.
Finder = Callable[[Path], Arrays | None]


@dataclass(frozen=True)
class Published:
    """A set: what it is called, the forms it has, and the files that are fetched.

    `content` is the checksum of its arrays, None where only the files' checksums are known. `put`
    says which files to put where, for people without a network. `counts` are the numbers of
    training and test examples, and `classes` of classes.
    """

    title: str
    name: str
    content: str | None
    counts: tuple[int, int]
    classes: int
    finders: tuple[Finder, ...]
    remotes: tuple[Remote, ...]
    put: str


@lru_cache(maxsize=1)
def arrays(published: Published, folder: Path) -> Arrays:
    """All of a set, read from the first place that has it and kept in `folder`."""
    kept = folder / f"{published.name}-arrays"
    if kept.is_dir():
        return _checked(published, read_kept(kept), place=kept)
    found = _at_hand(published, folder)
    if found is None:
        _fetch(published, folder)
        found = _at_hand(published, folder)
        if found is None:
            raise BadData(f"what was fetched for {published.title} is not in {folder}")
    found = _checked(published, found, place=folder)
    keep(found, kept)
    return read_kept(kept)


def _at_hand(published: Published, folder: Path) -> Arrays | None:
    return next((a for find in published.finders if (a := find(folder)) is not None), None)


def _fetch(published: Published, folder: Path) -> None:
    try:
        for one in published.remotes:
            fetched(one, folder / one.name)
    except NoNetwork as error:
        raise NoNetwork(
            f"{published.title} is not in {folder}, and it cannot be fetched: {error}. Put "
            f"{published.put} there, or name the folder that has it in LAB_DATA; "
            f"`lab data fetch {published.name}` says where it comes from"
        ) from error


def _checked(published: Published, found: Arrays, *, place: Path) -> Arrays:
    """The arrays, when they are those of the set. Raises `BadData` otherwise."""
    wrong = _what_is_wrong(published, found)
    if wrong:
        raise BadData(
            f"what lies in {place} is not {published.title}: {wrong}. Remove it, or put a whole "
            "copy there"
        )
    return found


def _what_is_wrong(published: Published, found: Arrays) -> str:
    counts = tuple(len(part.labels) for part in found)
    if counts != published.counts:
        return f"it has {counts[0]} + {counts[1]} examples, not {published.counts}"
    for part in found:
        if len(part.labels) and not 0 <= part.labels.min() <= part.labels.max() < published.classes:
            return f"its labels are not 0 … {published.classes - 1}"
    if published.content is not None and (content := content_of(*found)) != published.content:
        return f"its content is {content[:20]}…, {published.content[:20]}… was expected"
    return ""
