"""Conditions of filters: what has a size, what is lacking, and what is refused."""

import pytest
from planning import compiled, planned

from lab.compiler.build import Refusal

FIELD = "\nmethod field = dense then inwf(width: 16, layers: 2, for: 10 steps)\n"


def left_by(axis: str, condition: str) -> int:
    body = f'{FIELD}grid g {{ method: field; {axis}; skip {condition} because "so" }}'
    return len({run.point for run in planned(body).runs})


def refused(axis: str, condition: str) -> Refusal:
    made = compiled(f'{FIELD}grid g {{ method: field; {axis}; skip {condition} because "so" }}')
    assert isinstance(made, Refusal)
    return made


@pytest.mark.parametrize("condition", ["field.batch < 100", "field.batch + 1 < 100"])
def test_none_is_a_number_that_the_point_lacks(condition: str) -> None:
    assert left_by("field.batch: none | 64 | 128", condition) == 2


@pytest.mark.parametrize("schedule", ["cosine(1 -> 0)", "2 * cosine(1 -> 0)"])
def test_a_schedule_is_no_number_that_could_be_large(schedule: str) -> None:
    assert left_by(f"field.lr: 1e-3 | 1e-2 | {schedule}", "field.lr > 5e-3") == 2


def test_durations_of_one_unit_have_an_order() -> None:
    assert left_by("field.for: 50 steps | 150 steps", "field.for < 100 steps") == 1


@pytest.mark.parametrize(
    ("axis", "condition", "code"),
    [
        ("field.for: 50 steps | 1 epochs", "field.for < 100 steps", "E0407"),
        ("field.for: 50 steps | 99 steps", "field.for * 2 < 100", "E0407"),
        ("field.activation: sine | relu", "field.activation + 3 == 4", "E0505"),
        ("field.width: 8 | 16", "8 / (field.width - 8) > 1", "E0412"),
    ],
)
def test_what_cannot_be_compared_is_refused(axis: str, condition: str, code: str) -> None:
    assert refused(axis, condition).code == code
