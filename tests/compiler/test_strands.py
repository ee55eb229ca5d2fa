"""A plan that is told by its strands says what its nodes, looked at one by one, say."""

from random import Random

import pytest
from planning import catalog, planned

from lab.cli.lines import State, lines_of_nodes, lines_of_strands
from lab.compiler.plan import Plan
from lab.compiler.programs import programs
from lab.compiler.strands import keys_of, kinds, repeats_of, woven
from lab.runtime.contents import named_files
from lab.runtime.missing import missing, missing_of
from lab.spec.records import replaced

FIELD = "method field = dense then inwf(width: 8, by: adam(lr: 1e-3), for: 10 steps)\n"
GRID = "grid g { method: field; field.width: 8 | 16; field.w0: 1 | 2 }\n"
TABLE = "report { table(ratio, by: method) }\n"
STUDIES = {
    "one replicate": FIELD + "repeat 1 as seed\n" + GRID + TABLE,
    "several": FIELD + "repeat 3 as seed\n" + GRID + TABLE,
    "grids that share points": FIELD
    + "repeat 2 as seed\n"
    + GRID
    + "grid h { method: field | dense; field.w0: 1 | 3 }\n"
    + TABLE,
    "a claim of an arm that no grid has": FIELD
    + "repeat 2 as seed\n"
    + GRID
    + TABLE
    + "claim small: ratio(field(width: 12)) > ratio(dense)\n",
    "nothing measured": FIELD + "repeat 2 as seed\n" + GRID,
}


@pytest.fixture(params=STUDIES, ids=str)
def plan(request: pytest.FixtureRequest) -> Plan:
    return planned(STUDIES[request.param])


def bare(plan: Plan) -> Plan:
    """The same plan, of which nothing but the nodes is known."""
    return replaced(plan, nodes=tuple(plan.nodes))


def test_points_with_the_same_replicates_are_woven(plan: Plan) -> None:
    assert woven(plan) is not None
    assert woven(bare(plan)) is None


def test_strands_have_the_keys_of_the_nodes(plan: Plan) -> None:
    keys = [key for some in keys_of(plan) for key in some]
    assert len(keys) == len(plan.nodes)
    assert set(keys) == {node.key for node in plan.nodes}


def test_a_strand_makes_the_nodes_of_the_plan(plan: Plan) -> None:
    known = woven(plan)
    assert known is not None
    made = {one.key(seed): one.node(seed) for one in known.strands for seed in one.seeds}
    assert made == {node.key: node for node in plan.nodes}


def test_programs_of_strands_are_those_of_nodes(plan: Plan) -> None:
    ours, theirs = programs(plan, catalog()), programs(bare(plan), catalog())
    assert [(one.key, one.first, tuple(one.lanes), one.traced) for one in ours] == [
        (one.key, one.first, tuple(one.lanes), one.traced) for one in theirs
    ]


def test_files_and_replicates_of_strands_are_those_of_nodes(plan: Plan) -> None:
    assert named_files(plan) == named_files(bare(plan))
    assert repeats_of(plan) == repeats_of(bare(plan))
    assert {one.label for one in kinds(plan)} == {one.label for one in kinds(bare(plan))}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_what_is_missing_of_strands_is_what_is_missing_of_nodes(plan: Plan, share: float) -> None:
    draw = Random(7)
    have = frozenset(node.key for node in plan.nodes if draw.random() < share)
    known = woven(plan)
    assert known is not None
    work = missing_of(known, have)
    todo = {node.key for node in missing(bare(plan), have)}
    assert {one.key(seed) for one, (new, _) in work.items() for seed in new} == todo
    states: dict[str, State] = {
        node.key: "have" if node.key in have else "new" if node.key in todo else "not needed"
        for node in plan.nodes
    }
    ours, theirs = lines_of_strands(work), lines_of_nodes(bare(plan), states)
    assert [(name, one.nodes, one.uses, +one.states) for name, one in ours.items()] == [
        (name, one.nodes, one.uses, +one.states) for name, one in theirs.items()
    ]


def test_points_that_differ_in_their_replicates_are_not_woven() -> None:
    apart = (
        "grid a { method: dense; repeat 1 as seed }\ngrid b { method: field; repeat 2 as seed }\n"
    )
    assert woven(planned(FIELD + apart + TABLE)) is None
