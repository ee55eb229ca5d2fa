"""The smallest set of axis values that separates failed from finished runs."""

from collections.abc import Callable, Mapping
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from lab.runtime.failure_region import failure_regions

RATES = ("1e-4", "0.001", "0.01", "0.1", "1")
WIDTHS = ("16", "32", "64")
ARMS = ("dense", "field", "eight")


def grid(fails: Callable[[Mapping[str, str]], bool]) -> list[tuple[dict[str, str], bool]]:
    """Every point of three axes, three replicates of each."""
    points = [
        {"method": arm, "lr": rate, "width": width}
        for arm, rate, width in product(ARMS, RATES, WIDTHS)
    ]
    return [(point, fails(point)) for point in points for _ in range(3)]


def texts(tried: list[tuple[dict[str, str], bool]]) -> list[str]:
    return [str(region) for region in failure_regions(tried)]


def test_one_value_is_named() -> None:
    assert texts(grid(lambda p: p["method"] == "field")) == ["method == field"]


def test_rates_from_one_on_are_a_bound() -> None:
    assert texts(grid(lambda p: float(p["lr"]) >= 0.01)) == ["lr >= 0.01"]
    assert texts(grid(lambda p: float(p["lr"]) <= 0.001)) == ["lr <= 0.001"]


def test_two_axes_together_are_a_conjunction() -> None:
    found = failure_regions(grid(lambda p: p["width"] == "64" and float(p["lr"]) >= 0.1))
    assert [str(region) for region in found] == ["lr >= 0.1 and width == 64"]
    assert found[0].runs == 2 * 3 * 3


def test_values_that_are_no_range_are_a_set() -> None:
    assert texts(grid(lambda p: p["method"] != "field")) == ["method in [dense, eight]"]


def test_two_causes_are_two_regions() -> None:
    found = texts(grid(lambda p: p["method"] == "field" or p["lr"] == "1"))
    assert sorted(found) == ["lr == 1", "method == field"]


def test_where_all_failed_or_none_there_is_nothing_to_say() -> None:
    assert texts(grid(lambda _: True)) == []
    assert texts(grid(lambda _: False)) == []
    assert failure_regions([]) == ()


def test_failures_that_no_axis_explains_have_no_region() -> None:
    one = {"method": "dense"}
    assert failure_regions([(one, True), (one, False)]) == ()


def test_a_path_that_some_runs_lack_can_tell_them_apart() -> None:
    with_width = [({"method": "field", "width": width}, True) for width in WIDTHS]
    without = [({"method": "dense"}, False)]
    assert texts([*with_width, *without]) == ["method == field"]


@given(
    st.lists(st.tuples(st.sampled_from(RATES), st.sampled_from(ARMS), st.booleans()), max_size=20)
)
def test_every_run_in_a_region_failed(rows: list[tuple[str, str, bool]]) -> None:
    tried = [({"lr": rate, "method": arm}, failed) for rate, arm, failed in rows]
    failures = sum(failed for _, failed in tried)
    for region in failure_regions(tried):
        assert 0 < region.runs <= failures
