"""What a run may take, and what it says of what failed."""

import json
import shutil
from pathlib import Path

from commands import TINY, lab, study

from lab.runtime.layout import keys_in

HEAD = """study s
data  images = digits()
model net    = mlp(width: 8, layers: 1)
method dense = train(by: sgd(lr: 1e-2), for: 1 epochs, batch: 256)
"""


def test_time_that_is_used_up_ends_a_run_which_a_larger_budget_goes_on_with(tmp_path: Path) -> None:
    shutil.copytree(TINY.parent / "own", tmp_path / "studies")
    waits = """use "waits.py"
method late = dense then waits()
grid g { method: dense | late }
report { table(accuracy, by: method) }
"""
    first = HEAD + "grid g { method: dense }\nreport { table(accuracy, by: method) }\n"
    assert lab("run", str(study(tmp_path, first, "s.lab"))).returncode == 0
    have = keys_in(tmp_path / "results" / "store")
    file = str(study(tmp_path, HEAD + waits + "budget 9 s\n", "s.lab"))
    ended = lab("run", file)
    assert ended.returncode == 5, ended.stderr
    assert "the budget of 9 s is used up, and 2 stages and measurements are left" in ended.stderr
    assert "larger `budget`" in ended.stderr
    assert "not run" in ended.stdout
    assert keys_in(tmp_path / "results" / "store") == have
    (tmp_path / "studies" / "go").touch()
    file = str(study(tmp_path, HEAD + waits + "budget 1 h\n", "s.lab"))
    done = lab("run", file)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 done" in done.stderr


def test_a_run_over_its_memory_is_killed_and_the_others_go_on(tmp_path: Path) -> None:
    text = HEAD + (
        "model wide = mlp(width: 4500, layers: 2)\n"
        "grid g { model: net | wide; method: dense }\n"
        "report { table(accuracy, by: model) }\n"
    )
    file = str(study(tmp_path, text, "s.lab"))
    done = lab("run", file, "--memory", "520MB", "--jobs", "1")
    assert done.returncode == 3, done.stderr
    assert "out of memory: it took" in done.stderr
    assert "and may have 0.52 GB" in done.stderr
    assert "where: the run with model == wide failed" in done.stderr
    assert "failed: dense: train (model wide)" in done.stderr
    report = (tmp_path / "results" / "s" / "report.md").read_text()
    assert "where: the run with model == wide failed" in report
    results = json.loads((tmp_path / "results" / "s" / "results.json").read_text())
    assert results["failure_regions"] == [{"conditions": ["model == wide"], "runs": 1}]
    means = [point["metrics"]["accuracy"]["mean"] for point in results["points"]]
    assert [mean is None for mean in means] == [False, True]


def test_a_plan_whose_first_runs_fail_alike_is_stopped_and_says_so(tmp_path: Path) -> None:
    text = HEAD + (
        "grid g { method: dense; dense.by.lr: 1e-4 | 1e-3 | 1e-2 | 1e-1 | 1 }\n"
        "report { table(accuracy, by: dense.by.lr) }\n"
    )
    file = str(study(tmp_path, text, "s.lab"))
    done = lab("run", file, "--memory", "1MB", "--jobs", "1")
    assert done.returncode == 3, done.stderr
    assert "stopped: the first 3 runs failed of the same cause" in done.stderr
    assert "Traceback" not in done.stderr
    again = lab("plan", file, "--json")
    assert json.loads(again.stdout)["totals"]["failed"] == 3


def test_a_size_without_a_unit_is_refused_with_an_example(tmp_path: Path) -> None:
    file = str(study(tmp_path, HEAD, "s.lab"))
    for given in ("32", "3XB", "-1GB", "5 s"):
        done = lab("run", file, "--memory", given)
        assert done.returncode == 2
        assert "32GB" in done.stderr or "expected one argument" in done.stderr
