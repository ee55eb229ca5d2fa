"""The planner and the runtime agree on what compiles together."""

from collections.abc import Hashable
from pathlib import Path

import pytest

from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.compiler.programs import programs
from lab.runtime import registry
from lab.runtime.traced import program_key
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

CATALOG = builtin_catalog()
STUDY = """
study s
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs, by: adam(lr: 1e-3))
method field = dense then inwf(width: 8, by: adam(lr: 1e-3))
method eight = dense then quantize(bits: 8)
grid g {{
  method: field | eight
  {axis}
  repeat 2 as seed
}}
report {{ table(accuracy, by: method) }}
"""
AXES = [
    "field.w0: 10 | 20 | 30",
    "field.width: 8 | 16",
    "field.inwf.by: adam(lr: 1e-3 | 2e-3, b1: 0.9 | 0.8) | sgd(lr: 0.1, nesterov: true | false)",
    "field.inwf.by.lr: 1e-3 | cosine(1e-3 -> 0) | cosine(2e-3 -> 1e-4) | linear(1e-3 -> 0)",
    "field.inwf.by.lr: (1e-3 for 30% then 1e-4) | (2e-3 for 30% then 0) | (1e-3 for 40% then 0)",
    "field.inwf.for: 10 steps | 20 steps",
    "field.encoding: none | fourier(bands: 2) | fourier(bands: 4)",
    "eight.bits: 2 | 4 | 8",
    "dense.by.lr: 1e-3 | 2e-3 | cosine(1e-3 -> 0)",
]


def planned(axis: str) -> Plan:
    checked = check(Source("s.lab", STUDY.format(axis=axis)), CATALOG)
    assert checked.study is not None
    assert not [one for one in checked.diagnostics if one.severity == "error"]
    made = compile_study(checked.study, CATALOG, lambda _: None)
    assert isinstance(made, Plan)
    return made


@pytest.mark.parametrize("axis", AXES)
def test_stages_are_lanes_of_one_program_where_their_components_share_one(axis: str) -> None:
    plan = planned(axis)
    of = {key: one.static() for one in programs(plan, CATALOG) for key in one.lanes}
    pairs: set[tuple[str, Hashable]] = set()
    for node in plan.nodes:
        if node.role == "stage":
            signature = CATALOG.signatures["stage", node.component]
            fields = registry.fields_of(signature, node.arguments, folder=Path())
            made = registry.component_class(signature)(**fields)
            pairs.add((of[node.key], program_key(made)))
    assert len(pairs) == len({static for static, _ in pairs}) == len({key for _, key in pairs})
