"""Two hundred edits of a study that is stored: what runs again is exactly what has to, and why.

`golden/edits.txt` and `golden/block_edits.txt` say by hand which stages each edit makes new and on
which line of the edited text the reason is; `GOLDEN=write` rewrites only how the reason is worded.
"""

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from edit_pairs import Pair, pairs_of
from planning import catalog
from test_edits import COSMETIC, STUDY

from lab.compiler.build import compile_study
from lab.compiler.plan import Node, Plan
from lab.compiler.points import Scope
from lab.compiler.provenance import Provenance
from lab.compiler.reasoning import reasons
from lab.compiler.reasons import Reason
from lab.compiler.stored import Described, described
from lab.compiler.texts import Texts
from lab.spec.check import Checked, check
from lab.spec.source import Source
from lab.spec.values import Value

GOLDEN = Path(__file__).parent / "golden"
FILES = [GOLDEN / "edits.txt", GOLDEN / "block_edits.txt"]
PAIRS = [pair for file in FILES for pair in pairs_of(file)]


def made(text: str) -> tuple[Checked, Plan]:
    checked = check(Source("edits.lab", text), catalog())
    assert not checked.failed, checked.diagnostics
    assert checked.study is not None
    plan = compile_study(checked.study, checked.catalog, lambda file: file)
    assert isinstance(plan, Plan), plan
    return checked, plan


@cache
def stored() -> Mapping[str, Described]:
    """All that the study before the edit has made."""
    return {node.key: described(node) for node in made(STUDY)[1].nodes}


def explained(text: str) -> tuple[list[Node], tuple[Reason, ...]]:
    """What of an edited study is new, and why."""
    checked, plan = made(text)
    assert checked.study is not None
    fresh = [node for node in plan.nodes if node.key not in stored()]
    scope = Scope(checked.study, checked.catalog, lambda file: file)
    texts = Texts(checked.study, Source("edits.lab", text), checked.origins)
    told = reasons(
        plan,
        [node.key for node in fresh],
        stored(),
        explains=Provenance(scope, texts, plan),
        shown=scope.shown,
    )
    return fresh, told


def test_there_are_two_hundred_pairs() -> None:
    assert len(PAIRS) + len(COSMETIC) >= 200
    assert sum(bool(pair.new) for pair in PAIRS) >= 100
    assert len({pair.title for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize("edit", range(len(COSMETIC)))
def test_a_cosmetic_edit_runs_nothing_again(edit: int) -> None:
    fresh, told = explained(COSMETIC[edit])
    assert not fresh
    assert told == ()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.title)
def test_an_edit_runs_again_what_it_says_by_hand_and_nothing_else(pair: Pair) -> None:
    fresh, _ = explained(pair.after(STUDY))
    found = Counter(_line_of(node, pair) for node in fresh if node.role == "stage")
    assert found == {i: one[0] for i, one in enumerate(pair.new)}
    keys = {node.key for node in fresh}
    for node in fresh:
        assert node.role == "stage" or keys & set(node.inputs.values()), node.label


def _line_of(node: Node, pair: Pair) -> int | str:
    """Which of the lines `new` of a pair a stage is."""
    arm = node.label.partition(": ")[0]
    for i, (_, owner, component, told) in enumerate(pair.new):
        same = (arm, node.component) == (owner, component)
        if same and all(_at(node.arguments, path) == value for path, value in told.items()):
            return i
    return node.label


def _at(arguments: Mapping[str, Value], path: str) -> str:
    value: object = arguments
    for name in path.split("."):
        assert isinstance(value, Mapping)
        inside = value.get("args")
        value = (inside if isinstance(inside, Mapping) else value).get(name)
    return str(value)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.title)
def test_the_reason_names_the_line_that_was_edited(pair: Pair) -> None:
    _, told = explained(pair.after(STUDY))
    assert len(told) == len(pair.reasons)
    for (line, _), reason in zip(pair.reasons, told, strict=True):
        assert line in {place.line for place in reason.places}, reason
    texts = [reason.text for reason in told]
    if os.environ.get("GOLDEN") == "write":
        _rewrite(pair, texts)
    else:
        assert texts == [text for _, text in pair.reasons]


def _rewrite(pair: Pair, texts: list[str]) -> None:
    """Put how reasons are worded now behind the lines that were counted by hand."""
    for file in FILES:
        start, mark, rest = file.read_text("utf-8").partition(f"== {pair.title}\n")
        if mark:
            own, blank, others = rest.partition("\n\n")
            for (line, _), text in zip(pair.reasons, texts, strict=True):
                lines = own.splitlines()
                at = next(i for i, one in enumerate(lines) if one.startswith(f"line {line} "))
                lines[at] = f"line {line} {text}"
                own = "\n".join(lines)
            file.write_text(f"{start}{mark}{own}{blank}{others}".rstrip() + "\n", "utf-8")
