"""A profile may add grids and claims, which exist in that profile only."""

from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

TEXT = """
study s
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
method eight = dense then quantize(bits: 8)
repeat 3 as seed
grid arms { method: dense }
report { table(bytes, by: method) }
profile paper {
  repeat 5 as seed
  grid bits { method: eight; eight.bits: 4 | 8 }
}
"""


def test_a_grid_of_a_profile_is_there_in_that_profile_only() -> None:
    default = check(Source("s.lab", TEXT), builtin_catalog())
    paper = check(Source("s.lab", TEXT), builtin_catalog(), profile="paper")
    assert default.study is not None
    assert paper.study is not None
    assert [grid.name for grid in default.study.grids] == ["arms"]
    assert [grid.name for grid in paper.study.grids] == ["arms", "bits"]
    assert paper.study.repeat.seeds == (0, 1, 2, 3, 4)


def test_a_mistake_in_a_grid_of_a_profile_is_found_without_the_profile() -> None:
    found = check(Source("s.lab", TEXT.replace("eight.bits", "eight.bist")), builtin_catalog())
    assert [one.severity for one in found.diagnostics] == ["error"]
    assert "bits" in str(found.diagnostics[0])


def test_a_pair_in_a_profile_is_refused_and_never_left_out_in_silence() -> None:
    text = TEXT.replace(
        "  grid bits {", "  (eight.bits, eight.min_size): (4, 0) | (8, 9)\n  grid bits {"
    )
    (found,) = check(Source("s.lab", text), builtin_catalog()).diagnostics
    assert found.code == "E0506"
