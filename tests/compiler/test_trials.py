"""A trial of a search is a point like any other; a decided search binds its winner."""

from typing import Any

from planning import HEAD, catalog, planned, stage_keys

from lab.compiler.build import Refusal
from lab.compiler.foreseen import with_trials
from lab.compiler.plan import Plan
from lab.compiler.planner import Planner, plan_of_trials
from lab.compiler.searches import ready, waiting
from lab.compiler.trials import Between, Domain, Members, Options, Trial, replay
from lab.spec.check import check
from lab.spec.source import Source

BODY = """
method field(rate: 1e-3) = dense then inwf(
  width: 16, layers: 1 | 2, by: adam(lr: rate), for: 10 steps)
search tune {
  method: field | eight
  field.width: 8 .. 64
  field.by: adam(lr: log 1e-4 .. 1e-2) | sgd(lr: 0.1 | 0.2)
  (field.w0, field.activation): (10.0 .. 30.0, sine) | (1, relu)
  skip field.width == 9
  repeat 2 as seed
  minimize ratio subject to accuracy > 50%
  trials 20
}
method eight = dense then quantize(bits: 2 .. 8)
grid g { method: dense | tune.best; repeat 2 as seed }
claim pays: ratio(tune.best) > ratio(eight(bits: 8))
report { table(ratio, by: method) }
"""


def planner(body: str = BODY) -> Planner:
    checked = check(Source("test.lab", HEAD + body), catalog())
    assert checked.study is not None
    assert not checked.failed, checked.diagnostics
    return Planner(checked.study, catalog(), lambda name: f"content of {name}")


def trial(values: dict[str, Any], body: str = BODY) -> Trial:
    found = planner(body).trial("tune", replay(values))
    assert isinstance(found, Trial), found
    return found


VALUES = {
    "method": 0,
    "field.width": 5,
    "field.by": 0,
    "field.by[0].lr": 3e-3,
    "field.w0": 1,
    "method field[1].through.layers": 1,
}


def grid(line: str, body: str) -> Plan:
    extra = f"grid same {{ {line}; repeat 2 as seed }}\n"
    return planned(body + extra + "metric both = accuracy(method, on: validation)\n")


def test_a_trial_has_the_keys_that_a_grid_gives_the_same_point() -> None:
    found = trial(VALUES)
    same = (
        "method: field; field.width: 13; field.by: adam(lr: 3e-3); field.w0: 1; "
        "field.activation: relu; field.layers: 2"
    )
    assert {key for run in found.runs for key in run.stages} == {
        key for run in grid(same, BODY).runs if run.grid == "same" for key in run.stages
    }
    assert found.settings["field.width"] == "13"
    assert [run.seed for run in found.runs] == [0, 1]


def test_a_trial_is_measured_on_validation() -> None:
    measured = [node for node in trial(VALUES).nodes if node.role == "measurement"]
    assert {n.arguments.get("on") for n in measured if "on" in n.arguments} == {"validation"}


def test_only_what_the_arm_meets_is_asked() -> None:
    asked: dict[str, Domain] = {}

    def first(name: str, domain: Domain) -> float:
        asked[name] = domain
        return {"method": 1}.get(name, 0)

    found = planner().trial("tune", first)
    assert isinstance(found, Trial)
    assert asked == {"method": Options(2), "method eight[1].through.bits": Members(7)}
    assert found.arm == "eight"


def test_ranges_are_asked_as_what_they_are() -> None:
    asked: dict[str, Domain] = {}

    def low(name: str, domain: Domain) -> float:
        asked[name] = domain
        return domain.low if isinstance(domain, Between) else 0

    assert isinstance(planner().trial("tune", low), Trial)
    assert asked["field.width"] == Members(57)
    assert asked["field.by[0].lr"] == Between(1e-4, 1e-2, log=True, whole=False)
    assert asked["field.w0"] == Options(2)
    assert asked["field.w0[0][0]"] == Between(10.0, 30.0, log=False, whole=False)


