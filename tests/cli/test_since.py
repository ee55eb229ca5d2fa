"""`lab plan --since`: what each edit in the history of a study costs, with its reason and line."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import TINY, lab

from lab.cli.options import Options
from lab.cli.planned import planned
from lab.cli.revision import Revision
from lab.cli.since import as_json, since
from lab.runtime.errors import LabError

#: An edit, and what it makes new: runs, of how many; the text of each reason and its line.
HISTORY: list[tuple[str, str, int, int, list[tuple[str, int]]]] = [
    ("method eight", "# eight bits a weight\nmethod eight", 0, 0, []),
    (
        "field.width: 8 | 12",
        "field.width: 8 | 12 | 16",
        3,
        3,
        [("`field.width` 16 besides 12", 16)],
    ),
    ("bits: 8", "bits: 4", 3, 3, [("`eight.bits` 8 bits → 4 bits", 9)]),
    ("repeat 3", "repeat 4", 5, 1, [("new replicates 3 → 4", 14)]),
    ("lr: 1e-2", "lr: 2e-2", 20, 4, [("`dense.by.lr` 0.01 → 0.02", 6)]),
    (
        "method eight",
        "method four  = dense then quantize(bits: 4, per: tensor)\nmethod eight",
        0,
        0,
        [],
    ),
    (
        "dense | field | eight;",
        "dense | field | eight | four;",
        4,
        12,
        [("`four` was never run", 17)],
    ),
]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with a commit for each edit."""
    folder = tmp_path_factory.mktemp("history")
    file = folder / "studies" / "tiny.lab"
    file.parent.mkdir()
    text = TINY.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "the study")
    for old, new, *_ in HISTORY:
        assert old in text
        text = text.replace(old, new, 1)
        file.write_text(text, encoding="utf-8")
        git(folder, "commit", "-qam", new)
    return folder


def priced(file: Path, revision: str) -> dict[str, Any]:
    """What `lab plan --since --json` prints."""
    _, one = planned(file, Options(files=(file,), results=file.parent / "results"))
    assert one is not None
    return as_json(since(one, revision))


@pytest.mark.parametrize("number", range(len(HISTORY)))
def test_each_edit_is_counted_priced_and_explained(history: Path, number: int) -> None:
    _, _, runs, roots, reasons = HISTORY[number]
    after = len(HISTORY) - number - 1
    git(history, "checkout", "-q", f"HEAD~{after}")
    data = priced(history / "studies" / "tiny.lab", "HEAD~1")
    git(history, "checkout", "-q", "-")
    assert data["runs"]["new"] == runs
    assert [(one["text"], one["places"][0]["line"]) for one in data["reasons"]] == reasons
    assert sum(len(one["nodes"]) for one in data["reasons"]) == roots
    assert (data["costs"]["wall_seconds"] > 0) == bool(data["nodes"]["new"])


def test_nothing_happened_since_the_last_commit(history: Path) -> None:
    data = priced(history / "studies" / "tiny.lab", "HEAD")
    assert data["nodes"]["new"] == data["nodes"]["gone"] == data["reasons"] == []


def test_what_is_no_longer_needed_is_told(history: Path) -> None:
    file = history / "studies" / "tiny.lab"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("8 | 12 | 16", "8 | 12"), encoding="utf-8")
    data = priced(file, "HEAD")
    file.write_text(text, encoding="utf-8")
    assert data["runs"] == {"new": 0, "gone": 4, "same": 20}
    gone = {one["label"].partition("(")[0] for one in data["nodes"]["gone"]}
    assert gone == {"field: inwf", "field: bytes", "field: accuracy"}


def test_an_edit_as_text_ends_with_its_counts(history: Path) -> None:
    done = lab("plan", str(history / "studies" / "tiny.lab"), "--since", "HEAD~1")
    assert "the edit costs about" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("stages and measurements: ")


def test_a_revision_that_is_not_there_is_a_sentence(history: Path) -> None:
    done = lab("plan", str(history / "studies" / "tiny.lab"), "--since", "yesterday")
    assert done.returncode == 2
    assert "has no revision `yesterday`" in done.stderr


def test_a_study_that_was_not_there_is_a_sentence(history: Path) -> None:
    other = history / "studies" / "other.lab"
    other.write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    done = lab("plan", str(other), "--since", "HEAD")
    assert done.returncode == 2
    assert "has no other.lab" in done.stderr


def test_a_study_that_was_wrong_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "tiny.lab"
    file.write_text("method a = nonsense()\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "wrong")
    file.write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    done = lab("plan", str(file), "--since", "HEAD")
    assert done.returncode == 2
    assert "is wrong at revision `HEAD`, line 1" in done.stderr


def test_a_study_outside_any_repository_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    file = tmp_path / "tiny.lab"
    file.write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(LabError, match="is in no git repository"):
        Revision(file.parent, "HEAD")
