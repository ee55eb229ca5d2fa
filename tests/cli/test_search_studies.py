"""Studies with searches and with replicates that wait: planned, run, killed, gone on with."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import killed_when, lab, study

PLANNED = """
study t
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
method eight = dense then quantize(bits: 8)
metric ratio = bytes(dense) / bytes(method)
search tune { method: eight; eight.bits: 2 .. 8; minimize ratio; trials 20 }
grid g {
  method: dense | tune.best
  repeat 3 .. 5 as seed until ci95(ratio) < 1
}
report { table(ratio, by: method) }
"""
TEXT = """
study tiny
data  images = digits(validation: 300)
model net    = mlp(width: 16, layers: 1)
method dense = train(by: adam(lr: 1e-2), for: 1 epochs, batch: 256)
method few   = dense then quantize(bits: 8)
search tune "how coarse" {
  method: few
  few.bits: 2 .. 7
  few.per: tensor | channel
  skip few.bits == 2 and few.per == tensor
  minimize bytes subject to accuracy > 10%
  trials 4
}
grid arms { method: dense | tune.best; repeat 2 .. 4 as seed until ci95(accuracy) < 25% }
claim small: bytes(tune.best) < bytes(dense)
report { table(accuracy, bytes, by: method) }
"""


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results" / "tiny" / "results.json").read_text())


def test_a_plan_counts_searches_and_replicates_that_may_not_be_needed(tmp_path: Path) -> None:
    done = lab("plan", str(study(tmp_path, PLANNED)))
    assert done.returncode == 0
    assert "search tune: 20 runs, 20 trials of 1 replicate" in done.stdout
    assert "`tune.best` waits for it" in done.stdout
    assert "grid g: 3 to 5 replicates, until ci95(ratio) < 1" in done.stdout
    assert "10 runs of 2 points" in done.stdout


Whole = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The study run in one go."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, lab("run", str(study(folder, TEXT)))


def test_a_study_with_a_search_is_run_and_its_winner_is_an_arm(whole: Whole) -> None:
    tmp_path, done = whole
    assert done.returncode == 0, done.stderr
    assert "Trials of `tune`: how coarse" in done.stdout
    found = results(tmp_path)
    (search,) = found["searches"]
    trials = search["trials"]
    assert len(trials) == 4
    best = trials[search["best"]]
    feasible = [one["goal"] for one in trials if max(one["violations"]) <= 0]
    assert best["goal"] == min(feasible)
    points = {point["arm"]: point for point in found["points"]}
    assert points["tune.best"]["keys"][0] == best["keys"][0]
    replicates = {one["arm"]: one["replicates"] for one in found["replicates"]}
    assert replicates == {arm: len(point["seeds"]) for arm, point in points.items()}
    assert all(2 <= count <= 4 for count in replicates.values())
    assert [one["verdict"] for one in found["verdicts"]] != ["UNTESTED"]


def test_what_is_over_is_planned_with_its_winner_and_not_run_again(whole: Whole) -> None:
    file, found = str(whole[0] / "studies" / "tiny.lab"), results(whole[0])
    planned = lab("plan", file).stdout
    assert "over: `tune.best` has method few" in planned
    counts = sorted(one["replicates"] for one in found["replicates"])
    assert f"{counts[0]} to {counts[-1]} were needed" in planned or f"{counts[0]} were" in planned
    assert ", 0 new" in planned
    again = lab("run", file)
    assert "nothing to run" in again.stderr
    assert results(whole[0]) == found


def test_a_search_that_was_killed_goes_on_to_the_same_results(whole: Whole, tmp_path: Path) -> None:
    folder, cut = whole[0], tmp_path
    file = str(study(cut, TEXT))

    def some_trials_are_told() -> bool:
        journals = list((cut / "results" / "store" / "searches").glob("*.jsonl"))
        return bool(journals) and b'"told": 1' in journals[0].read_bytes()

    killed_when(some_trials_are_told, "run", file, "--jobs", "1")
    limited = lab("run", file, "--limit", "3")
    assert limited.returncode == 0, limited.stderr
    assert lab("run", file).returncode == 0
    for name in ("searches", "replicates", "verdicts", "runs"):
        assert results(cut)[name] == results(folder)[name]
    stores = [one / "results" / "store" / "searches" for one in (folder, cut)]
    first, second = (next(one.iterdir()).read_bytes() for one in stores)
    assert first == second


def test_a_search_moves_with_its_journal_and_its_trials_are_no_garbage(
    whole: Whole, tmp_path: Path
) -> None:
    file, archive = str(whole[0] / "studies" / "tiny.lab"), str(tmp_path / "moved.tar")
    asked = lab("store", "gc", file, "--json")
    assert json.loads(asked.stdout)["garbage"] == []
    assert lab("store", "export", file, "-o", archive).returncode == 0
    there = str(tmp_path / "there")
    assert lab("store", "import", archive, "--results", there).returncode == 0
    assert ", 0 new" in lab("plan", file, "--results", there).stdout
    stores = (whole[0] / "results" / "store", tmp_path / "there" / "store")
    for part in ("searches", "code"):
        first, second = ({p.name: p.read_bytes() for p in (s / part).iterdir()} for s in stores)
        assert first == second


def test_a_search_that_nothing_satisfies_has_no_winner_and_the_rest_is_run(tmp_path: Path) -> None:
    text = TEXT.replace("accuracy > 10%", "accuracy > 99.9%").replace("trials 4", "trials 2")
    done = lab("run", str(study(tmp_path, text)))
    assert done.returncode == 3
    assert "search `tune` has no winner" in done.stderr
    assert "Traceback" not in done.stderr
    points = {point["arm"]: point for point in results(tmp_path)["points"]}
    assert points["dense"]["metrics"]["accuracy"]["mean"] is not None
    assert points["tune.best"]["metrics"]["accuracy"]["mean"] is None


@pytest.mark.verify
def test_a_search_that_is_killed_again_and_again_ends_as_if_it_never_was(
    whole: Whole, tmp_path: Path
) -> None:
    file = str(study(tmp_path, TEXT))
    searches = tmp_path / "results" / "store" / "searches"

    for lines in (1, 2, 3, 5, 6, 8):

        def has_so_many_lines(lines: int = lines) -> bool:
            journals = list(searches.glob("*.jsonl"))
            return bool(journals) and journals[0].read_bytes().count(b"\n") >= lines

        if not has_so_many_lines():
            killed_when(has_so_many_lines, "run", file, "--jobs", "1")
    assert lab("run", file).returncode == 0
    first, second = (
        next((one / "results" / "store" / "searches").iterdir()).read_bytes()
        for one in (whole[0], tmp_path)
    )
    assert first == second
    for name in ("searches", "replicates", "verdicts", "runs"):
        assert results(tmp_path)[name] == results(whole[0])[name]