def test_a_whole_number_on_a_logarithmic_range_is_asked_as_one() -> None:
    body = BODY.replace("field.width: 8 .. 64", "field.width: log 8 .. 64")
    asked: dict[str, Domain] = {}

    def low(name: str, domain: Domain) -> float:
        asked[name] = domain
        return domain.low if isinstance(domain, Between) else 0

    found = planner(body).trial("tune", low)
    assert isinstance(found, Trial)
    assert asked["field.width"] == Between(8, 64, log=True, whole=True)
    assert found.settings["field.width"] == "8"


def test_a_trial_that_a_filter_leaves_out_says_so() -> None:
    assert trial(VALUES).rejected is None
    assert "field.width == 9" in str(trial({**VALUES, "field.width": 1}).rejected)


def test_a_trial_that_cannot_be_is_told_as_a_refusal() -> None:
    body = BODY.replace(
        "eight = dense then quantize(bits: 2 .. 8)", "eight(n: 8) = dense then shorter"
    )
    body = body.replace("shorter", "quantize(bits: n - 4)").replace("(bits: 8)", "(n: 8)")
    body = body.replace("field.width:", "eight.n: 2 .. 8; field.width:")
    made = planner(body).trial("tune", replay({"method": 1, "eight.n": 0}))
    assert isinstance(made, Refusal)
    assert made.code == "E0404"


def test_the_winner_waits_until_its_search_is_decided() -> None:
    plan = planner().plan()
    assert isinstance(plan, Plan)
    late = waiting(plan)
    assert {run.arm for run in plan.runs if not late.isdisjoint(run.stages)} == {"tune.best"}
    assert {run.arm for run in ready(plan).runs} == {"dense"}
    assert not waiting(ready(plan))


def test_a_decided_search_has_its_best_trial_as_the_winner() -> None:
    plan = planner().plan({"tune": VALUES})
    assert isinstance(plan, Plan)
    assert not waiting(plan)
    won = {key for run in plan.runs if run.arm == "tune.best" for key in run.stages}
    assert won == stage_keys(plan_of_trials(plan, [trial(VALUES)]))
    (search,) = plan.searches
    assert search.best is not None
    assert search.best["field.width"] == "13"
    assert len(plan.claims[0].cases) > 0


def test_a_search_is_named_by_what_its_trials_find_and_not_by_how_many_there_are() -> None:
    def key(body: str) -> str:
        plan = planned(body)
        return plan.searches[0].key

    assert key(BODY) == key(BODY.replace("trials 20", "trials 40"))
    assert key(BODY) != key(BODY.replace("8 .. 64", "8 .. 65"))
    assert key(BODY) != key(BODY.replace("minimize", "maximize"))
    assert key(BODY) != key(BODY.replace("> 50%", "> 60%"))
    decided = planner().plan({"tune": VALUES})
    assert isinstance(decided, Plan)
    assert decided.searches[0].key == key(BODY)


def test_trials_with_a_repeat_that_waits_have_its_least() -> None:
    text = BODY.replace(
        "repeat 2 as seed\n  mini", "repeat 3 .. 9 as seed until ci95(ratio) < 1\n  mini"
    )
    assert planned(text).searches[0].replicates == 3
    assert [run.seed for run in trial(VALUES, text).runs] == [0, 1, 2]


def test_trials_to_come_are_foreseen_as_often_as_there_are() -> None:
    one = planner(BODY.replace("claim pays: ratio(tune.best) > ratio(eight(bits: 8))\n", ""))
    plan = one.plan()
    assert isinstance(plan, Plan)
    before = {node.key for node in plan.nodes}
    grown = with_trials(plan, one, left={"tune": 20})
    more = [node for node in grown.nodes if node.key not in before]
    quantized = [
        n for n in more if n.component in ("quantize", "apply", "fit") and n.role == "stage"
    ]
    assert len(quantized) == 20 * 2
    assert all(set(node.inputs.values()) <= {n.key for n in grown.nodes} for node in more)
    assert with_trials(plan, one, left={"tune": 0}).nodes == plan.nodes
