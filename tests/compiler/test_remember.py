"""What is remembered is what would have been worked out, and counts are those of what is made."""

import json

import pytest
from design import DESIGN, SHARED, SPEC, catalog
from planning import planned

from lab.compiler import points
from lab.compiler.build import compile_study
from lab.compiler.chooser import Chooser
from lab.compiler.evaluate import Closure, Evaluator
from lab.compiler.lazily import Lazy
from lab.compiler.plan import Plan
from lab.compiler.serial import to_json
from lab.spec.check import check
from lab.spec.source import Source


def _forgetful(scope: points.Scope, axes: dict[str, Closure], chooser: Chooser) -> Evaluator:
    made = Evaluator(scope.study, scope.catalog, scope.contents, axes=axes, chooser=chooser)
    made.winners = scope.winners
    return made


def _plan(name: str) -> str:
    text = (SPEC / "studies" / f"{name}.lab").read_text("utf-8")
    found = check(Source(f"{name}.lab", text), catalog(), load=lambda one: Source(one, SHARED))
    assert found.study is not None
    plan = compile_study(found.study, found.catalog, lambda file: f"content of {file}")
    assert isinstance(plan, Plan)
    assert len(plan.nodes) == len(list(plan.nodes))
    assert len(plan.runs) == len(list(plan.runs))
    return json.dumps(to_json(plan))


@pytest.mark.parametrize("name", [one.stem for one in DESIGN])
def test_a_plan_is_the_same_without_a_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = _plan(name)
    monkeypatch.setattr(points.Scope, "evaluator", _forgetful)
    assert _plan(name) == remembered


def test_nodes_and_runs_are_counted_without_being_made() -> None:
    plan = planned(
        """
method field = dense then inwf(width: 8 | 16, layers: 2, for: 10 steps)
grid one { method: field; repeat 3 as seed }
grid two { method: dense | field; field.layers: 1 | 2; repeat [2, 7] as seed vary init }
report { table(ratio, by: method) }
claim pays: ratio(field) > 2
"""
    )
    assert isinstance(plan.nodes, Lazy)
    counted = len(plan.nodes), len(plan.runs)
    assert counted == (len({node.key for node in plan.nodes}), len(tuple(plan.runs)))


def test_a_lazy_sequence_is_a_tuple_to_whoever_looks() -> None:
    made = Lazy(lambda: 4, lambda: iter("abcd"))
    assert (len(made), made[1], made[-1], made[1:3]) == (4, "b", "d", ("b", "c"))
    assert made == ("a", "b", "c", "d")
    assert list(made) == list(made)
    with pytest.raises(IndexError):
        made[4]
