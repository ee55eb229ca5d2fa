"""The tasks of GLUE (Wang et al. 2019, arXiv 1804.07461), from the files that its authors publish.

Labels of the published test sets are secret, so the test split is the published development set, as
in most papers; MRPC's authors publish a labeled test set, which is used. What each task is scored
by (section 2 of the paper):

| task | examples | measurement |
|---|---|---|
| `cola` | acceptable sentences | `matthews` |
| `sst2` | good and bad reviews | `accuracy` |
| `mrpc`, `qqp` | paraphrases | `f1`, `accuracy` |
| `stsb` | how alike, 0 … 5 | `pearson`, `spearman` |
| `mnli`, `mnli_mm` | entailment, neutral, contradiction | `accuracy` |
| `qnli`, `rte`, `wnli` | entailment or not | `accuracy` |
"""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.runtime.columns.reading import Columns
from lab.runtime.download import Remote, fetched
from lab.runtime.errors import BadData, NoNetwork

HOST = "https://dl.fbaipublicfiles.com/glue/data"
PARAPHRASES = "https://dl.fbaipublicfiles.com/senteval/senteval_data"


@dataclass(frozen=True)
class Task:
    """Where a task's files lie, and which columns they have.

    `texts` and `label` name columns, or are their numbers where a file has no row of names.
    `classes` are names in the order that published models use; empty where labels are numbers.
    """

    folder: str
    train: str
    test: str
    texts: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    remotes: tuple[Remote, ...]
    columns: tuple[str, ...] = ()
    scored_by: str = "accuracy"


def _zip(name: str, digest: str, size: int, stem: str = "") -> tuple[Remote, ...]:
    url = f"{HOST}/{stem or name}.zip"
    return (Remote(f"glue/{name}.zip", url, digest=digest, size=size),)


_ENTAILMENT = ("entailment", "not_entailment")
_YES_NO = ("0", "1")
_MNLI = _zip(
    "MNLI", "e7c1d896d26ed6caf700110645df426cc2d8ebf02a5ab743d5a5c68ac1c83633", 312_783_507
)


def _mnli(test: str) -> Task:
    return Task(
        "MNLI",
        "train.tsv",
        test,
        ("sentence1", "sentence2"),
        "gold_label",
        ("entailment", "neutral", "contradiction"),
        _MNLI,
    )


TASKS: dict[str, Task] = {
    "cola": Task(
        "CoLA",
        "train.tsv",
        "dev.tsv",
        ("sentence",),
        "label",
        _YES_NO,
        _zip("CoLA", "f212fcd832b8f7b435fb991f101abf89f96b933ab400603bf198960dfc32cbff", 376_971),
        columns=("source", "label", "mark", "sentence"),
        scored_by="matthews",
    ),
    "sst2": Task(
        "SST-2",
        "train.tsv",
        "dev.tsv",
        ("sentence",),
        "label",
        _YES_NO,
        _zip(
            "SST-2", "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa", 7_439_277
        ),
    ),
    "mrpc": Task(
        "MRPC",
        "msr_paraphrase_train.txt",
        "msr_paraphrase_test.txt",
        ("#1 String", "#2 String"),
        "Quality",
        _YES_NO,
        (
            Remote(
                "glue/MRPC/msr_paraphrase_train.txt",
                f"{PARAPHRASES}/msr_paraphrase_train.txt",
                digest="60a9b09084528f0673eedee2b69cb941920f0b8cd0eeccefc464a98768457f89",
                size=1_047_044,
            ),
            Remote(
                "glue/MRPC/msr_paraphrase_test.txt",
                f"{PARAPHRASES}/msr_paraphrase_test.txt",
                digest="a04e271090879aaba6423d65b94950c089298587d9c084bf9cd7439bd785f784",
                size=441_275,
            ),
        ),
        scored_by="f1",
    ),
    "qqp": Task(
        "QQP",
        "train.tsv",
        "dev.tsv",
        ("question1", "question2"),
        "is_duplicate",
        _YES_NO,
        _zip("QQP", "40e7c862c04eb26ee04b67fd900e76c45c6ba8e6d8fab4f8f1f8072a1a3fbae0", 41_696_084),
        scored_by="f1",
    ),
    "stsb": Task(
        "STS-B",
        "train.tsv",
        "dev.tsv",
        ("sentence1", "sentence2"),
        "score",
        (),
        _zip("STS-B", "e60a6393de5a8b5b9bac5020a1554b54e3691f9d600b775bd131e613ac179c85", 802_872),
        scored_by="pearson",
    ),
    "mnli": _mnli("dev_matched.tsv"),
    "mnli_mm": _mnli("dev_mismatched.tsv"),
    "qnli": Task(
        "QNLI",
        "train.tsv",
        "dev.tsv",
        ("question", "sentence"),
        "label",
        _ENTAILMENT,
        _zip(
            "QNLI",
            "e634e78627a29adaecd4f955359b22bf5e70f2cbd93b493f2d624138a0c0e5f5",
            10_627_589,
            stem="QNLIv2",
        ),
    ),
    "rte": Task(
        "RTE",
        "train.tsv",
        "dev.tsv",
        ("sentence1", "sentence2"),
        "label",
        _ENTAILMENT,
        _zip("RTE", "6bf86de103ecd335f3441bd43574d23fef87ecc695977a63b82d5efb206556ee", 697_150),
    ),
    "wnli": Task(
        "WNLI",
        "train.tsv",
        "dev.tsv",
        ("sentence1", "sentence2"),
        "label",
        _YES_NO,
        _zip("WNLI", "ae0e8e4d16f4d46d4a0a566ec7ecceccfd3fbfaa4a7a4b4e02848c0f2561ac46", 28_999),
    ),
}


