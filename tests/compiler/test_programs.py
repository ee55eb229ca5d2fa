"""Which nodes compile together, and in which order they are done."""

from itertools import pairwise

import pytest
from planning import catalog, planned

from lab.compiler.plan import Plan
from lab.compiler.programs import Program, in_order, programs

RATES = "log 1e-4 .. 1e-1 by 100 points"


def stages(plan: Plan, component: str) -> list[Program]:
    return [one for one in programs(plan, catalog()) if one.component == component]


def rates(axes: str, *, repeat: str = "1") -> Plan:
    return planned(
        f"""
method field = train(for: 1 epochs, by: adam(lr: 1e-3)) then inwf(width: 8, by: adam(lr: 1e-3))
grid g {{
  method: field
  {axes}
  repeat {repeat} as seed
}}
report {{ table(ratio, by: method) }}
"""
    )


def test_a_hundred_learning_rates_are_one_program() -> None:
    plan = rates(f"field.inwf.by.lr: {RATES}")
    (fit,) = stages(plan, "fit")
    assert len(fit.lanes) == 100
    assert "by.lr" in fit.traced
    assert len(stages(plan, "train")) == 2, "the arm's own, and `dense` in the metric"


def test_five_widths_of_a_hundred_learning_rates_are_five_programs() -> None:
    plan = rates(f"field.inwf.by.lr: {RATES}\n  field.width: 8 | 16 | 24 | 32 | 40")
    assert [len(one.lanes) for one in stages(plan, "fit")] == [100] * 5


def test_what_follows_lanes_of_one_program_is_lanes_of_one_program() -> None:
    plan = rates(f"field.train.by.lr: {RATES}")
    (fit,) = stages(plan, "fit")
    assert len(fit.lanes) == 100
    assert len(fit.inputs["before"].lanes) == 100


def test_seeds_are_lanes() -> None:
    (fit,) = stages(rates("", repeat="7"), "fit")
    assert len(fit.lanes) == 7


@pytest.mark.parametrize(
    ("axis", "count"),
    [
        ("field.inwf.by.lr: cosine(1e-3 -> 0) | cosine(2e-3 -> 1e-4)", 1),
        ("field.inwf.by.lr: cosine(1e-3 -> 0) | linear(1e-3 -> 0)", 2),
        ("field.inwf.by.lr: 1e-3 | cosine(1e-3 -> 0)", 2),
        ("field.w0: 10 | 20 | 30", 1),
        ("field.inwf.for: 10 steps | 20 steps", 2),
        ("field.encoding: none | fourier(bands: 2) | fourier(bands: 4)", 3),
    ],
)
def test_numbers_of_a_schedule_are_traced_and_its_form_is_static(axis: str, count: int) -> None:
    assert len(stages(rates(axis), "fit")) == count


def test_every_node_is_a_lane_of_one_program_after_those_it_uses() -> None:
    plan = rates("field.width: 8 | 16\n  field.w0: 10 | 20", repeat="2")
    made = programs(plan, catalog())
    lanes = [key for one in made for key in one.lanes]
    assert sorted(lanes) == sorted(node.key for node in plan.nodes)
    place = {id(one): i for i, one in enumerate(made)}
    assert all(place[id(used)] < place[id(one)] for one in made for used in one.inputs.values())
    assert len({one.key for one in made}) == len(made)


def test_all_arms_have_a_replicate_before_any_has_two() -> None:
    plan = rates("field.width: 8 | 16 | 24", repeat="3")
    place = {key: i for i, key in enumerate(in_order(plan))}
    last = [[place[run.stages[-1]] for run in plan.runs if run.seed == seed] for seed in range(3)]
    assert all(max(before) < min(after) for before, after in pairwise(last))
    assert all(place[key] < place[node.key] for node in plan.nodes for key in node.inputs.values())


def test_a_program_has_one_name_in_every_study() -> None:
    one, two = rates("field.width: 8 | 16"), rates("field.width: 16 | 32")
    names = [{program.key for program in stages(plan, "fit")} for plan in (one, two)]
    assert len(names[0] & names[1]) == 1
