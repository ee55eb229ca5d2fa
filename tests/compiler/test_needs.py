"""A stage that needs weights is refused before it runs, at the points where there are none."""

import pytest

from lab.compiler.build import Refusal, compile_study
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

CATALOG = builtin_catalog()
HEAD = """study s
data d = digits()
model bare = mlp(width: 16)
model whole = mlp(width: 16, weights: "w.safetensors")
method dense = pretrained
"""


def _made(grid: str) -> str:
    source = Source("s.lab", HEAD + grid)
    study = check(source, CATALOG).study
    assert study is not None
    made = compile_study(study, CATALOG, lambda _: None)
    if not isinstance(made, Refusal):
        return f"{len(made.runs)} runs"
    return f"{made.code} at {source.text[made.span.start : made.span.end]}: {made.message}"


def test_a_model_without_weights_has_nothing_that_was_trained_before() -> None:
    found = _made("grid g { method: dense; model: bare | whole }")
    assert found == "E0301 at pretrained: `pretrained` needs `weights:`, and this `mlp` has none"


@pytest.mark.parametrize(
    "grid",
    [
        "grid g { method: dense; model: whole }",
        'grid g { method: dense; model: bare; bare.weights: "a.safetensors" }',
    ],
)
def test_weights_from_the_model_or_from_an_axis_will_do(grid: str) -> None:
    assert _made(grid) == "1 runs"
