"""Schedules: numbers that depend on how far a stage has come.

A study writes them as values with one algebra (`lab.spec.values`): a number, a curve, pieces one
after another, sums and products. `lower` turns such a value into a traceable function of the step;
the numbers in it may be traced, durations are whole steps.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lab.runtime import registry
from lab.runtime.durations import whole_steps
from lab.spec.units import Duration

Step = Array | int
Scheduled = Callable[[Step], Float[Array, ""]]


class Schedule(ABC):
    """A curve from its start to its stop. Final classes are components, one file each."""

    @abstractmethod
    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value after a share of the curve's own length, 0 … 1. Traceable."""


@dataclass(frozen=True)
class _Span:
    """Steps `start` to `stop` of a stage with so many steps in all."""

    start: int
    stop: int
    total_steps: int
    steps_per_epoch: float

    def part(self, start: int, stop: int) -> "_Span":
        return _Span(start, stop, self.total_steps, self.steps_per_epoch)


def lower(value: Any, *, total_steps: int, steps_per_epoch: float = 1) -> Scheduled:
    """The function of the step, counted from 0, that a schedule's value stands for.

    Args:
        value: a number (traced or not), a `Schedule`, or a resolved value of either.
        total_steps: of the stage, for shares and for the last piece.
        steps_per_epoch: for durations in epochs.

    Example:
        >>> rate = lower({"schedule": "product", "of": [0.5, 3]}, total_steps=10)
        >>> float(rate(0))
        1.5
    """
    return _lower(value, _Span(0, total_steps, total_steps, steps_per_epoch))


def _lower(value: Any, span: _Span) -> Scheduled:
    if isinstance(value, Mapping) and "schedule" in value:
        return _FORMS[value["schedule"]](value, span)
    if isinstance(value, Mapping):
        value = registry.instantiate(value)
    if isinstance(value, Schedule):
        return _curve(value, span)
    if isinstance(value, int | float):
        number = np.float32(value)  # On the host, where the rate of every curve is asked for.
        return lambda _: number
    return lambda _: jnp.asarray(value, jnp.float32)


def _curve(schedule: Schedule, span: _Span) -> Scheduled:
    length = max(span.stop - span.start, 1)

    def at(step: Step) -> Array:
        progress = jnp.clip((jnp.asarray(step, jnp.float32) - span.start) / length, 0, 1)
        return jnp.asarray(schedule.at(progress), jnp.float32)

    return at


def _pieces(value: Mapping[str, Any], span: _Span) -> Scheduled:
    lowered: list[tuple[int, Scheduled]] = []
    start = span.start
    for piece in value["pieces"]:
        stop = span.stop if piece["for"] is None else start + _steps(piece["for"], span)
        lowered.append((start, _lower(piece["value"], span.part(start, stop))))
        start = stop

    def at(step: Step) -> Array:
        now = lowered[0][1](step)
        for begin, function in lowered[1:]:
            now = jnp.where(jnp.asarray(step) >= begin, function(step), now)
        return now

    return at


def _steps(duration: Mapping[str, Any], span: _Span) -> int:
    return whole_steps(
        Duration(duration["duration"], duration["unit"]),
        steps_per_epoch=span.steps_per_epoch,
        total_steps=span.total_steps,
    )


def _sum(value: Mapping[str, Any], span: _Span) -> Scheduled:
    parts = [_lower(part, span) for part in value["of"]]
    return lambda step: jnp.sum(jnp.stack([part(step) for part in parts]))


def _product(value: Mapping[str, Any], span: _Span) -> Scheduled:
    parts = [_lower(part, span) for part in value["of"]]
    return lambda step: jnp.prod(jnp.stack([part(step) for part in parts]))


_FORMS = {"pieces": _pieces, "sum": _sum, "product": _product}
