"""How operators that move entries, and compute none, move atoms: views, slices, concatenations."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lab.runtime.foreign.step import Rule, Step, met, simplified, spread
from lab.runtime.foreign.units import Block, Source, Value, moved


def same(step: Step) -> Value:
    """A copy: the same entries in the same places."""
    value: Value = step.argument(0)
    return Value(step.result, value.blocks, value.source)


def dropped_out(step: Step) -> list[Value]:
    """A copy with units dropped, and which were not."""
    value: Value = step.argument(0)
    return [Value(value.shape, value.blocks), Value(value.shape, value.blocks)]


def permuted(step: Step) -> Value:
    """Axes in another order."""
    value: Value = step.argument(0)
    order = [axis % len(value.shape) for axis in step.argument(1, "dims")]
    return in_order(value, order)


def transposed(step: Step) -> Value:
    """Two axes exchanged; of a matrix, both."""
    value: Value = step.argument(0)
    order = list(range(len(value.shape)))
    one = step.argument(1, "dim0", -2) % max(len(order), 1)
    other = step.argument(2, "dim1", -1) % max(len(order), 1)
    if len(order) > 1:
        order[one], order[other] = order[other], order[one]
    return in_order(value, order)


def in_order(value: Value, order: Sequence[int]) -> Value:
    """The value with its axes in an order."""
    blocks = tuple(moved(block, [order.index(a) for a in block.axes]) for block in value.blocks)
    source = value.source and Source(value.source.name, tuple(value.source.axes[a] for a in order))
    return Value(tuple(value.shape[a] for a in order), blocks, source)


def viewed(step: Step) -> Value:
    """The same entries in row-major order, in another shape."""
    value: Value = step.argument(0)
    if math.prod(value.shape) == 0:
        step.fix_all("has no entries")
        return Value(step.result)
    segments = list(_segments(value.shape, step.result))
    blocks, left = [], list(value.blocks)
    while left:
        block = left.pop()
        touched = [s for s in segments if not set(s[0]).isdisjoint(block.axes)]
        olds = {axis for old, _ in touched for axis in old}
        rivals = [other for other in left if not olds.isdisjoint(other.axes)]
        if rivals:
            for one in (block, *rivals):
                step.fix(one, "two kinds of channels share an axis")
            left = [one for one in left if all(one is not other for other in rivals)]
            continue
        blocks.append(_viewed(value, block, touched, step.result))
    return Value(step.result, tuple(b for b in blocks if b is not None))


def _viewed(value: Value, block: Block, touched: Sequence[Any], shape: tuple[int, ...]) -> Any:
    olds = tuple(sorted({*block.axes, *(axis for old, _ in touched for axis in old)}))
    news = tuple(axis for _, new in touched for axis in new)
    atoms = np.broadcast_to(spread(block, olds), [value.shape[axis] for axis in olds])
    return simplified(Block(news, atoms.reshape([shape[axis] for axis in news])))


def _segments(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Runs of axes, longer than one, that hold the same entries before and after."""
    olds = [axis for axis, size in enumerate(old) if size > 1]
    news = [axis for axis, size in enumerate(new) if size > 1]
    while olds or news:
        before, after = [olds.pop(0)], [news.pop(0)]
        left, right = old[before[0]], new[after[0]]
        while left != right:
            if left < right:
                before.append(olds.pop(0))
                left *= old[before[-1]]
            else:
                after.append(news.pop(0))
                right *= new[after[-1]]
        yield before, after


def expanded(step: Step) -> Value:
    """Axes of length one repeated; others as they are."""
    value: Value = step.argument(0)
    ahead = len(step.result) - len(value.shape)
    blocks = tuple(Block(tuple(a + ahead for a in b.axes), b.atoms) for b in value.blocks)
    return Value(step.result, blocks)


def sliced(step: Step) -> Value:
    """A range along one axis."""
    value: Value = step.argument(0)
    axis = step.argument(1, "dim", 0) % len(value.shape)
    size = value.shape[axis]
    start = step.argument(2, "start") or 0
    end = step.argument(3, "end")
    every = step.argument(4, "step", 1)
    chosen = range(size)[slice(start, size if end is None else end, every)]
    if every != 1 and value.along(axis) is not None:
        blocks = step.collapse(value, [axis], "takes every second channel or fewer")
        return Value(step.result, blocks)
    return taken(step, value, axis, chosen)


