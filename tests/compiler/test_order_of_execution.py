"""The order in which a plan is executed: results appear early, and nothing waits for itself."""

from itertools import groupby

from planning import planned

BODY = """
method field = dense then inwf(width: 16, layers: 2, for: 10 steps)
repeat 3 as seed
grid one { method: field; field.width: 8 | 16 | 32 }
grid two { method: dense | field; field.layers: 1 | 2; repeat 2 as seed }
report { table(ratio, by: method) }
claim pays: ratio(field) > 2
"""


def test_every_point_has_its_first_replicate_before_any_has_its_second() -> None:
    runs = planned(BODY).runs
    assert [seed for seed, _ in groupby(run.seed for run in runs)] == [0, 1, 2]
    assert len({run.point for run in runs}) == len([run for run in runs if run.seed == 0])


def test_within_a_replicate_points_stand_as_the_grids_and_axes_are_written() -> None:
    first = [run for run in planned(BODY).runs if run.seed == 0]
    assert [run.grid for run in first] == ["one"] * 3 + ["two"] * (len(first) - 3)
    assert [run.settings["field.width"] for run in first[:3]] == ["8", "16", "32"]


def test_nodes_stand_in_the_order_in_which_runs_ask_for_them() -> None:
    plan = planned(BODY)
    place = {node.key: i for i, node in enumerate(plan.nodes)}
    lasts = [place[run.stages[-1]] for run in plan.runs if run.grid == "one"]
    assert lasts == sorted(lasts)


def test_a_node_stands_after_the_nodes_it_uses() -> None:
    seen: set[str] = set()
    for node in planned(BODY).nodes:
        assert seen.issuperset(node.inputs.values())
        seen.add(node.key)
