"""A budget: said in the plan, kept by the run, and named what to cut of a plan that is over it."""

import json
from pathlib import Path

import pytest
from commands import lab, study

TEXT = """study s
data  d = digits()
model m = mlp(width: 8, layers: 1)
method dense = train(for: 2 epochs)
method field = dense then inwf(width: 8, layers: 1, min_size: 50, for: 1k steps)
grid widths {
  method:      field
  field.width: 8 | 256
}
report { table(accuracy, by: field.width) }
"""


@pytest.fixture
def over(tmp_path: Path) -> Path:
    return study(tmp_path, TEXT + "budget 1 ms, 9 GB\n")


def test_a_plan_over_its_budget_ends_with_code_5_and_names_what_to_cut(over: Path) -> None:
    done = lab("plan", str(over))
    assert done.returncode == 5
    assert "budget: exceeded: about" in done.stdout
    assert "cut `widths` over `field.width` = 256: it costs" in done.stdout


def test_a_run_over_its_budget_runs_nothing(over: Path) -> None:
    done = lab("run", str(over))
    assert done.returncode == 5
    assert "nothing was run" in done.stderr
    assert "cut `widths` over `field.width` = 256" in done.stderr
    assert not list(over.parents[1].glob("results/store/*/record.json"))


def test_a_budget_of_memory_names_what_takes_most(tmp_path: Path) -> None:
    done = lab("plan", str(study(tmp_path, TEXT + "budget 1 h, 1 MB\n")))
    assert done.returncode == 5
    assert "`field: inwf(width: 256" in done.stdout.split("budget: exceeded", 1)[1]


def test_a_plan_within_its_budget_says_so(tmp_path: Path) -> None:
    done = lab("plan", str(study(tmp_path, TEXT + "budget 10 h, 9 GB\n")))
    assert done.returncode == 0
    assert "budget: 10 h, 9 GB: within it" in done.stdout


def test_the_price_is_part_of_the_json(over: Path) -> None:
    found = json.loads(lab("plan", str(over), "--json").stdout)
    costs = found["costs"]
    assert costs["budget"]["over"]
    assert costs["budget"]["cuts"][0]["seconds"] > 0
    assert {one["component"] for one in costs["programs"]} == {"train", "fit", "accuracy"}
    assert all(one["basis"] == "arithmetic" for one in costs["programs"])
