"""Schedules as `lab plan` draws them are schedules as stages follow them."""

import pytest

from lab.cli.sparkline import drawn, knots, schedules_in, value_at, values_of
from lab.compiler.facts import UnknownError
from lab.runtime.arithmetic import asking
from lab.runtime.registry import catalog
from lab.runtime.schedule import lower
from lab.spec.values import Value

STEPS = 1000
FACTS = asking(catalog())
EVERY = sorted(name for kind, name in catalog().signatures if kind == "schedule")
WHOLE: Value = {"duration": STEPS, "unit": "steps"}


def curve(name: str, start: float, stop: float) -> dict[str, Value]:
    signature = catalog().signatures["schedule", name]
    defaults = {info.name: info.default for info in signature.parameters if not info.required}
    return {
        "component": name,
        "kind": "schedule",
        "args": {**defaults, "start": start, "stop": stop},
    }


def pieces(*parts: tuple[Value, Value]) -> Value:
    return {"schedule": "pieces", "pieces": [{"value": v, "for": d} for v, d in parts]}


SCHEDULES: list[Value] = [
    *(curve(name, 1.0, 0.1) for name in EVERY),
    pieces((curve("linear", 0.0, 1.0), {"duration": 0.1, "unit": "share"}), (1.0, None)),
    pieces((0.5, {"duration": 250, "unit": "steps"}), (curve("cosine", 0.5, 0.0), None)),
    {"schedule": "product", "of": [0.5, curve("linear", 0.0, 1.0)]},
    {"schedule": "sum", "of": [0.5, curve("exponential", 1.0, 0.01)]},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=range(len(SCHEDULES)))
def test_a_drawn_schedule_is_the_one_that_is_followed(schedule: Value) -> None:
    followed = lower(schedule, total_steps=STEPS)
    for step in (0, 1, 99, 101, 249, 251, 500, 999):
        assert value_at(schedule, step / STEPS, WHOLE, FACTS) == pytest.approx(
            float(followed(step)), abs=1e-5
        )


def test_knots_are_where_one_piece_gives_way_to_the_next() -> None:
    three = pieces(
        (0.0, {"duration": 100, "unit": "steps"}),
        (1.0, {"duration": 0.25, "unit": "share"}),
        (2.0, None),
    )
    assert knots(three, WHOLE) == [0.1, 0.35]
    assert [value_at(three, at, WHOLE, FACTS) for at in (0.05, 0.2, 0.9)] == [0.0, 1.0, 2.0]


def test_a_constant_is_flat() -> None:
    assert set(drawn(values_of(pieces((0.5, None)), WHOLE, FACTS))) == {"▁"}


def test_a_line_rises_from_the_first_bar_to_the_last() -> None:
    assert drawn(values_of(curve("linear", 0.0, 1.0), WHOLE, FACTS)) == "▁▁▂▂▃▃▄▄▅▅▆▆▇▇██"


def test_a_curve_that_nobody_tells_is_not_drawn() -> None:
    own: Value = {"component": "mine", "kind": "schedule", "args": {"start": 1.0, "stop": 0.0}}
    with pytest.raises(UnknownError):
        values_of(pieces((0.5, {"duration": 0.5, "unit": "share"}), (own, None)), WHOLE, FACTS)


def test_weights_of_losses_are_schedules_and_their_sum_is_none() -> None:
    later = {
        "schedule": "pieces",
        "pieces": [
            {"value": 0.0, "for": {"duration": 0.5, "unit": "share"}},
            {"value": 1.0, "for": None},
        ],
    }
    task = {"component": "task", "kind": "loss", "args": {}}
    loss = {"schedule": "sum", "of": [task, {"schedule": "product", "of": [later, task]}]}
    assert list(schedules_in({"loss": loss})) == [("loss", later)]
