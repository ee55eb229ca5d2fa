"""Arithmetic of what other studies left in a store, from the index alone."""

from collections.abc import Iterator
from itertools import islice

from lab.compiler.cost import Unknown
from lab.compiler.facts import Asking, Cost, Made, UnknownError
from lab.compiler.stored import Described, Stored

#: Stored stages that are looked through for one component, and of it for one ratio.
_LOOKED_AT, _ENOUGH = 3_000, 5


class Elsewhere:
    """Costs of stored stages, each worked out with what it was made from."""

    def __init__(self, stored: Stored, asking: Asking) -> None:
        self._stored = stored
        self._asking = asking
        self._known: dict[str, Cost | Unknown] = {}

    def of(self, component: str) -> Iterator[tuple[Described, Cost]]:
        """Some stored stages of a component, and what they cost by arithmetic."""
        ours = (one for one in self._some() if one.component == component)
        for one in islice(ours, _ENOUGH):
            cost = self._cost(one.key)
            if isinstance(cost, Cost):
                yield one, cost

    def _some(self) -> Iterator[Described]:
        return islice(self._stored.values(), _LOOKED_AT)

    def _cost(self, key: str) -> Cost | Unknown:
        if key not in self._known:
            self._known[key] = self._worked_out(key)
        return self._known[key]

    def _worked_out(self, key: str) -> Cost | Unknown:
        one = self._stored.get(key)
        if one is None:
            return Unknown(key)
        inputs = {role: self._made(used) for role, used in one.inputs.items()}
        try:
            return self._asking.having(inputs).about(one.role, one.component, one.arguments)
        except UnknownError as unknown:
            return Unknown(unknown.name)

    def _made(self, key: str) -> Made | None:
        cost = self._cost(key)
        return cost.made if isinstance(cost, Cost) else None
