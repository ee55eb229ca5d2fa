"""What of a network can be removed as one: atoms, coupled into units.

An *atom* is one index along one axis of a parameter, buffer or constant. Every value that a graph
computes carries atoms along those of its axes whose entries come from them. Where two values meet
entry by entry, their atoms are coupled: one is removed only with the other. A *unit* is a class of
coupled atoms.

Always holds, by construction: a value carries atoms along an axis only if removing a unit removes
whole slabs of that axis, so that what is left is an array again. What is not understood is fixed:
its unit is never removed, and the reason names the operator and the module.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Atoms = np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """Atoms along some axes of a value, jointly: `atoms[i, j]` belongs to entry `i, j` of `axes`.

    A block of several axes is what becomes of an axis that is split, as 3 × heads × size is. Axes
    ascend and each is longer than one.
    """

    axes: tuple[int, ...]
    atoms: Atoms


@dataclass(frozen=True)
class Source:
    """The parameter that a value is a rearrangement of; `axes[i]` is the parameter's axis there."""

    name: str
    axes: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Value:
    """An array in a graph: its shape for a batch of one, and its atoms. Blocks share no axis."""

    shape: tuple[int, ...]
    blocks: tuple[Block, ...] = ()
    source: Source | None = None

    def along(self, axis: int) -> Block | None:
        """The block that has this axis."""
        axis %= max(len(self.shape), 1)
        return next((block for block in self.blocks if axis in block.axes), None)

    def besides(self, *blocks: Block | None) -> tuple[Block, ...]:
        """The other blocks."""
        return tuple(one for one in self.blocks if all(one is not other for other in blocks))


def moved(block: Block, axes: Iterable[int]) -> Block:
    """The block where its axes, in order, have become others."""
    places = tuple(axes)
    order = tuple(np.argsort(places))
    return Block(tuple(places[i] for i in order), block.atoms.transpose(order))


@dataclass
class Couplings:
    """What is known of the atoms so far. `settled` makes units of it."""

    count: int = 0
    _pairs: list[tuple[Atoms, Atoms]] = field(default_factory=list)
    _fixed: list[tuple[Atoms, str]] = field(default_factory=list)
    _joint: list[Atoms] = field(default_factory=list)

    def minted(self, count: int) -> Atoms:
        """New atoms."""
        self.count += count
        return np.arange(self.count - count, self.count)

    def join(self, first: Atoms, second: Atoms) -> None:
        """Couple atoms entry by entry, the arrays broadcast against each other."""
        one, other = np.broadcast_arrays(first, second)
        self._pairs.append((one.ravel(), other.ravel()))

    def fix(self, atoms: Atoms, why: str) -> None:
        """Never remove these. Of several reasons the first is told."""
        self._fixed.append((np.unique(atoms), why))

    def keep_rectangular(self, atoms: Atoms) -> None:
        """Remove only whole slabs of this array, along one of its axes."""
        self._joint.append(atoms)

    def collapsed(self, block: Block, axis: int, why: str) -> Block | None:
        """The block without an axis along which it is not separable: its slabs there are one.

        A block of this axis alone is fixed.
        """
        if len(block.axes) == 1:
            self.fix(block.atoms, why)
            return None
        place = block.axes.index(axis)
        self.join(block.atoms.take([0], place), block.atoms)
        return Block(
            (*block.axes[:place], *block.axes[place + 1 :]), block.atoms.take(0, axis=place)
        )

    def settled(self) -> tuple[np.ndarray, dict[int, str]]:
        """The unit of every atom, and why units are fixed."""
        while True:
            units = self._components()
            crooked = [atoms for atoms in self._joint if not _in_slabs(units[atoms])]
            if not crooked:
                break
            for atoms in crooked:
                self._straighten(atoms, units)
        reasons: dict[int, str] = {}
        for atoms, why in self._fixed:
            for unit in np.unique(units[atoms]).tolist():
                reasons.setdefault(unit, why)
        return units, reasons

    def _components(self) -> np.ndarray:
        if not self._pairs:
            return np.arange(self.count)
        first = np.concatenate([pair[0] for pair in self._pairs])
        second = np.concatenate([pair[1] for pair in self._pairs])
        self._pairs = [(first, second)]
        links = coo_matrix((np.ones(len(first), bool), (first, second)), (self.count, self.count))
        return connected_components(links, directed=False)[1]

    def _straighten(self, atoms: Atoms, units: np.ndarray) -> None:
        """Couple along all axes but the one that leaves most units."""
        best = max(range(atoms.ndim), key=lambda axis: _classes_along(units[atoms], axis))
        first = atoms
        for axis in range(atoms.ndim):
            first = first if axis == best else first.take([0], axis)
        self.join(first, atoms)


def _in_slabs(units: np.ndarray) -> bool:
    """Whether the unit depends on the place along one axis alone."""
    return any(_is_constant_but_along(units, axis) for axis in range(units.ndim))


def _is_constant_but_along(units: np.ndarray, axis: int) -> bool:
    lines = np.moveaxis(units, axis, 0).reshape(units.shape[axis], -1)
    return bool(np.all(lines == lines[:, :1]))


def _classes_along(units: np.ndarray, axis: int) -> int:
    """How many units there are once each slab along an axis is one."""
    lines = np.moveaxis(units, axis, 0).reshape(units.shape[axis], -1)
    places = np.broadcast_to(np.arange(len(lines))[:, None], lines.shape)
    size = int(units.max()) + 1 + len(lines)
    links = coo_matrix(
        (np.ones(lines.size, bool), (places.ravel(), lines.ravel() + len(lines))), (size, size)
    )
    parts = connected_components(links, directed=False)[1]
    return len(np.unique(parts[: len(lines)]))