def tables(name: str, folder: Path) -> tuple[Columns, Columns]:
    """The training and the test table of a task. Raises `BadData` or `NoNetwork`.

    Args:
        folder: the data folder; the task is `glue/FOLDER/` or `glue/FOLDER.zip` in it.
    """
    task = TASKS[name]
    home = folder / "glue"
    if not (home / task.folder).is_dir() and not (home / f"{task.folder}.zip").is_file():
        try:
            for one in task.remotes:
                fetched(one, folder / one.name)
        except NoNetwork as error:
            raise NoNetwork(
                f"{task.folder} of GLUE is not in {home}, and it cannot be fetched: {error}. Put "
                f"its folder or archive there, or name the folder that has glue/ in LAB_DATA"
            ) from error
    train, test = (_table(task, _text(task, home, one), one) for one in (task.train, task.test))
    return train, test


def _text(task: Task, home: Path, name: str) -> str:
    try:
        if (home / task.folder).is_dir():
            data = (home / task.folder / name).read_bytes()
        else:
            with zipfile.ZipFile(home / f"{task.folder}.zip") as archive:
                data = archive.read(_member(archive, name))
        return data.decode("utf-8-sig")
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise BadData(f"{name} of GLUE's {task.folder} cannot be read from {home}: {error}") from (
            error
        )


def _member(archive: zipfile.ZipFile, name: str) -> str:
    found = [one for one in archive.namelist() if one.rsplit("/", 1)[-1] == name]
    return min(found, key=len) if found else name


def _table(task: Task, text: str, name: str) -> Columns:
    """The columns that the task needs; other columns may differ between its files."""
    rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    names = list(task.columns) or next(rows, [])
    wanted = (*task.texts, task.label)
    lacking = [one for one in wanted if one not in names]
    if lacking:
        raise BadData(
            f"{name} of GLUE's {task.folder} has no column {', '.join(lacking)}; it has "
            f"{', '.join(names)}"
        )
    places = [names.index(one) for one in wanted]
    kept: list[Sequence[str]] = []
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        if len(row) <= max(places):
            raise BadData(f"row {number} of {name} of GLUE's {task.folder} is cut: {row}")
        kept.append([row[place] for place in places])
    columns = list(zip(*kept, strict=True)) if kept else [()] * len(wanted)
    return dict(zip(wanted, columns, strict=True))
