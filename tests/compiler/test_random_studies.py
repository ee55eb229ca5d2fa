"""Properties of plans, on random studies: the compiler agrees with a naive reading of the language.

The studies are over a catalog that never changes, so that one golden file of keys holds on every
machine: a key that changes there makes everything that anybody has stored run anew.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from agreement import agrees
from interpreter import spelled
from random_studies import random_study
from small_catalog import small_catalog

from lab.compiler.build import compile_study
from lab.compiler.plan import Case, Comparison, Junction, Node, Plan, Tree
from lab.spec.check import check
from lab.spec.signature import Catalog
from lab.spec.source import Source

CHUNK = 50
FAST = range(0, 300, CHUNK)
SLOW = range(300, 5300, CHUNK)
HERE = Path(__file__).parent
KEYS = HERE / "golden" / "keys.json"


@cache
def plans(start: int) -> tuple[tuple[str, str | None, Plan], ...]:
    """Plans of the studies of a chunk, under each of their profiles."""
    return tuple(
        (text, profile, planned(text, profile))
        for text in map(random_study, range(start, start + CHUNK))
        for profile in ((None, "other") if "profile other" in text else (None,))
    )


def planned(text: str, profile: str | None = None, *, catalog: Catalog | None = None) -> Plan:
    found = check(Source("study.lab", text), catalog or small_catalog(), profile=profile)
    errors = [one.message for one in found.diagnostics if one.severity == "error"]
    assert not errors, (errors, text)
    assert found.study is not None
    plan = compile_study(found.study, found.catalog, lambda file: f"content of {file}")
    assert isinstance(plan, Plan), (plan, text)
    return plan


def agrees_with_the_interpreter(start: int) -> None:
    for text, profile, plan in plans(start):
        agrees(text, profile, plan)


@pytest.mark.parametrize("start", FAST)
def test_a_study_has_the_runs_that_a_naive_reading_gives_it(start: int) -> None:
    agrees_with_the_interpreter(start)


@pytest.mark.verify
@pytest.mark.parametrize("start", SLOW)
def test_thousands_of_studies_have_the_runs_that_a_naive_reading_gives(start: int) -> None:
    agrees_with_the_interpreter(start)


def test_the_studies_are_worth_reading() -> None:
    every = [plan for start in FAST for _, _, plan in plans(start)]
    counts = sorted(len({run.point for run in plan.runs}) for plan in every)
    assert counts[len(counts) // 2] >= 8
    assert sum(counts) > 5000
    assert {node.component for plan in every for node in plan.nodes} >= {
        *("train", "finetune", "fit", "apply", "pretrained", "bytes", "accuracy")
    }
    assert sum(bool(plan.removed) for plan in every) > 50
    assert sum(len({run.grid for run in plan.runs}) > 1 for plan in every) > 50


# The graph


@pytest.mark.parametrize("start", FAST)
def test_a_union_of_grids_has_no_run_twice(start: int) -> None:
    for text, _, plan in plans(start):
        named = [(run.point, run.seed) for run in plan.runs]
        assert len(set(named)) == len(named), text
        meant = [(run.arm, run.seed, run.stages) for run in plan.runs]
        assert len(set(meant)) == len(meant), text


@pytest.mark.parametrize("start", FAST)
def test_nodes_stand_after_what_they_use(start: int) -> None:
    for text, _, plan in plans(start):
        seen: set[str] = set()
        for node in plan.nodes:
            assert set(node.inputs.values()) <= seen, text
            assert node.key not in seen, text
            seen.add(node.key)


@pytest.mark.parametrize("start", FAST)
def test_nothing_that_is_not_asked_for_is_in_a_plan(start: int) -> None:
    for text, _, plan in plans(start):
        inputs = {node.key: node.inputs.values() for node in plan.nodes}
        waiting, found = list(_asked(plan)), set[str]()
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += inputs[key]
        assert found == set(inputs), text


def _asked(plan: Plan) -> Iterator[str]:
    for run in plan.runs:
        yield run.stages[-1]
        for tree in run.metrics.values():
            yield from _leaves(tree)
    for claim in plan.claims:
        for case in claim.cases:
            yield from _of_case(case.condition)


def _of_case(condition: "Case | Comparison | Junction") -> Iterator[str]:
    if isinstance(condition, Junction):
        for one in condition.operands:
            yield from _of_case(one)
    elif isinstance(condition, Comparison):
        for tree in (*condition.left, *condition.right):
            yield from _leaves(tree)


def _leaves(tree: Tree) -> Iterator[str]:
    if "node" in tree:
        yield str(tree["node"])
    for one in tree.get("of") or ():
        yield from _leaves(one)


# Keys


def test_two_nodes_have_one_key_exactly_when_they_mean_one_thing() -> None:
    """Within a study and across hundreds of them."""
    meanings: dict[str, str] = {}
    keys: dict[str, str] = {}
    for start in FAST:
        for text, _, plan in plans(start):
            said: dict[str, str] = {}
            for node in plan.nodes:
                said[node.key] = meant = _meaning(node, said)
                assert meanings.setdefault(node.key, meant) == meant, text
                assert keys.setdefault(meant, node.key) == node.key, (text, meant)
    assert len(keys) > 3000


def _meaning(node: Node, said: Mapping[str, str]) -> str:
    """All that a node is, its inputs in full; a file counts by its content."""
    parts = {
        "of": [node.role, node.component, node.version],
        "arguments": _nameless(node.arguments),
        "inputs": {role: said[key] for role, key in node.inputs.items()},
        "seed": [node.seed, list(node.vary)],
    }
    return spelled(parts)


def _nameless(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _nameless(one) for name, one in value.items() if name != "file"}
    return [_nameless(one) for one in value] if isinstance(value, list) else value


def test_no_node_of_one_study_hides_another_of_the_same_file_name() -> None:
    text = 'study s\ndata d = digits\nmodel m = mlp(weights: "a.npz" | "b.npz")\n'
    text += "method dense = pretrained\ngrid g { method: dense }\n"
    found = check(Source("s.lab", text), small_catalog())
    assert found.study is not None
    same = compile_study(found.study, found.catalog, lambda _: "one content")
    other = compile_study(found.study, found.catalog, lambda file: file)
    assert isinstance(same, Plan)
    assert isinstance(other, Plan)
    assert (len(same.nodes), len(other.nodes)) == (1, 2)


FIXED = """
study fixed
data  images = digits(validation: 10)
model net    = mlp(weights: "net.safetensors", width: 32)
let effort = 20 steps
method dense(rate: 0.1) = train(by: sgd(lr: rate, momentum: 0.9), for: 2 epochs, batch: 64)
method loaded = pretrained
method field  = dense then inwf(width: 8 | 16, encoding: none | fourier(bands: 2), for: effort,
  by: adam(lr: cosine(1e-3 -> 0)))
