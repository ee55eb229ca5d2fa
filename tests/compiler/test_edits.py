"""A hundred edits that change no meaning change no key; a hundred that do change the right ones.

The study has two trunks, `dense` and `rough`. `CHAINS` says by hand which stages each arm goes
through; a semantic edit names the stage that it is about, and exactly that stage and those behind
it may get another key.
"""

import re
from collections.abc import Iterator
from random import Random

import pytest
from planning import planned

from lab.compiler.plan import Plan
from lab.spec.format import format
from lab.spec.source import Source

STUDY = """
study edits
data  images = digits(validation: 100)
model net    = mlp(width: 64, layers: 2)
let effort = 12 epochs
let share  = 80%
schedule warm(peak) = linear(0 -> peak) for 10% then cosine(peak -> 0)
method dense  = train(by: adam(lr: warm(3e-3), b1: 0.9), for: effort, batch: 64)
method rough(rate: 0.1) = train(by: sgd(lr: rate, momentum: 0.8, nesterov: true, decay: 1e-4),
  for: 4 epochs, batch: 32, select: random(rate: 50%))
method field  = dense then inwf(width: 24, layers: 2, w0: 20, activation: sine,
  encoding: fourier(bands: 3), min_size: 200, by: adam(lr: cosine(1e-3 -> 0)), for: 100 steps,
  batch: 256)
method eight  = dense then quantize(bits: 8, per: channel)
method sparse = dense then prune(sparsity: share)
  then finetune(by: adam(lr: 5e-4), for: 2 epochs, batch: 48)
method coarse = rough then quantize(bits: 4, per: tensor)
metric ratio = bytes(dense) / bytes(method)
metric drop  = accuracy(dense) - accuracy(method)
repeat 2 as seed
grid arms { method: dense | rough | field | eight | sparse | coarse }
grid widths {
  method: field
  field.width: 16 | 24 | 32
}
claim small: ratio(field) > 2 at 95%
report { table(ratio, drop, by: method) }
"""
LINES = STUDY.strip().splitlines()

# What changes nothing


