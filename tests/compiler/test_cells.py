"""Arguments that know what they have in common with others are mappings like any other."""

import copy
import json
import pickle
from dataclasses import asdict

from planning import catalog, planned

from lab.compiler.cells import Cell, filled
from lab.compiler.programs import programs
from lab.spec.values import Value

COMMON: dict[str, Value] = {"batch": 32, "width": None}


def test_filled_arguments_equal_those_that_are_plain() -> None:
    made = filled(COMMON, ("width",), [8])
    plain = {"batch": 32, "width": 8}
    assert made == plain
    assert json.dumps(made) == json.dumps(plain)
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again == plain
        assert type(again) is dict
    assert COMMON["width"] is None


def test_nodes_with_filled_arguments_are_taken_apart_and_keep_their_programs() -> None:
    plan = planned(
        """
method field = dense then inwf(width: 8, by: adam(lr: 1e-3))
grid g { method: field; field.width: 8 | 16; field.w0: 10 | 20 | 30 }
report { table(ratio, by: method) }
"""
    )
    for node in plan.nodes:
        assert asdict(node)["arguments"] == node.arguments
    fits = [one for one in programs(plan, catalog()) if one.component == "fit"]
    assert [len(one.lanes) for one in fits] == [3, 3], "`w0` is traced, and `width` is not"


def test_a_cell_says_whether_a_schedule_or_a_file_stands_in_it() -> None:
    schedule: Value = {"component": "cosine", "kind": "schedule", "args": {"start": 1.0}}
    assert Cell({"by": {"args": {"lr": schedule}}}, "").is_notable
    assert Cell([{"file": "weights.pt", "content": None}], "").is_notable
    assert not Cell({"by": {"args": {"lr": 0.1}}, "batch": 32}, "").is_notable
