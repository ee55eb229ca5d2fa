"""`method.x`, `model.x` and `data.x` are those of the definition that a point has, no other's."""

import re

import pytest
from agreement import agrees
from random_studies import random_study
from small_catalog import small_catalog

from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.compiler.size import runs_in
from lab.spec import core
from lab.spec.check import check
from lab.spec.render import render_all
from lab.spec.source import Source

HEAD = """study s
model net = mlp()
data d = digits()
method dense = train(batch: 16, for: 2 epochs)
method fine = dense then finetune(batch: 16, for: 1 epochs)
method again = dense then finetune(batch: 8, for: 1 epochs)
"""
IN_BLOCK = re.compile(r"^  (arm|net|data)\d+\.", re.MULTILINE)
ROOT = {"arm": "method", "net": "model", "data": "data"}


def study_of(text: str) -> core.Study | None:
    """A checked study; None where it has a mistake."""
    found = check(Source("s.lab", text), small_catalog())
    return None if found.failed else found.study


def plan_of(text: str) -> Plan:
    study = study_of(text)
    assert study is not None, render_all(check(Source("s.lab", text), small_catalog()).diagnostics)
    plan = compile_study(study, small_catalog(), lambda file: f"content of {file}")
    assert isinstance(plan, Plan), plan
    return plan


def batches(plan: Plan) -> dict[str, list[list[object]]]:
    """The batch of every stage of every run, by arm."""
    nodes = {node.key: node for node in plan.nodes}
    found: dict[str, list[list[object]]] = {}
    for run in plan.runs:
        sizes = [nodes[key].arguments["batch"] for key in run.stages]
        found.setdefault(run.arm, []).append(sizes)
    return found


def test_a_path_of_the_method_sets_nothing_in_what_it_builds_on() -> None:
    plan = plan_of(f"{HEAD}grid g {{ method: dense | fine; method.batch: 32 | 64 }}")
    assert batches(plan) == {"dense": [[32], [64]], "fine": [[16, 32], [16, 64]]}
    assert {run.settings["method.batch"] for run in plan.runs} == {"32", "64"}


def test_another_arm_in_a_metric_is_that_arm_at_the_same_value() -> None:
    text = f"""{HEAD}metric drop = accuracy(again) - accuracy(method)
grid g {{ method: fine | again; method.batch: 32 | 64 }}
report {{ table(drop) }}"""
    plan = plan_of(text)
    nodes = {node.key: node for node in plan.nodes}
    sizes: set[tuple[object, ...]] = set()
    for run in plan.runs:
        sides = [str(one["node"]) for one in run.metrics["drop"]["of"]]
        sizes.add(tuple(nodes[nodes[key].inputs["of"]].arguments["batch"] for key in sides))
    assert sizes == {(32, 32), (64, 64)}
    assert {node.arguments["batch"] for node in plan.nodes if node.component == "train"} == {16}


def test_a_filter_reads_what_the_arm_has_and_not_what_it_builds_on() -> None:
    text = f"{HEAD}grid g {{ method: fine | again; fine.batch: 32 | 64; skip method.batch == 16 }}"
    assert batches(plan_of(text)) == {"fine": [[16, 32], [16, 64]], "again": [[16, 8]]}
    text = f"{HEAD}grid g {{ method: fine | dense; skip method.batch == 16 }}"
    assert batches(plan_of(text)) == {}


def test_a_claim_over_such_a_path_sets_it_in_each_arm_that_it_names() -> None:
    text = f"""{HEAD}grid g {{ method: dense | fine; method.batch: 32 | 64 }}
claim c: accuracy(fine) > accuracy(dense) over every method.batch"""
    (claim,) = plan_of(text).claims
    assert [case.group["method.batch"] for case in claim.cases] == ["32", "64"]


@pytest.mark.parametrize("start", range(0, 300, 100))
def test_random_studies_with_such_paths_have_the_runs_of_a_naive_reading(start: int) -> None:
    looked_at = 0
    for number in range(start, start + 100):
        written = random_study(number)
        grids = written.index("grid grid0") if "grid grid0" in written else len(written)
        end = written.find("profile other")
        blocks = written[grids : end if end >= 0 else None]
        changed = IN_BLOCK.sub(lambda found: f"  {ROOT[found[1]]}.", blocks)
        text = written.replace(blocks, changed)
        study = study_of(text) if changed != blocks else None
        if study is None:
            continue
        looked_at += 1
        plan = plan_of(text)
        agrees(text, None, plan)
        if not plan.removed and len(study.grids) == 1:
            grid = study.grids[0].name
            assert runs_in(study, small_catalog())[grid] >= len(plan.runs)
    assert looked_at > 15
