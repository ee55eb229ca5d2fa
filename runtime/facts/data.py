"""How many examples data sources have, and how large one is in memory."""

from collections.abc import Callable, Mapping

from lab.compiler.facts import Asking, Source
from lab.runtime.facts.values import integer
from lab.spec.values import Value

_LABEL_BYTES = 4


def _source(train: int, test: int, example_bytes: int) -> Callable[..., Source]:
    def facts(arguments: Mapping[str, Value], asking: Asking) -> Source:
        del asking
        aside = integer(arguments, "validation")
        return Source(train - aside, aside, test, example_bytes + _LABEL_BYTES)

    return facts


cifar10 = _source(50_000, 10_000, 32 * 32 * 3)
cifar10_sample = _source(1_000, 2_000, 32 * 32 * 3)
digits = _source(1_297, 500, 4 * 8 * 8)
