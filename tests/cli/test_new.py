"""`lab new`: a study to begin from."""

from pathlib import Path

import pytest

from lab.cli.load import load
from lab.cli.new import new
from lab.cli.options import Options
from lab.runtime.errors import LabError
from lab.spec.format import format
from lab.spec.source import Source


def test_a_new_study_checks_without_a_word_and_is_in_canonical_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert new(Options(names=("first", "second"))) == 0
    for name in ("first", "second"):
        file = Path("studies") / f"{name}.lab"
        found = load(file)
        assert found.diagnostics == ()
        assert found.plan is not None
        assert found.plan.study == name
        text = file.read_text(encoding="utf-8")
        assert format(Source(file.name, text)) == text


def test_in_a_folder_of_studies_it_is_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path / "studies")
    assert new(Options(names=("first",))) == 0
    assert Path("first.lab").is_file()


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new(Options(names=("first",)))
    with pytest.raises(LabError, match="is there already"):
        new(Options(names=("first",)))


@pytest.mark.parametrize("name", ["First", "a-b", "../up", "1st", "a.lab", ""])
def test_a_name_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabError, match="is no name of a study"):
        new(Options(names=(name,)))
