"""The studies of the design are counted as they stand; every number was counted by hand.

`ast`, gains: 4 kp x (1 + 3) ki x 3 entropy = 48 points, one pair of (kp, ki) skipped: 45 points of
3 replicates; controls: `everything` and 4 arms of 4 targets, 17 points of 5.
`codeq`: 3 pairs; 3 arms of 5 schedules; 3 weights, all other than those of `shapes`, where another
decay holds; of 3 replicates each.
`compose`: 1 + 1 + 1 + 2 x 2 + 2 + 2 x 2 + 3 points of 3.
`inwf`, ablation: 4 x 3 x 5 x 3 x (1 + 3 + 2) = 1080 points; 4 activations x 2 w0 x 72 are skipped,
and of the 504 left those of the widest and deepest, 6 x (3 + 4); optimizers: 3 + 1 x 2 + 1, one of
which is `field` as it stands; baselines: (5 + 2 + 2 + 3) x 2 models, less that one; scales: 16, one
of which is `multi`; lambdas: 5 x 2 models, two of which are `chosen`.
`lora_vit`: 2 models x 2 data x (5 ranks + 2). `scaling`: (3 + 1 + 1) models x 13 widths.
`search`: 100 trials of 2 replicates, 3 arms of 5.
"""

import pytest
from design import DESIGN, planned_design

from lab.compiler.plan import Comparison, Junction

COUNTS: dict[tuple[str, str | None], dict[str, int]] = {
    ("ast", None): {"gains": 45 * 3, "controls": 17 * 5},
    ("ast", "paper"): {"gains": 45 * 10, "controls": 17 * 10},
    ("codeq", None): {"decays": 3 * 3, "shapes": 15 * 3, "strengths": 3 * 3},
    ("codeq", "paper"): {"decays": 3 * 3, "shapes": 15 * 3, "strengths": 3 * 3},
    ("compose", None): {"all": 16 * 3},
    ("inwf", None): {
        "ablation": (1080 - 576 - 42) * 3,
        "optimizers": (6 - 1) * 3,
        "baselines": (24 - 1) * 3,
        "scales": (16 - 1) * 3,
        "lambdas": (10 - 2) * 3,
    },
    ("inwf_ablation", None): {"architecture": (36 - 3) * 3, "baselines": (4 - 1) * 3},
    ("inwf_ablation", "paper"): {"architecture": (36 - 3) * 10, "baselines": (4 - 1) * 10},
    ("lora_vit", None): {"main": 28 * 3},
    ("lora_vit", "paper"): {"main": 28 * 3},
    ("robust", None): {"main": 4 * 5},
    ("scaling", None): {"curve": 65 * 3},
    ("search", None): {"tune": 100 * 2, "final": 3 * 5},
    ("search", "paper"): {"tune": 500 * 2, "final": 3 * 5},
}
REMOVED = {"ast": [3 * 3], "inwf": [576 * 3, 42 * 3], "inwf_ablation": [3 * 3]}


@pytest.mark.parametrize(("name", "profile"), COUNTS)
def test_a_study_of_the_design_has_as_many_runs_as_were_counted_by_hand(
    name: str, profile: str | None
) -> None:
    plan = planned_design(name, profile)
    counts = {one.name: one.runs for one in plan.searches}
    for run in plan.runs:
        counts[run.grid] = counts.get(run.grid, 0) + 1
    assert counts == COUNTS[name, profile]


def test_every_study_and_profile_of_the_design_is_counted() -> None:
    found = {path.stem for path in DESIGN}
    assert found == {name for name, _ in COUNTS}


@pytest.mark.parametrize("name", REMOVED)
def test_a_plan_counts_what_filters_removed(name: str) -> None:
    assert [one.runs for one in planned_design(name, None).removed] == REMOVED[name]


def test_labels_of_optimizer_groups_are_part_of_a_stage() -> None:
    plan = planned_design("codeq", None)
    arm = [run for run in plan.runs if run.grid == "decays" and run.seed == 0]
    decays = {run.settings["coded.theta_dz.decay"] for run in arm}
    assert decays == {"0.01", "0.5", "2.5"}
    nodes = {node.key: node for node in plan.nodes}
    groups = nodes[arm[0].stages[-1]].arguments["by"]
    assert isinstance(groups, dict)
    assert isinstance(groups["args"], dict)
    assert set(groups["args"]["groups"]) == {"weights", "theta_dz", "theta_bit"}


def test_what_stops_a_training_is_measured_on_validation() -> None:
    plan = planned_design("lora_vit", None)
    stops = [node.arguments["stop"] for node in plan.nodes if node.component == "train"]
    assert all(stop["args"]["of"]["args"]["on"] == "validation" for stop in stops)


def test_a_law_reads_every_point_of_the_study() -> None:
    plan = planned_design("scaling", None)
    laws = [node for node in plan.nodes if node.component == "power_law"]
    assert len(laws) == 3
    assert all(len(node.arguments["rows"]) == 65 for node in laws)
    parts = [part for claim in plan.claims for part in _comparisons(claim.cases[0].condition)]
    assert [part.left[0]["field"] for part in parts] == [
        *["size", "size"],
        *["rank", "rank"],
        "held_out_r2",
    ]


def _comparisons(condition: Comparison | Junction) -> list[Comparison]:
    if isinstance(condition, Comparison):
        return [condition]
    return [part for one in condition.operands for part in _comparisons(one)]


def test_the_winner_of_a_search_waits_for_it() -> None:
    plan = planned_design("search", None)
    (arm,) = {run.stages for run in plan.runs if run.arm == "tune.best" and run.seed == 0}
    nodes = {node.key: node for node in plan.nodes}
    assert nodes[arm[-1]].component == "search"
    assert nodes[arm[-1]].arguments["trials"] == 100


def test_a_winner_is_another_when_its_search_is() -> None:
    text = next(path for path in DESIGN if path.stem == "search").read_text("utf-8")
    edits = {
        "trials 100": "trials 101",
        "maximize ratio": "minimize ratio",
        "drop < 1%\n  trials": "drop < 2%\n  trials",
        "0.0 .. 1.0": "0.0 .. 1.5",
        "2 .. 4": "2 .. 5",
        "as seed\n  maximize": "as seed vary init\n  maximize",
    }
    keys = {_winner(text)}
    for old, new in edits.items():
        assert text.count(old) == 1, old
        keys.add(_winner(text.replace(old, new)))
    assert len(keys) == 1 + len(edits)


def _winner(text: str) -> str:
    plan = planned_design("search", None, text=text)
    return next(run.stages[-1] for run in plan.runs if run.arm == "tune.best")
