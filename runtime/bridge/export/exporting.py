"""An export from beginning to end: written aside, compared, described, and only then in its place.

lab.runtime.bridge.export.exporting.export(subject, "onnx", Path("out"))
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import lab
from lab.runtime.bridge.export import checking, networks
from lab.runtime.bridge.export.card import card
from lab.runtime.bridge.export.checking import Task
from lab.runtime.bridge.export.formats import format_of
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.bridge.export.written import Job, Written
from lab.runtime.errors import NotExportable
from lab.runtime.files import clear_parts, sha256, sync_files, unfinished

#: What says that a folder is an export, and what of.
RECORD = "export.json"
CARD = "README.md"
SCHEMA = 1
#: Libraries that import torchvision.
_DECLARE = ("torchvision", "timm", "transformers", "peft")


@dataclass(frozen=True)
class Exported:
    """An export that is there and answers as the model does.

    `bytes` are those of the files that hold the model, `state_bytes` those of its parameters and
    buffers in float32; `difference` is that of its logits from JAX's, over the largest of them.
    """

    folder: Path
    format: str
    bytes: int
    state_bytes: int
    difference: float
    files: Mapping[str, int]


@dataclass(frozen=True)
class Choices:
    """What whoever exports may choose.

    `replace`: an export that is there. `dense`: fold codes into float32 where a format would keep
    them. `shrink`: take out channels that change no logit.
    """

    replace: bool = False
    dense: bool = False
    shrink: bool = False


DEFAULTS = Choices()


def export(subject: Subject, to: str, folder: Path, choices: Choices = DEFAULTS) -> Exported:
    """Write a model in a format into a folder of its own.

    Args:
        subject: the model.
        to: the format, `lab.runtime.bridge.export.formats` has them.
        folder: made by this; where there is one, it is an export and to be replaced.
        choices: see there.

    Raises `NotExportable` where the format does not fit the model, where something else stands in
    the place, or where what was written does not answer as the model does; nothing is left then.
    """
    folder = folder.absolute()
    _demand_place(folder, replace=choices.replace)
    model, value = subject.model, subject.artifact.model
    network = networks.network_of(model, value, subject.origin.model)
    chosen = format_of(to, subject, network, shrink=choices.shrink)
    batch = networks.batch_of(model, network)
    expected = checking.wanted(subject, batch)
    aside = unfinished(folder)
    clear_parts(folder.parent, escape(folder.name))
    try:
        aside.mkdir(parents=True)
        job = Job(subject, network, batch.inputs, dense=choices.dense, shrink=choices.shrink)
        written = chosen.write(job, aside)
        task = Task(
            aside,
            written.code,
            batch.inputs,
            tensors=written.tensors,
            declares=any(one in written.needs for one in _DECLARE),
        )
        gap = checking.difference(checking.answered(task), expected)
        made = _exported(subject, to, (folder, aside), written=written, gap=gap)
        _describe(subject, made, aside, card_text=card(subject, network, written, made))
        _put(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return made


def _demand_place(folder: Path, *, replace: bool) -> None:
    if not folder.exists():
        return
    if not (folder / RECORD).is_file():
        raise NotExportable(f"{folder} is there and is no export: name another folder")
    if not replace:
        raise NotExportable(f"{folder} is there: name another folder, or say --replace")


def _exported(
    subject: Subject, to: str, folders: tuple[Path, Path], *, written: Written, gap: float
) -> Exported:
    folder, aside = folders
    files = {
        str(path.relative_to(aside)): path.stat().st_size
        for path in sorted(aside.rglob("*"))
        if path.is_file()
    }
    return Exported(
        folder=folder,
        format=to,
        bytes=sum(files[name] for name in written.weights),
        state_bytes=subject.state_bytes,
        difference=gap,
        files=files,
    )


def _describe(subject: Subject, made: Exported, aside: Path, *, card_text: str) -> None:
    (aside / CARD).write_text(card_text, encoding="utf-8")
    text = json.dumps(_record(subject, made, aside), indent=1, ensure_ascii=False)
    (aside / RECORD).write_text(text + "\n", encoding="utf-8")


def _record(subject: Subject, made: Exported, aside: Path) -> dict[str, Any]:
    """What a program wants to know of an export."""
    return {
        "schema": SCHEMA,
        "format": made.format,
        "lab": lab.__version__,
        "name": subject.origin.name,
        "study": subject.origin.study,
        "key": subject.origin.key,
        "bytes": made.bytes,
        "state_bytes": made.state_bytes,
        "difference": made.difference,
        "sha256": {name: sha256(aside / name) for name in made.files},
        "numbers": [vars(one) for one in subject.origin.numbers],
        "record": dict(subject.origin.record),
    }


def _put(aside: Path, folder: Path) -> None:
    """Move what was written to its place; what was there before goes when this is in it."""
    sync_files([path for path in (*aside.rglob("*"), aside)])
    before = folder.with_name(f".{folder.name}.{os.getpid()}.before")
    if folder.exists():
        folder.rename(before)
    try:
        aside.rename(folder)
    except OSError:
        if before.exists():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
