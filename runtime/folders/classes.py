"""Class folders: which files belong to which class and which split.

    FOLDER/CLASS/FILE                   a part of it is set aside for testing
    FOLDER/train/CLASS/FILE             with test/, or val/ (or validation/) in its place
    FOLDER/{train,val,test}/CLASS/FILE  the validation split is the folder's own

Classes are numbered in the order of their names, files are taken in the order of theirs. Whatever
is wrong is found before a file is opened, and told with the names of the first few.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab.runtime.errors import BadData

VALIDATION_NAMES = ("validation", "val", "valid")
SPLIT_SEED = 20
#: Files that people and their machines leave beside data.
BESIDE = frozenset({".txt", ".md", ".csv", ".json", ".tsv", ".ini", ".db", ".yaml", ".yml"})
SHOWN = 5


class Sorted(NamedTuple):
    """Files of a split with the number of their class."""

    files: tuple[Path, ...]
    labels: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Sorted":
        """Some of the files, by a mask."""
        kept = tuple(f for f, keep in zip(self.files, chosen, strict=True) if keep)
        return Sorted(kept, self.labels[chosen])


class ClassFolders(NamedTuple):
    """The classes of a folder, and its splits by name: `train`, `test`, maybe `validation`."""

    classes: tuple[str, ...]
    splits: Mapping[str, Sorted]


def class_folders(folder: Path, suffixes: frozenset[str], *, test: float) -> ClassFolders:
    """What lies in a folder. Raises `BadData` with all that is wrong.

    Args:
        suffixes: of the files that are data, in lower case. `test`: share of each class set aside
            where the folder has no test split.
    """
    if not folder.is_dir():
        raise BadData(f"{folder} is no folder: name one that has a folder for each class")
    named = _split_folders(folder)
    classes = _classes(named.get("train", folder))
    problems: list[str] = []
    splits = {name: _sorted(path, classes, suffixes, problems) for name, path in named.items()}
    if not named:
        splits = _with_test(_sorted(folder, classes, suffixes, problems), test)
    if problems:
        raise BadData(f"{folder} cannot be used: {listed(problems)}")
    return ClassFolders(classes, splits)


def listed(problems: Sequence[str]) -> str:
    """How many problems there are, and the first few.

    Example:
        >>> listed(["a is cut"])
        '1 problem (a is cut)'
    """
    more = f"; and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
    word = "problem" if len(problems) == 1 else "problems"
    return f"{len(problems):,} {word} ({'; '.join(problems[:SHOWN])}{more})"


def _split_folders(folder: Path) -> dict[str, Path]:
    """The folders of the splits, where there is one for training."""
    if not (folder / "train").is_dir():
        return {}
    found = {"train": folder / "train"}
    aside = next((folder / n for n in VALIDATION_NAMES if (folder / n).is_dir()), None)
    if (folder / "test").is_dir():
        found["test"] = folder / "test"
        if aside is not None:
            found["validation"] = aside
    elif aside is not None:
        found["test"] = aside
    else:
        raise BadData(
            f"{folder} has train/ and neither test/ nor val/: put test examples there, or name "
            f"{folder / 'train'} to have some set aside"
        )
    return found


def _classes(folder: Path) -> tuple[str, ...]:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(names) < 2:
        raise BadData(
            f"{folder} has {len(names)} class folders ({', '.join(names) or 'none'}): there have "
            "to be two at least"
        )
    return tuple(names)


def _sorted(
    folder: Path, classes: tuple[str, ...], suffixes: frozenset[str], problems: list[str]
) -> Sorted:
    files: list[Path] = []
    labels: list[int] = []
    for extra in sorted(p.name for p in folder.iterdir() if p.is_dir()):
        if extra not in classes and not extra.startswith("."):
            problems.append(f"{folder / extra} is a class that the training split lacks")
    for number, name in enumerate(classes):
        found = sorted(_data_files(folder / name, suffixes, problems))
        if not found:
            problems.append(f"{folder / name} has no examples")
        files += found
        labels += [number] * len(found)
    return Sorted(tuple(files), np.asarray(labels, np.int32))


def _data_files(folder: Path, suffixes: frozenset[str], problems: list[str]) -> Iterable[Path]:
    if not folder.is_dir():
        return
    for path in folder.rglob("*"):
        if path.is_dir() or path.name.startswith("."):
            continue
        if path.suffix.lower() in suffixes:
            yield path
        elif path.suffix.lower() not in BESIDE:
            problems.append(f"{path} is none of {', '.join(sorted(suffixes))}")


def _with_test(whole: Sorted, share: float) -> dict[str, Sorted]:
    """The files in two parts, the same share of every class in each."""
    aside = np.zeros(len(whole.labels), bool)
    random = np.random.RandomState(SPLIT_SEED)
    for number in np.unique(whole.labels):
        rows = np.flatnonzero(whole.labels == number)
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        aside[random.permutation(rows)[:count]] = True
    return {"train": whole.rows(~aside), "test": whole.rows(aside)}
