"""Warnings of what nothing records: only where every component says what it does."""

import pytest

from lab.spec.catalog import builtin_catalog, catalog_of
from lab.spec.check import check
from lab.spec.source import Source

OWN = '''
from lab.spec.declare import component, parameter

@component("dream", kind="stage")
class Dream:
    """A stage that says nothing of what it records."""
    depth: int = parameter(1, "how deep")
'''
CATALOG = catalog_of([Source("dream.py", OWN)], builtin=builtin_catalog())
HEAD = """study s
data d = digits()
model n = mlp(width: 16)
method dense = train(for: 10 steps)
method eight = dense then quantize(bits: 8)
method odd = dense then dream
metric kept = r2(method)
repeat 3 as seed
"""


def _codes(text: str) -> list[str]:
    found = check(Source("s.lab", HEAD + text), CATALOG).diagnostics
    return [one.code for one in found if one.code != "W0809"]


@pytest.mark.parametrize(
    ("arms", "codes"),
    [
        ("dense", ["W0805"]),
        ("eight", []),
        ("dense | eight", []),
        ("odd", []),
        ("dense | odd", []),
    ],
)
def test_a_metric_that_no_arm_has_is_warned_of(arms: str, codes: list[str]) -> None:
    text = f"grid g {{ method: {arms} }}\nreport {{ table(kept, by: method) }}"
    assert _codes(text) == codes


def test_an_arm_that_is_named_is_the_one_that_counts() -> None:
    grid = "grid g { method: dense | eight }\n"
    assert _codes(grid + "claim c: r2(eight) > 0.5") == []
    assert _codes(grid + "claim c: r2(dense) > 0.5") == ["W0805"]


def test_curves_are_known_only_where_every_stage_tells_its_own() -> None:
    known = HEAD.replace("method odd = dense then dream\n", "")
    for head, codes in ((HEAD, []), (known, ["W0805"])):
        text = head + "grid g { method: dense | eight }\nreport { curves(los, x: epoch) }"
        found = check(Source("s.lab", text), CATALOG).diagnostics
        assert [one.code for one in found if one.code != "W0809"] == codes


def test_a_metric_with_a_mistake_is_one_mistake() -> None:
    text = "metric law = power_lw(kept)\nclaim c: law.size >= 0.1 and law.size <= 0.2"
    found = check(Source("s.lab", HEAD + "grid g { method: eight }\n" + text), CATALOG).diagnostics
    assert [one.code for one in found if one.severity == "error"] == ["E0201"]
