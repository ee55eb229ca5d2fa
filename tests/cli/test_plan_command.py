"""`lab plan`: its sections, its JSON, and the part of it that `--only` chooses."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import TINY, study

from lab.cli.options import Options
from lab.cli.plan import plan
from lab.cli.plan_json import SCHEMA, as_json
from lab.cli.plan_text import as_text
from lab.cli.planned import STATES, Planned, planned
from lab.compiler.serial import from_json, to_json
from lab.runtime.layout import FAILURES
from lab.spec.render import render_all

SCHEDULED = """
data  images = digits()
model net    = mlp()
method dense = train(by: adam(lr: linear(0 -> 1e-2) for 1 epochs then cosine(1e-2 -> 0)),
                     for: 4 epochs)
method rough = dense then quantize(bits: 4 | 8)
grid arms { method: dense | rough; skip rough.bits == 8 because "four are enough" }
report { table(accuracy, by: method) }
"""


def one(file: Path, **options: Any) -> Planned:
    _, found = planned(file, Options(files=(file,), **options))
    assert found is not None
    return found


def tiny(tmp_path: Path, **options: Any) -> Planned:
    return one(TINY, results=tmp_path / "results", **options)


def sections(text: str) -> list[list[str]]:
    return [section.splitlines() for section in text.split("\n\n")]


def test_axes_have_their_numbers_and_replicates_are_none(tmp_path: Path) -> None:
    axes = sections(as_text(tiny(tmp_path)))[1]
    assert axes[2].split() == ["arms", "method", "3", "dense", "|", "field", "|", "eight"]
    assert axes[4].split() == ["arms", "replicates", "3", "0,", "1,", "2"]


def test_what_a_filter_removed_is_told_with_its_reason(tmp_path: Path) -> None:
    text = as_text(one(study(tmp_path, SCHEDULED)))
    removed = "arms: rough.bits == 8 removed 1 runs, because four are enough; 2 are left"
    assert removed in text.splitlines()


def test_a_schedule_is_drawn_with_its_knots(tmp_path: Path) -> None:
    text = as_text(one(study(tmp_path, SCHEDULED)))
    drawn = next(line for line in text.splitlines() if line.startswith("dense: train  by.lr"))
    assert "▁▃▅▇█" in drawn
    assert drawn.endswith("0 at 0%, 0.01 at 25%, 0 at 100%")


def test_stages_have_uses_nodes_and_what_is_shared(tmp_path: Path) -> None:
    text = as_text(tiny(tmp_path))
    dense = next(line for line in text.splitlines() if line.startswith("dense: train"))
    field = next(line for line in text.splitlines() if line.startswith("field: inwf"))
    assert dense.split()[2:6] == ["12", "3", "4x", "0"]
    assert field.split()[2:6] == ["6", "6", "1x", "0"]


def test_the_summary_is_last(tmp_path: Path) -> None:
    assert as_text(tiny(tmp_path)).splitlines()[-2:] == [
        "12 runs of 4 points, 1 claim",
        "36 stages and measurements: 0 have, 36 new",
    ]


def test_points_are_listed_when_asked_for(tmp_path: Path) -> None:
    assert "seeds    state" not in as_text(tiny(tmp_path))
    text = as_text(tiny(tmp_path, verbose=True))
    points = [line for line in text.splitlines() if line.endswith("0, 1, 2  new")]
    assert len(points) == 4


def test_a_stage_with_a_checkpoint_is_gone_on_with_and_a_failed_one_is_named(
    tmp_path: Path,
) -> None:
    keys = [node.key for node in tiny(tmp_path).plan.nodes]
    store = tmp_path / "results" / "store"
    (store / "checkpoints" / keys[0]).mkdir(parents=True)
    (store / "checkpoints" / keys[0] / "100.json").write_text("{}")
    (store / FAILURES).mkdir()
    (store / FAILURES / f"{keys[1]}.json").write_text("{}")
    found = tiny(tmp_path)
    assert found.states[keys[0]] == "resume"
    assert found.states[keys[1]] == "failed"
    assert "1 to be gone on with" in as_text(found)
    assert "1 failed when last tried" in as_text(found)


# JSON


def test_the_document_is_complete_and_its_plan_round_trips(tmp_path: Path) -> None:
    found = tiny(tmp_path)
    data = json.loads(json.dumps(as_json(found)))
    assert data["schema"] == SCHEMA
    assert data["counts"] == {"runs": 12, "points": 4, "claims": 1, "nodes": 36}
    assert list(data["totals"]) == list(STATES)
    assert set(data["states"]) == {node.key for node in found.plan.nodes}
    assert data["order"] == [node.key for node in found.todo]
    assert data["costs"]["wall_seconds"] > 0
    assert to_json(from_json(data["plan"])) == to_json(found.plan)


def test_several_studies_are_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(Options(files=(TINY, TINY), json=True, results=tmp_path))
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == SCHEMA
    assert [each["file"] for each in data["files"]] == [str(TINY), str(TINY)]


# The part that a condition chooses


@pytest.mark.parametrize(
    ("condition", "runs", "claims"),
    [
        ("method == field", {"field": 6}, 0),
        ("method == eight", {"eight": 3}, 1),
        ("method != field", {"dense": 3, "eight": 3}, 1),
        ("method in [dense, eight]", {"dense": 3, "eight": 3}, 1),
        ("field.width == 8", {"dense": 3, "field": 3, "eight": 3}, 1),
        ("method == field and field.width > 8", {"dense": 3, "field": 3, "eight": 3}, 1),
    ],
)
def test_what_keep_would_leave_is_planned(
    tmp_path: Path, condition: str, runs: dict[str, int], claims: int
) -> None:
    """As in a file, a condition does not apply to a run that lacks what it names."""
    found = tiny(tmp_path, only=condition).plan
    assert Counter(run.arm for run in found.runs) == runs
    assert len(found.claims) == claims


def test_a_part_has_the_keys_that_the_whole_study_gives(tmp_path: Path) -> None:
    whole = {node.key for node in tiny(tmp_path).plan.nodes}
    part = {node.key for node in tiny(tmp_path, only="method == field").plan.nodes}
    assert part < whole


def test_a_part_combines_with_a_value_that_is_set(tmp_path: Path) -> None:
    found = tiny(tmp_path, only="field.width == 32", sets=("field.width=16 | 32",)).plan
    assert {run.settings.get("field.width") for run in found.runs} == {None, "32"}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("field.widht == 8", "did you mean `width`?"),
        ("drop < 1%", "runs are chosen by what they are set to"),
        ("field.width", "neither true nor false"),
        ("field.width ==", "--only:1"),
    ],
)
def test_a_wrong_condition_is_found_as_in_a_file(condition: str, said: str) -> None:
    loaded, found = planned(TINY, Options(files=(TINY,), only=condition))
    assert found is None
    assert said in render_all(loaded.diagnostics, color=False)
