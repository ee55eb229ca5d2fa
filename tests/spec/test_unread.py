"""An argument that no run reads is warned of, and no other is."""

import pytest

from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

CATALOG = builtin_catalog()
HEAD = """study s
data d = digits()
model n = mlp(width: 16)
method dense = train(for: 10 steps)
method field = dense then inwf(width: 64, layers: 2, encoding: fourier(bands: 4), for: 9 steps)
metric ratio = bytes(dense) / bytes(method)
repeat 3 as seed
report { table(ratio, by: [method, field.width]) }
"""
ONE = "grid g { method: field; field.width: 8 | 16 }\n"


def _unread(text: str) -> list[str]:
    found = check(Source("s.lab", HEAD + text), CATALOG).diagnostics
    assert [one for one in found if one.severity == "error"] == []
    spans = [one.labels[0].span for one in found if one.code == "W0804"]
    return [(HEAD + text)[span.start : span.end] for span in spans]


def test_an_axis_of_every_block_leaves_a_written_value_unread() -> None:
    assert _unread(ONE) == ["64"]
    assert _unread(ONE + "grid h { method: dense | field; field.width: 128 .. 130 }") == ["64"]


READ = {
    "another grid runs it as defined": ONE + "grid h { method: field }",
    "the axis has it too": "grid g { method: field; field.width: 8 | 64 }",
    "a range goes over it": "grid g { method: field; field.width: 8 .. 128 by 8 }",
    "a claim asks for it": ONE + "claim c: ratio(field) > 2",
    "a claim of a profile asks for it": ONE + "profile p { claim c: ratio(field) > 2 }",
    "a grid of a profile runs it": ONE + "profile p { grid h { method: field } }",
    "an arm refines it": ONE + "grid h { method: field(width: 4) }",
    "a pair of axes sets it": (
        "grid g { method: field; (field.width, field.layers): (8, 1) | (9, 2) }"
    ),
    "the axis is a shared value": "let w = 8 | 16\ngrid g { method: field; field.width: w }",
    "no block runs it": "grid g { method: dense }",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_what_something_may_read_is_not_warned_of(text: str) -> None:
    assert _unread(text) == []


def test_a_component_that_is_always_replaced_is_told_once() -> None:
    assert _unread("grid g { method: field; field.encoding: none }") == ["fourier(bands: 4)"]
