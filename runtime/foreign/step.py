"""One operator while the atoms of a graph are traced: what it is given, and how values meet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lab.runtime.foreign.graph import Argument, Node
from lab.runtime.foreign.units import Block, Couplings, Value

#: What a name stands for: an array's value, a number, or several of them.
Traced = Any
Rule = Callable[["Step"], Traced]


@dataclass(frozen=True)
class Exit:
    """Where channels end: a parameter is multiplied with them and summed over.

    `outputs` and `inputs` are axes of the parameter; `bias` is what the node adds, a parameter.
    """

    node: str
    weight: str
    outputs: int
    inputs: int
    bias: str | None


@dataclass(frozen=True)
class Step:
    """A node, the values that are there, and where couplings are noted."""

    node: Node
    known: Mapping[str, Traced]
    result: Any
    couplings: Couplings
    exits: list[Exit] = field(default_factory=list)

    @property
    def operator(self) -> str:
        """The operator's name without the library and the overload: `conv2d`."""
        return base_name(self.node.operator)

    def argument(self, place: int, name: str = "", default: Argument = None) -> Traced:
        """An argument by place or by keyword, names replaced by what they stand for."""
        if place < len(self.node.args):
            return self.resolved(self.node.args[place])
        return self.resolved(self.node.kwargs.get(name, default))

    def resolved(self, argument: Argument) -> Traced:
        """An argument with names replaced by what they stand for."""
        if isinstance(argument, Mapping):
            return self.known[argument["ref"]] if "ref" in argument else None
        if isinstance(argument, list | tuple):
            return [self.resolved(one) for one in argument]
        return argument

    def values(self) -> list[Value]:
        """All arrays among the arguments."""
        arguments = [*self.node.args, *self.node.kwargs.values()]
        return _arrays([self.resolved(one) for one in arguments])

    def because(self, why: str) -> str:
        """A reason with the operator and the module named."""
        module = f" in {self.node.module}" if self.node.module else ""
        return f"{why} ({self.node.operator}{module})"

    def fix(self, block: Block | None, why: str) -> None:
        """Never remove what a block has."""
        if block is not None:
            self.couplings.fix(block.atoms, self.because(why))

    def fix_all(self, why: str) -> None:
        """Never remove anything that this operator is given."""
        for value in self.values():
            for block in value.blocks:
                self.fix(block, why)

    def collapse(
        self, value: Value, axes: Sequence[int], why: str, *, stays: bool = False
    ) -> tuple[Block, ...]:
        """The value's blocks without some axes, along which entries are mixed.

        Where such an axis `stays` in the result, channels along it alone stay too, fixed.
        """
        blocks = value.blocks
        for axis in axes:
            block = next((one for one in blocks if axis in one.axes), None)
            if block is not None:
                rest = tuple(one for one in blocks if one is not block)
                less = self.couplings.collapsed(block, axis, self.because(why))
                less = block if less is None and stays else less
                blocks = rest if less is None else (*rest, less)
        return blocks


def base_name(operator: str) -> str:
    """`aten.conv2d.default` is `conv2d`."""
    return operator.removeprefix("aten.").split(".")[0]


def references(node: Node) -> list[str]:
    """The names that a node's arguments refer to, each as often as it does."""
    return _references([*node.args, *node.kwargs.values()])


def _references(argument: Argument) -> list[str]:
    if isinstance(argument, Mapping):
        return [argument["ref"]] if "ref" in argument else []
    if isinstance(argument, list | tuple):
        return [ref for one in argument for ref in _references(one)]
    return []


def _arrays(argument: Any) -> list[Value]:
    if isinstance(argument, Value):
        return [argument]
    if isinstance(argument, list | tuple):
        return [value for one in argument for value in _arrays(one)]
    return []


def met(step: Step, values: Sequence[Value], shape: tuple[int, ...]) -> tuple[Block, ...]:
    """The blocks where values meet entry by entry, broadcast to a shape."""
    if not values:
        return ()
    first, *rest = [_aligned(value, len(shape)) for value in values]
    for other in rest:
        first = _met(step, first, other)
    return first.blocks


def _aligned(value: Value, rank: int) -> Value:
    ahead = rank - len(value.shape)
    blocks = tuple(Block(tuple(a + ahead for a in b.axes), b.atoms) for b in value.blocks)
    return Value((1,) * ahead + value.shape, blocks)


def _met(step: Step, first: Value, second: Value) -> Value:
    shape = tuple(map(max, first.shape, second.shape))
    for one, other in ((first, second), (second, first)):
        for block in one.blocks:
            if any(other.shape[a] > 1 and other.along(a) is None for a in block.axes):
                step.fix(block, "meets a value whose entries are no channels")
    blocks = first.blocks
    for block in second.blocks:
        blocks = _with(step, blocks, block)
    return Value(shape, blocks)


def _with(step: Step, blocks: tuple[Block, ...], new: Block) -> tuple[Block, ...]:
    """The blocks and one more, coupled with those it shares an axis with."""
    apart = []
    for block in blocks:
        if set(block.axes).isdisjoint(new.axes):
            apart.append(block)
        else:
            new = _joined(step, block, new)
    return (*apart, new)


def _joined(step: Step, first: Block, second: Block) -> Block:
    axes = tuple(sorted({*first.axes, *second.axes}))
    one, other = np.broadcast_arrays(spread(first, axes), spread(second, axes))
    step.couplings.join(one, other)
    return Block(axes, one)


def spread(block: Block, axes: tuple[int, ...]) -> np.ndarray:
    """The atoms with an axis of length one for each of `axes` that the block has not."""
    sizes = dict(zip(block.axes, block.atoms.shape, strict=True))
    return block.atoms.reshape([sizes.get(axis, 1) for axis in axes])


def simplified(block: Block) -> Block | None:
    """The block without axes of length one and those along which its atoms do not change."""
    for place, size in enumerate(block.atoms.shape):
        if size == 1 and len(block.axes) == 1:
            return None
        if len(block.axes) > 1 and np.all(block.atoms == block.atoms.take([0], place)):
            rest = (*block.axes[:place], *block.axes[place + 1 :])
            return simplified(Block(rest, block.atoms.take(0, axis=place)))
    return block
