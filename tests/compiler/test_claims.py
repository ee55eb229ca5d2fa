"""Which evidence a claim rests on."""

from planning import planned

from lab.compiler.plan import Comparison
from lab.compiler.serial import from_json, to_json

BODY = """
method field = dense then inwf(width: 16, layers: 2, activation: sine, for: 10 steps)
metric drop = accuracy(dense) - accuracy(method)
repeat 3 as seed
grid widths { method: field; field.width: 16 | 32; field.layers: 1 .. 2 }
grid other  { method: field; field.activation: relu | gelu }
"""


def test_a_claim_without_over_is_about_the_arm_as_defined() -> None:
    claim = planned(BODY + "claim c: ratio(field) > 2\n").claims[0]
    assert len(claim.cases) == 1
    assert claim.cases[0].seeds == (0, 1, 2)
    assert claim.level == 0.95


def test_over_some_ranges_over_the_combinations_in_the_grids() -> None:
    body = BODY + "claim c: ratio(field) > 2 over some field.width, field.layers\n"
    claim = planned(body).claims[0]
    assert len(claim.cases) == 4
    assert {tuple(case.setting.values()) for case in claim.cases} == {
        ("16", "1"),
        ("16", "2"),
        ("32", "1"),
        ("32", "2"),
    }


def test_over_every_makes_groups_that_must_all_hold() -> None:
    claim = planned(BODY + "claim c: drop(field) < 1% over every field.width\n").claims[0]
    assert {case.group["field.width"] for case in claim.cases} == {"16", "32"}


def test_the_evidence_of_a_claim_is_in_the_plan() -> None:
    plan = planned(BODY + "claim c: ratio(field) > 2 and drop(field) < 1%\n")
    keys = {node.key for node in plan.nodes}
    condition = plan.claims[0].cases[0].condition
    assert not isinstance(condition, Comparison)
    assert condition.op == "and"
    left = condition.operands[0]
    assert isinstance(left, Comparison)
    leaves = [leaf["node"] for tree in left.left for leaf in tree["of"]]
    assert set(leaves) <= keys
    assert len(set(leaves)) == 6


def test_an_arm_that_only_a_claim_names_is_run_for_it() -> None:
    plan = planned(BODY + "claim c: ratio(field(width: 64)) > 2\n")
    widths = {
        node.arguments["through"]["args"]["width"] for node in plan.nodes if node.component == "fit"
    }
    assert 64 in widths


def test_a_claim_keeps_where_its_numbers_were_published() -> None:
    line = 'claim c: ratio(field) > 2 at 90% source: "Smith 2024, table 2"\n'
    found = planned(BODY + line)
    assert found.claims[0].source == "Smith 2024, table 2"
    assert from_json(to_json(found)) == found
    assert planned(BODY + "claim c: ratio(field) > 2\n").claims[0].source is None
