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
cifar100 = cifar10
mnist = _source(60_000, 10_000, 28 * 28)
fashion_mnist = mnist


def imagenette(arguments: Mapping[str, Value], asking: Asking) -> Source:
    """Squares of the size that is asked for."""
    side = integer(arguments, "size")
    return _source(9_469, 3_925, side * side * 3)(arguments, asking)


#: Training and test examples of the tasks of GLUE (`lab.runtime.text.glue` says which they are).
GLUE = {
    "cola": (8_551, 1_043),
    "sst2": (67_349, 872),
    "mrpc": (4_076, 1_725),
    "qqp": (363_846, 40_430),
    "stsb": (5_749, 1_500),
    "mnli": (392_702, 9_815),
    "mnli_mm": (392_702, 9_832),
    "qnli": (104_743, 5_463),
    "rte": (2_490, 277),
    "wnli": (635, 71),
}


def glue(arguments: Mapping[str, Value], asking: Asking) -> Source:
    """Three planes of tokens."""
    train, test = GLUE[str(arguments["task"])]
    return _source(train, test, 3 * 4 * integer(arguments, "length"))(arguments, asking)
