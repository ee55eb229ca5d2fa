"""Keys come from meaning: what changes them and what does not."""

import json
import subprocess
import sys

import pytest
from planning import HEAD, planned, stage_keys

from lab.compiler.plan import Plan
from lab.compiler.serial import from_json, to_json

BODY = """
method field = dense then inwf(width: 16, layers: 2, by: adam(lr: 1e-3), for: 10 steps)
method eight = dense then quantize(bits: 8)
repeat 2 as seed
grid g { method: dense | field | eight; field.width: 16 | 32 }
report { table(ratio, by: method) }
"""

COSMETIC = {
    "a comment": BODY + "# nothing\n",
    "another spelling of a number": BODY.replace("1e-3", "0.001"),
    "another name": BODY.replace("field", "siren"),
    "the order of alternatives": BODY.replace("16 | 32", "32 | 16"),
    "the order of arguments": BODY.replace("width: 16, layers: 2", "layers: 2, width: 16"),
    "a default written out": BODY.replace("width: 16, ", "width: 16, w0: 30, "),
    "a value behind a name": BODY.replace("10 steps", "n") + "let n = 10 steps\n",
    "the order of declarations": "\n".join(
        sorted(BODY.strip().splitlines(), key=lambda line: line.startswith("method"))
    ),
}


@pytest.mark.parametrize("edit", COSMETIC)
def test_a_cosmetic_edit_changes_no_key(edit: str) -> None:
    assert {node.key for node in planned(COSMETIC[edit]).nodes} == {
        node.key for node in planned(BODY).nodes
    }


def test_one_more_value_on_an_axis_adds_only_its_own_stages() -> None:
    old, new = planned(BODY), planned(BODY.replace("16 | 32", "16 | 32 | 64"))
    added = [node for node in new.nodes if node.key not in {one.key for one in old.nodes}]
    assert stage_keys(old) < stage_keys(new)
    assert {node.component for node in added} == {"fit", "bytes"}
    assert len([node for node in added if node.component == "fit"]) == 2


def test_a_changed_prefix_changes_everything_that_builds_on_it() -> None:
    old = planned(BODY)
    new = planned(BODY, head=HEAD.replace("1 epochs", "2 epochs"))
    assert not {node.key for node in old.nodes} & {node.key for node in new.nodes}


def test_arms_share_the_stages_they_share() -> None:
    plan = planned(BODY)
    assert len([node for node in plan.nodes if node.component == "train"]) == 2


def test_what_nothing_random_acted_on_is_one_node_for_all_replicates() -> None:
    plan = planned(
        """
method eight = pretrained then quantize(bits: 8)
repeat 5 as seed
grid g { method: eight }
report { table(ratio, by: method) }
""",
        head='study s\ndata d = digits()\nmodel m = mlp(weights: "w.safetensors")\n'
        "metric ratio = bytes(pretrained) / bytes(method)\n".replace(
            "bytes(pretrained)", "bytes(plainly)"
        )
        + "method plainly = pretrained\n",
    )
    assert len(plan.runs) == 5
    assert len([node for node in plan.nodes if node.role == "stage"]) == 2
    assert all(node.seed is None for node in plan.nodes)


def test_nodes_stand_after_the_nodes_they_use() -> None:
    seen: set[str] = set()
    for node in planned(BODY).nodes:
        assert set(node.inputs.values()) <= seen
        seen.add(node.key)


def test_a_plan_round_trips_through_json() -> None:
    plan = planned(BODY + "claim c: ratio(field) > 2 at 95%\n")
    again: Plan = from_json(json.loads(json.dumps(to_json(plan))))
    assert to_json(again) == to_json(plan)
    assert again.claims[0].cases[0].seeds == (0, 1)


def test_keys_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests/compiler'); import test_keys, planning;"
        "print(*[n.key for n in planning.planned(test_keys.BODY).nodes])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