def taken(step: Step, value: Value, axis: int, chosen: range) -> Value:
    """The entries at some places along an axis."""
    block = value.along(axis)
    shape = (*value.shape[:axis], len(chosen), *value.shape[axis + 1 :])
    if block is None or len(chosen) == value.shape[axis]:
        return Value(shape, value.blocks, value.source if shape == value.shape else None)
    less = Block(block.axes, block.atoms.take(list(chosen), block.axes.index(axis)))
    kept = simplified(less) if less.atoms.size else None
    if kept is None:
        step.fix(less, "one channel is picked out")
    return Value(shape, (*value.besides(block), *([kept] if kept else [])))


def selected(step: Step) -> Value:
    """One place along an axis, which goes."""
    axis = step.argument(1, "dim", 0)
    return _selected(step, step.argument(0), axis, step.argument(2, "index"))


def _selected(step: Step, value: Value, axis: int, place: int) -> Value:
    axis %= len(value.shape)
    block = value.along(axis)
    if block is not None and len(block.axes) == 1:
        step.fix(block, "one channel is picked out")
        value = Value(value.shape, value.besides(block))
    elif block is not None:
        where = block.axes.index(axis)
        rest = (*block.axes[:where], *block.axes[where + 1 :])
        less = Block(rest, block.atoms.take(place, axis=where))
        value = Value(value.shape, (*value.besides(block), less))
    return dropped(value, [axis])


def unbound(step: Step) -> list[Value]:
    """All places along an axis, apart."""
    value: Value = step.argument(0)
    axis = step.argument(1, "dim", 0) % len(value.shape)
    blocks = step.collapse(value, [axis], "is taken apart")
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    kept = tuple(moved(b, [a - (a > axis) for a in b.axes]) for b in blocks)
    return [Value(shape, kept) for _ in range(value.shape[axis])]


def dropped(value: Value, axes: Sequence[int]) -> Value:
    """The value without axes that have no atoms."""
    gone = {axis % len(value.shape) for axis in axes}
    kept = [axis for axis in range(len(value.shape)) if axis not in gone]
    return _renamed(value, {axis: place for place, axis in enumerate(kept)})


def _renamed(value: Value, places: dict[int, int]) -> Value:
    blocks = tuple(moved(b, [places[a] for a in b.axes]) for b in value.blocks)
    shape = tuple(value.shape[axis] for axis in places)
    source = value.source and Source(
        value.source.name, tuple(value.source.axes[axis] for axis in places)
    )
    return Value(shape, blocks, source)


def squeezed(step: Step) -> Value:
    """Axes of length one gone."""
    value: Value = step.argument(0)
    axes = step.argument(1, "dim")
    if axes is None:
        axes = range(len(value.shape))
    axes = [axes] if isinstance(axes, int) else axes
    return dropped(value, [axis for axis in axes if value.shape[axis] == 1])


def unsqueezed(step: Step) -> Value:
    """A new axis of length one."""
    value: Value = step.argument(0)
    new = step.argument(1, "dim") % len(step.result)
    blocks = tuple(moved(b, [a + (a >= new) for a in b.axes]) for b in value.blocks)
    old = value.source
    source = old and Source(old.name, (*old.axes[:new], None, *old.axes[new:]))
    return Value(step.result, blocks, source)


