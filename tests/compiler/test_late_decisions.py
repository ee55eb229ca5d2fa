"""What is decided as a study runs, and what is read of files that it uses, as a plan has it."""

import json

import pytest
from planning import HEAD, catalog, compiled, planned

from lab.compiler.build import Refusal, compile_study
from lab.compiler.serial import from_json, to_json
from lab.spec.check import check
from lab.spec.source import Source

UNTIL = "repeat 3 .. 10 as seed until ci95(drop) < 0.2%\ngrid g { method: dense | eight }\n"
MORE = """
method eight = dense then quantize(bits: 8)
metric drop = accuracy(dense) - accuracy(method)
"""
SEARCH = """
search tune "sizes" {
  method: field
  field.width: 8 .. 64
  field.by: adam(lr: log 1e-4 .. 1e-2) | sgd(lr: 0.1)
  skip field.width == 9
  repeat 2 as seed
  minimize ratio subject to accuracy > 50%
  trials 20
}
method field = dense then inwf(width: 16, layers: 2, for: 10 steps)
grid g { method: field | tune.best }
claim pays: ratio(tune.best) > ratio(field)
"""
MINE = '''
"""A component of one's own."""
raise SystemExit("a check never runs this")

@component("halve", kind="reparameterization", stage="apply")
class Halve:
    """Half of every weight."""

    times: int = parameter(1, "how often", low=1)
'''


def test_replicates_that_go_on_until_something_are_planned_at_their_most() -> None:
    plan = planned(MORE + UNTIL)
    (one,) = plan.adaptive
    assert (one.grid, one.least, one.most, one.level, one.width) == ("g", 3, 10, 0.95, 0.002)
    assert len(plan.runs) == 2 * 10
    assert all(one.metric in run.metrics for run in plan.runs)


def test_what_replicates_wait_for_changes_no_stage() -> None:
    fixed = planned(MORE + UNTIL.replace("3 .. 10", "10").replace(" until ci95(drop) < 0.2%", ""))
    waiting = {node.key for node in planned(MORE + UNTIL).nodes if node.role == "stage"}
    assert waiting == {node.key for node in fixed.nodes if node.role == "stage"}


def test_a_profile_may_fix_the_replicates() -> None:
    text = MORE + UNTIL + "profile quick { repeat 3 as seed }\n"
    plan = planned(text, profile="quick")
    assert plan.adaptive == ()
    assert len(plan.runs) == 2 * 3


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("repeat 3 .. 10 as seed", "E0508"),
        ("repeat 3 as seed until ci95(drop) < 0.2%", "E0508"),
        ("repeat 1 .. 10 as seed until ci95(drop) < 0.2%", "E0508"),
        ("repeat 10 .. 3 as seed until ci95(drop) < 0.2%", "E0508"),
        ("repeat 3 .. 10 as seed until drop < 0.2%", "E0508"),
        ("repeat 3 .. 10 as seed until ci95(drop) > 0.2%", "E0508"),
        ("repeat 3 .. 10 as seed until ci95(drop) < 0%", "E0508"),
        ("repeat 3 .. 10 as seed until ci95(drop) < 2 MB", "E0602"),
        ("repeat 3 .. 10 as seed until ci95(dorp) < 0.2%", "E0201"),
    ],
)
def test_a_repeat_without_a_sensible_end_is_refused(written: str, code: str) -> None:
    text = HEAD + MORE + written + "\ngrid g { method: dense | eight }\n"
    found = check(Source("s.lab", text), catalog()).diagnostics
    assert [one.code for one in found if one.severity == "error"] == [code]


def test_a_search_is_counted_as_its_trials_and_replicates() -> None:
    (search,) = planned(SEARCH).searches
    assert (search.name, search.title, search.direction) == ("tune", "sizes", "minimize")
    assert search.runs == 20 * 2
    assert search.space["field.width"] == "8 .. 64"


def test_a_plan_with_searches_and_waiting_replicates_round_trips() -> None:
    for body in (SEARCH, MORE + UNTIL):
        plan = planned(body)
        assert to_json(from_json(json.loads(json.dumps(to_json(plan))))) == to_json(plan)


OTHER = "search other { method: field; field.layers: 1 .. 3; minimize ratio; trials 3 }\n"
TAKES = SEARCH.replace("method: field\n", "method: field | other.best\n", 1)


def test_a_search_may_take_the_winner_of_one_before_it() -> None:
    assert [one.name for one in planned(OTHER + TAKES).searches] == ["other", "tune"]


def test_a_winner_of_a_later_search_is_refused() -> None:
    made = compiled(TAKES + OTHER)
    assert isinstance(made, Refusal)
    assert made.code == "E0607"


def test_what_an_arm_of_a_search_says_is_part_of_its_winner() -> None:
    plans = [
        planned(SEARCH.replace("method: field\n", f"method: field(w0: {w0}) | dense\n", 1))
        for w0 in (10, 20)
    ]
    first, second = (
        {run.stages[-1] for run in plan.runs if run.arm == "tune.best"} for plan in plans
    )
    assert not first & second


def test_components_of_a_file_are_planned_without_running_it() -> None:
    text = HEAD + 'use "mine.py"\nmethod half = dense then halve(times: 1 | 2)\n'
    text += "grid g { method: half }\nreport { table(ratio, by: method) }\n"
    checked = check(Source("s.lab", text), catalog(), load=lambda name: Source(name, MINE))
    assert not checked.failed, checked.diagnostics
    assert checked.study is not None
    plan = compile_study(checked.study, checked.catalog, lambda _: None)
    assert not isinstance(plan, Refusal)
    assert len(plan.runs) == 2
