"""What points a grid has."""

from planning import compiled, planned, settings

from lab.compiler.build import Refusal

FIELD = """
method field = dense then inwf(width: 16, layers: 2, by: adam(lr: 1e-3), for: 10 steps)
method eight = dense then quantize(bits: 8)
"""
REPORT = "\nreport { table(ratio, by: method) }\n"


def test_nested_alternatives_are_a_sum_not_a_product() -> None:
    plan = planned("""
grid g { method: dense; dense.by: sgd(lr: 0.1, momentum: 0 | 0.9) | adamw(lr: 1e-3 | 1e-2) }
""")
    assert len(plan.runs) == 4


def test_an_axis_multiplies_only_the_arms_that_have_it() -> None:
    plan = planned(FIELD + "grid g { method: dense | field; field.width: 16 | 32 | 64 }")
    assert settings(plan, "method", "field.width") == {
        ("dense", None),
        ("field", "16"),
        ("field", "32"),
        ("field", "64"),
    }


def test_an_axis_replaces_alternatives_written_in_the_definition() -> None:
    plan = planned("""
method q = dense then quantize(bits: 8 | 4)
grid g { method: q; q.bits: 2 | 3 | 5 }
""")
    assert settings(plan, "q.bits") == {("2 bits",), ("3 bits",), ("5 bits",)}


def test_every_mention_of_a_definition_sees_one_choice() -> None:
    plan = planned("""
let width = 16 | 32
method field = dense then inwf(width: width, layers: 2, for: 10 steps)
method twice = field then inwf(width: width, layers: 2, for: 10 steps)
grid g { method: twice }
""")
    assert len(plan.runs) == 2


def test_a_paired_axis_moves_both_paths_together() -> None:
    plan = planned(
        FIELD + "grid g { method: field; (field.width, field.layers): (16, 1) | (32, 3) }"
    )
    assert settings(plan, "field.width", "field.layers") == {("16", "1"), ("32", "3")}


def test_ranges_include_both_ends() -> None:
    plan = planned(
        FIELD
        + "grid g { method: field; field.width: 8 .. 64 by 8 }\n"
        + "grid h { method: field; field.w0: log 1 .. 100 by 3 points }"
    )
    widths = [run.settings["field.width"] for run in plan.runs if run.grid == "g"]
    assert widths == ["8", "16", "24", "32", "40", "48", "56", "64"]
    assert {run.settings["field.w0"] for run in plan.runs if run.grid == "h"} == {"1", "10", "100"}


def test_skip_counts_what_it_removes_and_says_why() -> None:
    plan = planned(
        FIELD
        + """
repeat 3 as seed
grid g {
  method: dense | field
  field.width: 16 | 32
  field.layers: 1 .. 2
  skip field.width == 32 and field.layers == 2 because "too large"
}
"""
    )
    assert ("field", "32", "2") not in settings(plan, "method", "field.width", "field.layers")
    assert [(one.runs, one.reason) for one in plan.removed] == [(3, "too large")]


def test_a_condition_on_what_a_point_lacks_does_not_apply() -> None:
    plan = planned(
        FIELD + "grid g { method: dense | field; field.width: 16 | 32; keep field.width == 16 }"
    )
    assert settings(plan, "method", "field.width") == {("dense", None), ("field", "16")}


def test_grids_are_a_union_without_duplicates() -> None:
    plan = planned(
        FIELD
        + """
grid g { method: field; field.width: 16 | 32 }
grid h { method: dense | field }
"""
    )
    assert len(plan.runs) == 3


def test_points_stand_in_the_order_of_the_axes() -> None:
    plan = planned(FIELD + "grid g { field.layers: 1 .. 2; method: field; field.width: 32 | 16 }")
    found = [(run.settings["field.layers"], run.settings["field.width"]) for run in plan.runs]
    assert found == [("1", "32"), ("1", "16"), ("2", "32"), ("2", "16")]


def test_an_arm_departs_where_an_axis_changes_it() -> None:
    plan = planned(FIELD + "grid g { method: field; field.width: 16 | 32 }")
    assert {run.settings["field.width"]: run.departs for run in plan.runs} == {
        "16": (),
        "32": ("field.width",),
    }


def test_arms_refined_by_calls_are_arms_of_their_own() -> None:
    plan = planned(
        """
method small(width: 8) = dense then inwf(width: width, layers: 1, for: 10 steps)
grid g { method: small | small(width: 32) }
"""
    )
    assert {run.arm for run in plan.runs} == {"small", "small(width: 32)"}
    assert len({run.point for run in plan.runs}) == 2


def test_an_axis_reaches_a_parameter_of_a_method() -> None:
    plan = planned(
        """
method small(width: 8) = dense then inwf(width: width, layers: 1, for: 10 steps)
grid g { method: dense | small; small.width: 8 | 16 }
"""
    )
    assert len({run.point for run in plan.runs}) == 3


def test_a_slip_of_zeros_is_refused_before_expansion_naming_the_axis() -> None:
    made = compiled(FIELD + "grid g { method: field; field.width: 1 .. 1000000000 }")
    assert isinstance(made, Refusal)
    assert "field.width" in made.message
    assert "1,000,000,000" in made.message


def test_a_computed_value_out_of_range_is_refused() -> None:
    made = compiled(
        """
method small(width: 8) = dense then inwf(width: width - 8, layers: 1, for: 10 steps)
grid g { method: small }
"""
    )
    assert isinstance(made, Refusal)
    assert made.code == "E0404"


def test_replicates_come_after_breadth() -> None:
    plan = planned(FIELD + "repeat 2 as seed\ngrid g { method: dense | field | eight }")
    assert [run.seed for run in plan.runs] == [0, 0, 0, 1, 1, 1]


def test_replicates_in_other_streams_are_other_runs() -> None:
    plan = planned("""
repeat 2 as seed
grid g { method: dense; dense.batch: 32 | 128 }
grid h { method: dense; repeat 2 as seed vary init }
""")
    assert len({(run.point, run.seed) for run in plan.runs}) == len(plan.runs) == 6


def test_the_order_in_which_streams_are_named_means_nothing() -> None:
    varied = [
        planned(f"grid g {{ method: dense; repeat 2 as seed{vary} }}")
        for vary in (" vary init, batches", " vary batches, init", "")
    ]
    one, same, other = ({node.key for node in plan.nodes} for plan in varied)
    assert one == same
    assert not one & other
    every = planned(
        "grid g { method: dense; repeat 2 as seed vary init, batches, augment, dropout }"
    )
    assert {node.key for node in every.nodes} == other


def test_an_axis_over_one_of_two_stages_leaves_the_other_alone() -> None:
    plan = planned("""
method either = dense then (quantize(bits: 4) | prune(sparsity: 80%))
grid g { method: either; either.quantize.min_size: 0 | 100; either.prune.min_size: 7 }
""")
    last = {node.label: node.arguments["through"] for node in plan.nodes if node.inputs}
    sizes = sorted((one["component"], one["args"]["min_size"]) for one in last.values())
    assert sizes == [("prune", 7), ("quantize", 0), ("quantize", 100)]


def test_what_is_fixed_in_one_grid_and_drawn_in_another_is_two_runs() -> None:
    head = 'study s\ndata d = digits()\nmodel m = mlp(weights: "w.safetensors")\n'
    plan = planned(
        """
method loaded = pretrained then finetune(for: 1 epochs)
grid g { method: loaded; repeat 1 as seed vary dropout }
grid h { method: loaded; repeat 1 as seed }
""",
        head=head,
    )
    assert len({run.stages for run in plan.runs}) == len(plan.runs) == 2