method small  = loaded then quantize(bits: 4, per: tensor)
method zeros  = dense(rate: 0.05) then prune(sparsity: 90%) then finetune(for: 1 epochs)
metric ratio  = bytes(dense) / bytes(method)
metric drop   = accuracy(dense) - accuracy(method)
repeat 2 as seed
grid arms { method: dense | field | small | zeros }
grid more {
  method: field
  (field.layers, field.w0): (1, 10) | (3, 30.0)
  repeat [7] as seed vary init
}
claim pays: ratio(field) > 2 at 95%
report { table(ratio, drop, by: method) }
"""


def fixed_keys() -> list[list[str]]:
    return [[node.label, node.component, node.key] for node in planned(FIXED).nodes]


def test_keys_are_those_of_every_other_machine_and_day() -> None:
    """`GOLDEN=write pytest …` writes them anew: everything stored before is then run again."""
    if os.environ.get("GOLDEN") == "write":
        lines = ",\n".join(json.dumps(one) for one in fixed_keys())
        KEYS.parent.mkdir(exist_ok=True)
        KEYS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    assert fixed_keys() == json.loads(KEYS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("at", [at for at in small_catalog().signatures if at[0] != "figure"])
def test_other_code_of_a_component_changes_the_keys_of_what_uses_it(at: tuple[str, str]) -> None:
    """Wherever it stands: as the stage, in its arguments, by default, or upstream."""
    old = planned(FIXED)
    signatures = dict(small_catalog().signatures)
    signatures[at] = replace(signatures[at], version="another")
    new = planned(FIXED, catalog=Catalog(signatures))
    uses: dict[str, bool] = {}
    for node in old.nodes:
        own = (node.role, node.component) == at or _stands_in(node.arguments, at)
        uses[node.key] = own or any(uses[key] for key in node.inputs.values())
    assert len(old.nodes) == len(new.nodes)
    for before, after in zip(old.nodes, new.nodes, strict=True):
        assert (before.key != after.key) == uses[before.key], before.label


def _stands_in(value: object, at: tuple[str, str]) -> bool:
    if isinstance(value, Mapping):
        here = (value.get("kind"), value.get("component")) == at
        return here or any(_stands_in(one, at) for one in value.values())
    return isinstance(value, list) and any(_stands_in(one, at) for one in value)


def test_keys_do_not_depend_on_the_process_or_its_hash_seed() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_random_studies as t;"
        "print(*[n.key for _, _, plan in t.plans(0) for n in plan.nodes])"
    )
    here = " ".join(node.key for _, _, plan in plans(0) for node in plan.nodes)
    for seed in ("1", "271828"):
        found = subprocess.run(
            [sys.executable, "-c", program, str(HERE)],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
            capture_output=True,
            check=True,
            text=True,
        )
        assert found.stdout.strip() == here