def split(step: Step) -> list[Value]:
    """Pieces along an axis: of one size, or of given sizes."""
    value: Value = step.argument(0)
    axis = step.argument(2, "dim", 0) % len(value.shape)
    named = "split_sizes" if step.operator == "split_with_sizes" else "split_size"
    size = step.argument(1, named)
    total = value.shape[axis]
    sizes = size if isinstance(size, list) else [size] * -(-total // size)
    return _pieces(step, value, axis, sizes)


def chunked(step: Step) -> list[Value]:
    """So many pieces along an axis."""
    value: Value = step.argument(0)
    axis = step.argument(2, "dim", 0) % len(value.shape)
    total = value.shape[axis]
    size = -(-total // step.argument(1, "chunks"))
    return _pieces(step, value, axis, [size] * -(-total // size))


def _pieces(step: Step, value: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    starts = np.cumsum([0, *sizes]).tolist()
    total = value.shape[axis]
    return [
        taken(step, value, axis, range(start, min(start + size, total)))
        for start, size in zip(starts, sizes, strict=False)
    ]


def concatenated(step: Step) -> Value:
    """Values one after another along an axis."""
    values = [value for value in step.argument(0) if value.shape != (0,)]
    axis = step.argument(1, "dim", 0) % len(step.result)
    if any((block := value.along(axis)) and len(block.axes) > 1 for value in values):
        why = "is concatenated after it was split"
        values = [Value(v.shape, step.collapse(v, [axis], why)) for v in values]
    along = [value.along(axis) for value in values]
    rest = [
        Value((*v.shape[:axis], 1, *v.shape[axis + 1 :]), v.besides(block))
        for v, block in zip(values, along, strict=True)
    ]
    blocks = met(step, rest, (*step.result[:axis], 1, *step.result[axis + 1 :]))
    if all(block is None for block in along):
        return Value(step.result, blocks)
    atoms = [_or_fixed(step, v.shape[axis], b) for v, b in zip(values, along, strict=True)]
    return Value(step.result, (*blocks, Block((axis,), np.concatenate(atoms))))


def _or_fixed(step: Step, size: int, block: Block | None) -> np.ndarray:
    if block is not None:
        return block.atoms
    atoms = step.couplings.minted(size)
    step.couplings.fix(atoms, step.because("entries that are no channels"))
    return atoms


def padded(step: Step) -> Value:
    """Entries added around, zeros where they are channels: those stand for themselves."""
    value: Value = step.argument(0)
    widths = step.argument(1, "pad")
    if step.operator == "pad":
        mode, number = step.argument(2, "mode", "constant"), step.argument(3, "value")
    else:
        mode, number = "constant", step.argument(2, "value", 0)
    blocks = []
    for block in value.blocks:
        around = {axis: _around(widths, len(value.shape) - 1 - axis) for axis in block.axes}
        new = _padded(step, block, around, zeros=mode == "constant" and not number)
        blocks += [] if new is None else [new]
    return Value(step.result, tuple(blocks))


def _around(widths: Sequence[int], from_last: int) -> tuple[int, int]:
    pairs = list(zip(widths[::2], widths[1::2], strict=True))
    return pairs[from_last] if from_last < len(pairs) else (0, 0)


def _padded(step: Step, block: Block, around: dict[int, tuple[int, int]], *, zeros: bool) -> Any:
    if not any(any(pair) for pair in around.values()):
        return block
    (before, after), *others = around.values()
    if others or min(before, after) < 0 or not zeros:
        step.fix(block, "is padded by something else than zero channels")
        return None
    mint = step.couplings.minted
    return Block(block.axes, np.concatenate([mint(before), block.atoms, mint(after)]))


def stacked(step: Step) -> Value:
    """Values beside one another along a new axis, which is none of channels."""
    axis = step.argument(1, "dim", 0) % len(step.result)
    shape = (*step.result[:axis], 1, *step.result[axis + 1 :])
    apart = [
        Value(shape, tuple(moved(b, [a + (a >= axis) for a in b.axes]) for b in value.blocks))
        for value in step.argument(0)
    ]
    return Value(step.result, met(step, apart, shape))


def flipped(step: Step) -> Value:
    """Entries in an order that is not theirs: axes that are turned are not separable."""
    value: Value = step.argument(0)
    axes = [axis % len(value.shape) for axis in step.argument(1, "dims")]
    return Value(step.result, step.collapse(value, axes, "is turned around", stays=True))


def rolled(step: Step) -> Value:
    """Entries moved around an axis."""
    value: Value = step.argument(0)
    axes = [axis % len(value.shape) for axis in step.argument(2, "dims", [])]
    axes = axes or list(range(len(value.shape)))
    return Value(step.result, step.collapse(value, axes, "is moved around", stays=True))


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("clone", "contiguous", "alias", "detach", "lift_fresh", "lift_fresh_copy", "dropout",
         "_to_copy", "to", "type_as", "detach_", "feature_dropout", "alpha_dropout"),
        same,
    ),
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "flatten", "unflatten"), viewed),
    "native_dropout": dropped_out,
    "permute": permuted,
    "transpose": transposed,
    "t": transposed,
    "expand": expanded,
    "slice": sliced,
    "select": selected,
    "unbind": unbound,
    "squeeze": squeezed,
    "unsqueeze": unsqueezed,
    "split": split,
    "split_with_sizes": split,
    "chunk": chunked,
    "cat": concatenated,
    "pad": padded,
    "constant_pad_nd": padded,
    "stack": stacked,
    "expand_as": expanded,
    "flip": flipped,
    "roll": rolled,
}  # fmt: skip
