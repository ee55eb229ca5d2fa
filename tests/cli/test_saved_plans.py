"""A saved plan is run exactly, and refused when the world has moved on."""

import json
import re
import shutil
from pathlib import Path

import pytest
from commands import TINY, lab, study

from lab.cli.options import Options
from lab.cli.plan import plan
from lab.cli.saved import Outdated, checksum, read
from lab.runtime.errors import LabError
from lab.runtime.layout import keys_in
from lab.spec.records import replaced

STALE = 6


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A saved plan of the tiny study's first arm, beside its folder."""
    file = study(tmp_path, TINY.read_text(encoding="utf-8"))
    options = Options(files=(file,), only="method == dense")
    assert plan(replaced(options, output=tmp_path / "plan.json")) == 0
    return tmp_path / "plan.json"


def test_a_saved_plan_is_run_wherever_its_folder_is_moved(saved: Path, tmp_path: Path) -> None:
    there = tmp_path / "moved"
    shutil.copytree(saved.parent / "studies", there / "studies")
    saved.rename(there / "plan.json")
    done = lab("run", str(there / "plan.json"), "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "3 runs of 1 point" in done.stderr
    assert len(keys_in(there / "results" / "store")) == 1


def test_a_saved_plan_holds_its_own_text(saved: Path) -> None:
    (saved.parent / "studies" / "tiny.lab").write_text("this is no study any more")
    assert len(read(saved, Options()).plan.runs) == 3


def test_a_saved_plan_goes_on_where_it_was_interrupted(saved: Path) -> None:
    assert lab("run", str(saved), "--limit", "1").returncode == 0
    one = read(saved, Options())
    assert one.totals["have"] == 1


def changed(saved: Path, part: str, name: str, value: object) -> None:
    data = json.loads(saved.read_text())
    data[part] = {**data[part], name: value} if name else value
    data["checksum"] = checksum(data)
    saved.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("part", "named", "said"),
    [
        ("versions", ("stage train", "another"), "the code of stage train changed"),
        ("versions", ("stage teleport", "1"), "there is no stage teleport any more"),
        ("contents", ("weights.safetensors", "sha256:0"), "weights.safetensors is gone"),
        ("used", ("other.lab", "0"), "other.lab, which the study uses, changed"),
        (
            "numerics",
            ("", "float16"),
            "numbers are computed as float32/highest, and were as float16",
        ),
        ("todo", ("", list[str]()), "stages that were stored are to be run again, as dense: train"),
    ],
)
def test_a_saved_plan_that_the_world_moved_on_from_is_refused(
    saved: Path, part: str, named: tuple[str, object], said: str
) -> None:
    changed(saved, part, *named)
    with pytest.raises(Outdated, match=re.escape(said)):
        read(saved, Options())


def test_an_outdated_plan_has_an_exit_code_and_runs_nothing(saved: Path) -> None:
    changed(saved, "versions", "stage train", "another")
    done = lab("run", str(saved))
    assert done.returncode == STALE
    assert "plan the study anew" in done.stderr
    assert not (saved.parent / "results").exists()


def test_a_text_that_means_another_plan_is_refused(saved: Path) -> None:
    data = json.loads(saved.read_text())
    changed(saved, "text", "", data["text"].replace("2 epochs", "3 epochs"))
    with pytest.raises(Outdated, match="its text means another plan now: 9 of 9 stages differ"):
        read(saved, Options())


def test_a_saved_plan_has_its_own_options(saved: Path) -> None:
    with pytest.raises(LabError, match="has its own --profile"):
        read(saved, Options(profile="paper"))


def test_a_saved_plan_that_was_edited_or_lost_a_part_is_refused(saved: Path) -> None:
    whole = json.loads(saved.read_text())
    for part in whole.keys() - {"kind", "schema"}:
        for other in ("null", "3", "[]", "{}", '"other"'):
            if json.loads(other) != whole[part]:
                saved.write_text(json.dumps({**whole, part: json.loads(other)}))
                with pytest.raises(LabError, match="was changed since it was saved"):
                    read(saved, Options())
    saved.write_text(json.dumps(whole))
    assert len(read(saved, Options()).plan.runs) == 3, "laying it out otherwise changes nothing"


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "[" * 100_000, '{"kind": "lab plan", "schema": 0}']
)
def test_what_is_no_saved_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(LabError, match=r"is no saved plan|by another version"):
        read(path, Options())


def test_a_plan_is_saved_as_a_file_in_a_folder_that_is_there(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "plan.json"):
        with pytest.raises(LabError, match=re.escape(f"cannot be saved as {place}: ")):
            plan(Options(files=(TINY,), output=place))
    assert not list(tmp_path.glob(".*"))


def test_several_studies_are_not_saved_as_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="give one file with -o"):
        plan(Options(files=(TINY, TINY), output=tmp_path / "plan.json"))


def test_the_command_that_runs_a_saved_plan_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "my plan.json"
    assert plan(Options(files=(TINY,), only="method == dense", output=place)) == 0
    assert f"`lab run '{place}'` runs exactly this" in capsys.readouterr().err