def _replaced(pairs: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for old, news in pairs.items():
        for new in news:
            assert old in STUDY, old
            yield STUDY.replace(old, new)


SPELLINGS = {
    "3e-3": ("0.003", "3.0e-3", "0.0030", "0.3e-2"),
    "1e-4": ("0.0001", "1.0e-4", "0.1e-3"),
    "1e-3 ": ("0.001 ", "10e-4 "),
    "b1: 0.9": ("b1: 0.90", "b1: 9e-1"),
    "momentum: 0.8": ("momentum: 0.80", "momentum: 8e-1"),
    "80%": ("80.0%", "8e1%"),
    "50%": ("50.0%", "0.5", "1/2", "5e1%"),
    "10%": ("10.0%", "1e1%"),
    "12 epochs": ("12.0 epochs", "1.2e1 epochs", "3 * 4 epochs", "(10 epochs + 2 epochs)"),
    "100 steps": ("0.1k steps", "1e2 steps", "1 * 100 steps"),
    "w0: 20": ("w0: 20.0", "w0: 2e1"),
    "rate: 0.1": ("rate: 1e-1", "rate: 0.10"),
    "min_size: 200": ("min_size: 0.2k", "min_size: 2e2", "min_size: 100 + 100"),
    "validation: 100": ("validation: 0.1k",),
    "bits: 8": ("bits: 8 bits", "bits: 2 * 4"),
}
DEFAULTS = {
    "b1: 0.9": ("b1: 0.9, b2: 0.999", "eps: 1e-8"),
    ", activation: sine": (
        "",
        ", activation: sine, storage: float16",
        ', in: ["**"]',
        ', in: "**"',
    ),
    "quantize(bits: 8, per: channel)": (
        "quantize(bits: 8)",
        "quantize",
        "quantize()",
        "quantize(8)",
        "quantize(bits: 8, scales: float32, min_size: 0)",
    ),
    "prune(sparsity: share)": ("prune(sparsity: share, storage: float32)", "prune"),
    "for: effort": (
        "for: effort, loss: task",
        "for: effort, loss: task()",
        "for: effort, loss: task(label_smoothing: 0)",
        "for: effort, select: all",
        "for: effort, average: 0",
    ),
    ", layers: 2)": (")", ", layers: 2, inputs: 64, classes: 10)"),
    "validation: 100": ("validation: 100, augment: []",),
}
BRACKETS = {
    "bits: 8": "bits: (8)",
    "adam(lr: 5e-4)": "(adam(lr: 5e-4))",
    "100 steps": "(100 steps)",
    "effort,": "(effort),",
    "fourier(bands: 3)": "(fourier(bands: (3)))",
    "peak -> 0": "(peak) -> (0)",
    "dense then quantize": "(dense) then quantize",
    "quantize(bits: 4, per: tensor)": "(quantize(bits: 4, per: tensor))",
    "16 | 24 | 32": "(16 | (24) | 32)",
    "bytes(dense) / bytes(method)": "((bytes(dense)) / (bytes(method)))",
    "dense then prune(sparsity: share)": "(dense then prune(sparsity: share))",
}
NAMES = {
    "dense": "trunk",
    "rough": "other",
    "field": "siren",
    "eight": "int8",
    "sparse": "pruned",
    "coarse": "q4",
    "images": "pictures",
    "net": "network",
    "effort": "long",
    "share": "fraction",
    "warm": "one_cycle",
    "peak": "top",
    "rate": "speed",
    "ratio": "times",
    "drop": "lost",
    "arms": "all_arms",
    "widths": "sizes",
    "small": "tiny",
    "edits": "another_study",
}
ORDERS = {
    "width: 64, layers: 2": "layers: 2, width: 64",
    "bits: 8, per: channel": "per: channel, bits: 8",
    "for: effort, batch: 64": "batch: 64, for: effort",
    "momentum: 0.8, nesterov: true": "nesterov: true, momentum: 0.8",
    "width: 24, layers: 2, w0: 20": "w0: 20, width: 24, layers: 2",
    "dense | rough | field": "field | dense | rough",
    "16 | 24 | 32": "32 | 16 | 24",
    "table(ratio, drop": "table(drop, ratio",
    "method: field\n  field.width: 16 | 24 | 32": "field.width: 16 | 24 | 32\n  method: field",
}
OTHERWISE = {
    "study edits": ("lab 1\nstudy edits", 'study edits "a title"'),
    "method dense  =": ('method dense "a title" =',),
    "grid arms {": (
        'grid arms "a title" {',
        'grid arms { skip field.width == 99 because "no";',
    ),
    "claim small:": ('claim small "a title":',),
    "batch: 256": ("batch: points",),
    "for: 4 epochs": ("for: effort / 3",),
    "repeat 2 as seed": ("repeat 2 as replicate", "repeat [0, 1] as seed", "repeat 2"),
    "at 95%": ("at 90%", ""),
    "> 2 at": (">= 3 at",),
    "16 | 24 | 32": ("16 .. 32 by 8", "16 .. 32 by 3 points"),
    "report {": ("budget 30 min, 4 GiB\nreport {", "profile long { effort: 99 epochs }\nreport {"),
}


def _renamed(old: str, new: str) -> str:
    """Another name for what is declared; an argument of a component keeps its name."""
    if old == "rate":
        return STUDY.replace("rough(rate:", f"rough({new}:").replace("lr: rate", f"lr: {new}")
    return re.sub(rf"\b{old}\b", new, STUDY)


def _shuffled(seed: int) -> str:
    declarations = re.split(r"\n(?=[a-z])", STUDY.strip())
    Random(seed).shuffle(declarations)
    return "\n".join(declarations) + "\n"


def cosmetic() -> Iterator[str]:
    """Texts that mean what the study means."""
    yield from _replaced(SPELLINGS)
    yield from _replaced({old: (new,) for old, new in BRACKETS.items()})
    yield from _replaced({old: (new,) for old, new in ORDERS.items()})
    for text in _replaced(DEFAULTS):
        yield text
    for text in _replaced(OTHERWISE):
        yield text + ("let points = 256\n" if "batch: points" in text else "")
    yield from (_renamed(old, new) for old, new in NAMES.items())
    yield from (_shuffled(seed) for seed in range(12))
    for i in range(1, len(LINES), 2):
        yield "\n".join([*LINES[:i], "# nothing", *LINES[i:]]) + "  # nothing\n"
    yield format(Source("edits.lab", STUDY))
    yield STUDY.replace(", ", ",\n    ")
    yield STUDY.replace("\n", "\r\n")
    yield re.sub(r" then ", "\n  then ", STUDY)
    yield STUDY.replace("  ", " ").replace(" = ", "=").replace("\n", "\n\n")


COSMETIC = list(dict.fromkeys(cosmetic()))


def keys(plan: Plan) -> frozenset[str]:
    return frozenset(node.key for node in plan.nodes)


@pytest.fixture(scope="module")
def before() -> Plan:
    return planned(STUDY, head="")


def test_there_are_a_hundred_cosmetic_edits() -> None:
    assert len(COSMETIC) >= 100
    assert STUDY not in COSMETIC


@pytest.mark.parametrize("edit", range(len(COSMETIC)))
def test_a_cosmetic_edit_changes_no_key(edit: int, before: Plan) -> None:
    assert keys(planned(COSMETIC[edit], head="")) == keys(before), COSMETIC[edit]


# What changes something

CHAINS = {
    "dense": ("dense",),
    "rough": ("rough",),
    "field": ("dense", "field"),
    "eight": ("dense", "eight"),
    "sparse": ("dense", "pruned", "tuned"),
    "coarse": ("rough", "coarse"),
}
EVERYTHING = frozenset({"dense", "rough"})
#: For each stage, what is written and what may be written instead.
SEMANTIC: dict[str, dict[str, tuple[str, ...]]] = {
    "dense": {
        "warm(3e-3)": ("warm(2e-3)", "3e-3", "cosine(3e-3 -> 0)", "2 * warm(3e-3)"),
        "0 -> peak": ("1e-4 -> peak",),
        "for 10%": ("for 11%", "for 20%"),
        "cosine(peak -> 0)": ("cosine(peak -> 1e-5)", "linear(peak -> 0)", "peak"),
        "b1: 0.9": ("b1: 0.91", "b2: 0.99", "eps: 1e-7"),
        "adam(lr: warm(3e-3), b1: 0.9)": (
            "adamw(lr: warm(3e-3), b1: 0.9)",
            "sgd(lr: warm(3e-3))",
        ),
        "12 epochs": ("13 epochs", "12 steps", "12k samples", "12 min"),
        "batch: 64": ("batch: 65", "batch: 128"),
        "effort, batch": (
            "effort, select: random, batch",
            "effort, loss: task(label_smoothing: 10%), batch",
            "effort, average: 0.9, batch",
            "effort, watch: validation, batch",
            "effort, through: quantize(bits: 4), batch",
        ),
    },
    "rough": {
        "rough(rate: 0.1)": (
            "rough(rate: 0.2)",
            "rough(rate: 1)",
            "rough(rate: 0.05)",
            "rough(rate: 0.1001)",
        ),
        "lr: rate": ("lr: rate / 2", "lr: warm(rate)"),
        "momentum: 0.8": ("momentum: 0", "momentum: 0.81"),
        "nesterov: true": ("nesterov: false",),
        "decay: 1e-4": ("decay: 0", "decay: 1e-3"),
        "4 epochs": ("5 epochs", "400 steps"),
        "batch: 32": ("batch: 33", "watch: test, batch: 32", "average: 0.5, batch: 32"),
        "random(rate: 50%)": ("random(rate: 51%)", "random", "all"),
    },
    "field": {
        "layers: 2, w0": ("layers: 3, w0", "layers: 1, w0"),
        "w0: 20": ("w0: 21", "w0: 30"),
        "activation: sine": ("activation: relu", "activation: gelu", "storage: float32"),
        "encoding: fourier(bands: 3)": (
            "encoding: fourier(bands: 4)",
            "encoding: none",
            "encoding: fourier(bands: 2)",
        ),
        "min_size: 200": ("min_size: 201", 'in: ["*.kernel"]'),
        "cosine(1e-3 -> 0)": ("cosine(1e-3 -> 1e-4)", "1e-3", "cosine(2e-3 -> 0)"),
        "adam(lr: cosine": ("adamw(lr: cosine", "sgd(lr: cosine"),
        "100 steps": ("101 steps", "200 steps"),
        "batch: 256": ("batch: 255", "batch: none"),
    },
    "eight": {
        "bits: 8": ("bits: 7", "bits: 6", "bits: 2", "scales: float16"),
        "per: channel": ("per: tensor", "min_size: 1", 'in: ["*.kernel"]'),
    },
    "pruned": {
        "share  = 80%": ("share  = 81%", "share  = 0%", "share  = 50%"),
        "sparsity: share": (
            "sparsity: share / 2",
            "sparsity: 70%",
            "min_size: 5, sparsity: share",
        ),
    },
    "tuned": {
        "lr: 5e-4": ("lr: 5.1e-4", "lr: warm(5e-4)", "lr: 5e-4, b1: 0.8"),
        "for: 2 epochs": ("for: 3 epochs", "for: 2 steps", "for: 2.5 epochs"),
        "batch: 48": ("batch: 47", "average: 0.5, batch: 48", "select: random, batch: 48"),
        "finetune(by: adam": ("finetune(by: adamw", "finetune(loss: 2 * task, by: adam"),
    },
    "coarse": {
        "bits: 4": ("bits: 5", "bits: 3"),
        "per: tensor": ("per: channel", "per: tensor, min_size: 10"),
    },
    "everything": {
        "validation: 100": ("validation: 101", "validation: 0"),
        "mlp(width: 64": ("mlp(width: 65", "mlp(width: 32"),
        "layers: 2)": ("layers: 3)", "layers: 1)"),
    },
}
EDITS = [
    (stage, old, new)
    for stage, edits in SEMANTIC.items()
    for old, news in edits.items()
    for new in news
]


def stages(plan: Plan) -> dict[tuple[str, int, int], str]:
    """The key of each stage of each arm as it is defined, by arm, place and replicate."""
    return {
        (run.arm, place, run.seed): key
        for run in plan.runs
        if run.grid == "arms"
        for place, key in enumerate(run.stages)
    }


def expected(stage: str) -> set[tuple[str, int, int]]:
    """What an edit of a stage changes: it, and what comes after it in any arm."""
    touched = EVERYTHING if stage == "everything" else {stage}
    return {
        (arm, place, seed)
        for arm, chain in CHAINS.items()
        for place in range(len(chain))
        for seed in (0, 1)
        if touched & set(chain[: place + 1])
    }


def test_there_are_a_hundred_semantic_edits() -> None:
    assert len(EDITS) >= 100


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit[0]}: {edit[1]} becomes {edit[2]}")
def test_a_semantic_edit_changes_its_stage_and_what_comes_after_it(
    edit: tuple[str, str, str], before: Plan
) -> None:
    stage, old, new = edit
    assert STUDY.count(old) == 1, old
    was, now = stages(before), stages(planned(STUDY.replace(old, new), head=""))
    assert was.keys() == now.keys()
    assert {place for place in was if was[place] != now[place]} == expected(stage)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("accuracy(dense) - accuracy(method)", "accuracy(method, on: validation)"),
        ("bytes(dense) / bytes(method)", "parameters(dense) / parameters(method)"),
        ("claim small: ratio(field) > 2", "claim small: r2(field) > 50%"),
    ],
)
def test_an_edit_of_what_is_measured_changes_no_stage(old: str, new: str, before: Plan) -> None:
    after = planned(STUDY.replace(old, new), head="")
    assert stages(after) == stages(before)
    assert keys(after) != keys(before)


def test_more_replicates_change_no_key_of_those_before(before: Plan) -> None:
    after = planned(STUDY.replace("repeat 2", "repeat 3"), head="")
    assert keys(before) < keys(after)


def test_other_streams_that_vary_change_what_is_random(before: Plan) -> None:
    after = planned(STUDY.replace("repeat 2 as seed", "repeat 2 as seed vary init"), head="")
    assert not keys(before) & keys(after)
