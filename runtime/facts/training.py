"""What optimizers keep, what selectors skip, and what losses add."""

import math
from collections.abc import Mapping
from typing import cast

from lab.compiler.facts import Asking, Effort
from lab.runtime.facts.values import number
from lab.spec.values import Value


def two_moments(arguments: Mapping[str, Value], asking: Asking) -> int:
    """Two numbers for each that is moved."""
    del arguments, asking
    return 2


def one_moment(arguments: Mapping[str, Value], asking: Asking) -> int:
    """One number for each that is moved."""
    del arguments, asking
    return 1


def groups(arguments: Mapping[str, Value], asking: Asking) -> int:
    """As many as the one that keeps most: which numbers are whose is not counted."""
    each = cast(Mapping[str, Value], arguments["groups"]).values()
    return max((cast(int, asking.of(one)) for one in each), default=0)


def everything(arguments: Mapping[str, Value], asking: Asking) -> Effort:
    """The whole batch, chosen without looking."""
    del arguments, asking
    return Effort(forward=0.0, backward=1.0)


def a_share(arguments: Mapping[str, Value], asking: Asking) -> Effort:
    """A share of the batch, chosen without looking."""
    del asking
    return Effort(forward=0.0, backward=number(arguments, "rate"))


def scored_first(arguments: Mapping[str, Value], asking: Asking) -> Effort:
    """All of the batch forward, a share of it on."""
    del asking
    return Effort(forward=1.0, backward=number(arguments, "target"))


def nothing_more(arguments: Mapping[str, Value], asking: Asking) -> int:
    """A loss of logits and labels alone."""
    del arguments, asking
    return 0


def a_teacher(arguments: Mapping[str, Value], asking: Asking) -> int:
    """A pass forward of each network that teaches."""
    del arguments
    roles = [role for role in asking.inputs if role != "before"]
    return sum(asking.made(role).network.macs for role in roles)


def loss_macs(value: Value, asking: Asking) -> int:
    """What losses and their sums add to an example's pass forward; weights cost nothing."""
    if isinstance(value, dict) and value.get("kind") == "loss":
        return cast(int, asking.of(value))
    if isinstance(value, dict) and "of" in value:
        return sum(loss_macs(part, asking) for part in cast(list[Value], value["of"]))
    return 0


def chosen(effort: Effort, batch: int) -> int:
    """Examples of a batch that are run forward and back."""
    return max(1, math.ceil(effort.backward * batch))
