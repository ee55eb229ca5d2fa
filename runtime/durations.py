"""Durations to whole steps: an epoch is as many steps as whole batches fit into the examples."""

from lab.runtime.errors import UnsuitableSetting
from lab.spec.units import Duration


def whole_steps(
    duration: Duration,
    *,
    steps_per_epoch: float = 1,
    total_steps: int | None = None,
    batch: int | None = None,
) -> int:
    """How many steps a duration is, rounded to the nearest.

    Args:
        duration: in steps, epochs, samples or a share of the enclosing stage.
        steps_per_epoch: for epochs. `total_steps`: of the enclosing stage, for a share.
        batch: examples in a step, for samples.

    Raises `UnsuitableSetting` where the duration cannot be counted in steps.

    Example:
        >>> whole_steps(Duration(1.5, "epochs"), steps_per_epoch=10)
        15
    """
    in_steps = {
        "steps": 1,
        "epochs": steps_per_epoch,
        "samples": None if batch is None else 1 / batch,
        "share": total_steps,
        "seconds": None,
    }[duration.unit]
    if in_steps is None:
        raise UnsuitableSetting(
            f"a duration in {duration.unit} cannot be counted in steps here; give steps or epochs"
        )
    return int(duration.amount * in_steps + 0.5)
