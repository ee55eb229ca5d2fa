import io
import json
import os
from pathlib import Path

import made_study
import numpy as np
import pytest
from made_plans import Made, columns, replicates
from nobody import NOBODY
from PIL import Image

from lab.compiler.plan import FigurePlan, Run
from lab.runtime import numbers, ordering, report
from lab.runtime.errors import LabError
from lab.runtime.evidence import Estimate
from lab.runtime.figure import figure_of
from lab.runtime.files import unfinished
from lab.runtime.registry import catalog
from lab.runtime.report import terminal
from lab.runtime.report.data import plan_digest
from lab.runtime.results import Results
from lab.runtime.statistics import Interval

GOLDEN = Path(__file__).parent / "golden" / "report.md"


@pytest.fixture(scope="module")
def made() -> Made:
    return made_study.ablation()


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "made"
    return report.write(made.plan(), made.values, made.records, folder, study_text=made_study.TEXT)


def results_of(made: Made) -> Results:
    return Results(made.plan(), made.values, made.records)


def test_the_report_reads_as_it_should(made, written):
    """Golden. If the report is meant to change, put the new one there, with PLAN for its hash."""
    text = written.paths["report.md"].read_text("utf-8")
    text = text.replace(plan_digest(made.plan())[:16], "PLAN")
    assert text == GOLDEN.read_text("utf-8")


def test_writing_again_changes_no_byte(made, written):
    before = {path: path.read_bytes() for path in written.paths.values()}
    folder = written.paths["report.md"].parent
    again = report.write(made.plan(), made.values, made.records, folder, study_text=made_study.TEXT)
    assert {path: path.read_bytes() for path in again.paths.values()} == before


def test_nothing_but_the_report_is_left_in_the_folder(written):
    folder = written.paths["report.md"].parent
    assert {p for p in folder.rglob("*") if p.is_file()} == set(written.paths.values())


def test_what_a_killed_process_had_begun_to_write_is_taken_away(made, tmp_path):
    begun = [tmp_path / part for part in ("report.md", "runs/3-ab.json")]
    for path in begun:
        path.parent.mkdir(exist_ok=True)
        for number in (NOBODY, os.getppid()):
            unfinished(path, number).write_text("{")
    report.write(made.plan(), made.values, made.records, tmp_path, study_text=made_study.TEXT)
    theirs = {unfinished(path, os.getppid()) for path in begun}
    assert set(tmp_path.rglob("*.part")) == theirs, "what lives is left alone"


def test_files_of_an_earlier_report_are_taken_away_and_strangers_stay(made, tmp_path):
    for name in ("plots/9-lines-old.png", "runs/99-deadbeef.json", "runs/notes.txt", "mine.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    report.write(made.plan(), made.values, made.records, tmp_path, study_text="")
    assert not (tmp_path / "plots/9-lines-old.png").exists()
    assert not (tmp_path / "runs/99-deadbeef.json").exists()
    assert (tmp_path / "runs/notes.txt").exists()
    assert (tmp_path / "mine.md").exists()


def test_every_link_of_the_report_leads_to_a_file(written):
    text = written.paths["report.md"].read_text("utf-8")
    folder = written.paths["report.md"].parent
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links
    assert all((folder / link).is_file() for link in links)


def test_every_plot_shows_something(written):
    plots = [path for name, path in written.paths.items() if name.startswith("plots/")]
    assert len(plots) == 5
    for path in plots:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"), float)
        assert min(pixels.shape) > 300
        assert np.mean(pixels < 128) > 0.005
        assert np.mean(pixels > 250) > 0.2


def test_every_figure_of_the_catalog_is_drawn_here(made):
    assert {figure.figure for figure in made.figures} == set(catalog().names("figure"))


@pytest.mark.parametrize("name", catalog().names("figure"))
def test_a_figure_of_runs_without_results_is_empty_or_drawn(made, name):
    plan = next(figure for figure in made.figures if figure.figure == name)
    for drawing in figure_of(plan).draw(Results(made.plan(), {}, {})):
        assert drawing.title


def test_an_unknown_figure_says_which_there_are():
    with pytest.raises(LabError, match="heatmap"):
        figure_of(FigurePlan("pie", {}, {}, {}, "pie()"))


def test_numbers_are_complete_and_finite(written, made):
    data = json.loads(written.paths["results.json"].read_text("utf-8"))
    assert len(data["points"]) == 16
    assert len(data["runs"]) == len(made.runs)
    sparse = next(p for p in data["points"] if p["arm"] == "sparse")
    drop = sparse["metrics"]["drop"]
    assert (drop["n"], drop["basis"]) == (3, "replicates")
    assert drop["interval"]["low"] < drop["mean"] < drop["interval"]["high"]
    assert [v["verdict"] for v in data["verdicts"]] == [v.outcome for v in written.verdicts]


def test_a_run_has_its_configuration_environment_history_and_metrics(written):
    path = next(p for n, p in written.paths.items() if n.startswith("runs/07-"))
    run = json.loads(path.read_text("utf-8"))
    fit = run["stages"][-1]
    assert fit["arguments"]["for"] == {"duration": 2000, "unit": "steps"}
    assert fit["environment"]["device"] == "Some CPU @ 2.0 GHz"
    assert len(fit["history"]["loss"]) == 40
    assert set(run["metrics"]) == {"ratio", "accuracy", "drop", "r2"}
    assert all("correct" not in m["values"] for m in run["measurements"])


def test_a_point_with_lost_replicates_says_so():
    made = Made()
    trees = replicates(made, "a", [1.0, 2.0, 4.0])
    for seed, tree in enumerate(trees):
        stages = (made.nodes[tree["node"]].inputs["of"],)
        made.runs.append(Run("g", "a", "a", seed, {"method": "a"}, (), {"loss": tree}, stages))
    made.figures.append(
        FigurePlan("table", {"": columns(("loss", None, "lower"))}, {"by": ("method",)}, {}, "")
    )
    del made.values[trees[1]["node"]]
    table = figure_of(made.figures[0]).draw(results_of(made))[0]
    row = dict(zip((c.text for c in table.columns), table.rows[0], strict=True))
    assert row["n"] == "2 of 3"
    assert row["loss ↓"] == "2.500 (2 of 3)"


def test_a_failed_run_is_a_result(made, tmp_path):
    plan = made.plan()
    broken = next(r.stages[-1] for r in plan.runs if r.stages[-1] not in made.records)
    failures = {broken: {"cause": "diverged", "message": "the loss is not a number"}}
    report.write(plan, made.values, made.records, tmp_path, study_text="", failures=failures)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "| field | 128 | 3 | diverged |" in text
    assert "* diverged: the loss is not a number (`fit(field), seed 0`)" in text


def test_accuracy_before_is_that_of_the_stage_before_the_compression(made):
    results = results_of(made)
    by_arm = {point.arm: results.accuracy_before(point) for point in results.points}
    assert by_arm["dense"] is None
    assert by_arm["sparse"] == by_arm["eight"] == pytest.approx(0.92)


def test_a_table_shows_the_points_that_depart_at_its_paths_only(made):
    table = figure_of(made.figures[1]).draw(results_of(made))[0]
    assert [row[:2] for row in table.rows][-4:] == [
        ("field", "16"),
        ("field", "32"),
        ("field", "64"),
        ("field", "128"),
    ]


def test_plain_output_has_tables_verdicts_and_paths(written):
    stream = io.StringIO()
    terminal.show(written, stream)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "PASS  sparse_good" in text
    assert str(written.paths["report.md"]) in text


def test_a_terminal_gets_colors(written):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    terminal.show(written, stream)
    assert "UNTESTED" in stream.getvalue()


def test_digits_follow_the_uncertainty():
    half = Interval(0.90, 0.94, 0.95, "student t")
    estimate = Estimate(0.92, 3, "replicates", (0.91, 0.92, 0.93), half)
    assert numbers.text(estimate, numbers.scale_of("share")) == "92.0 ± 2.0"
    leaning = Interval(0.91, 0.96, 0.95, "studentized bootstrap")
    estimate = Estimate(0.92, 12, "replicates", (0.92,) * 12, leaning)
    assert numbers.text(estimate, numbers.scale_of("share")) == "92.0 +4.0 −1.0"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-3.25, "−3.250"),
        (269722, "269,722"),
        (1.5e-7, "1.500e−07"),
        (float("nan"), "not a number"),
        (float("inf"), "∞"),
    ],
)
def test_certain_numbers_have_four_digits(number, text):
    assert numbers.plain(number).replace("-", "−") == text


def test_settings_of_numbers_are_in_their_order():
    assert ordering.in_order(["64", "128", "16"]) == ["16", "64", "128"]
    assert ordering.in_order(["80%", "9%"]) == ["9%", "80%"]
    assert ordering.in_order(["sine", "relu"]) == ["sine", "relu"]
    assert ordering.in_order(["none", "16"]) == ["none", "16"]
    assert ordering.number_in("2000 steps") == 2000
