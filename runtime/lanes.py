"""Lanes of one program taking their steps together, where the device gains by it.

    (states, seen) = vmap(function)(states, supplies, legs)

States, supplies and legs of the lanes are stacked along a new first axis; arrays that all lanes
read are not. A lane that is over keeps its place and does not move. Each lane is a run that looks
at its own results between legs; it cannot tell that it is not alone. Which is faster, together or
one after another, is measured: a few steps of both, on copies.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lab.runtime.asking import Answer, Ask, Going, Held, Tree, go_on, whole
from lab.runtime.executables import Kept, kept

#: Lanes that take their steps together, at most.
MOST = 64
#: Arrays up to so many bytes are compared to see whether all lanes read the same.
_COMPARED_BYTES = 1 << 24
#: A measurement is of so many seconds at least, the best of so many turns.
_MEASURED_SECONDS, _TURNS = 0.02, 3
#: What could save less is not measured: beginning many lanes for it takes some tenths.
_LEAST_GAIN_SECONDS = 1.0
#: Together has to be faster by this much, for what it costs besides.
_WORTH = 1.1


@dataclass
class Lane:
    """One run: `start` begins it, `ended` is told what came of it, the value or the failure.

    `around` is entered while it works by itself. `seconds` adds up its share of the work.
    """

    key: str
    start: Callable[[], Going]
    ended: Callable[["Lane", Any, Exception | None], None]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    seconds: float = 0.0
    _going: Going | None = field(default=None, repr=False)

    def begin(self) -> Ask | None:
        """Its first ask; None where it is over already."""
        self._going = self.start()
        return self._go(partial(next, self._going))

    def answered(self, answer: Answer | Exception) -> Ask | None:
        """Its next ask; None where it is over."""
        going = self._begun
        if isinstance(answer, Exception):
            return self._go(lambda: going.throw(answer))
        return self._go(lambda: going.send(answer))

    def alone(self, ask: Ask) -> None:
        """Go on from an ask to the end, by the program of its own."""
        going = self._begun

        def rest() -> Any:
            raise StopIteration(go_on(going, lambda: ask))

        self._go(rest)

    def forget(self) -> None:
        """It will begin again another time."""
        if self._going is not None:
            self._going.close()
        self._going, self.seconds = None, 0.0

    @property
    def _begun(self) -> Going:
        if self._going is None:
            raise TypeError(f"lane {self.key} has not begun")
        return self._going

    def _go(self, move: Callable[[], Ask]) -> Ask | None:
        begun = time.perf_counter()
        value, failure = None, None
        try:
            with self.around():
                return move()
        except StopIteration as end:
            value = end.value
        except Exception as error:  # noqa: BLE001 - a lane's failure is its result: others go on
            failure = error
        finally:
            self.seconds += time.perf_counter() - begun
        self.ended(self, value, failure)
        return None


class Together:
    """The states of lanes in one: `width` places, of which some may have no lane.

    `shared` marks, array by array of state and supply, what all lanes read; found out where None.
    Raises what JAX raises where there is no memory; the lanes' states are then lost.
    """

    def __init__(self, width: int, shared: str | None = None) -> None:
        self.width = width
        self.shared = shared
        self._state: Tree = None
        self._supply: Tree = None
        self._legs: list[Tree] = []

    def gather(self, asks: Mapping[int, Ask]) -> None:
        """Stack what lanes have, by place; places without a lane get a copy of another's."""
        fill = asks[min(asks)]
        every = [asks.get(place, fill) for place in range(self.width)]
        supplies = [jax.tree.leaves(ask.supply) for ask in every]
        if self.shared is None:
            self.shared = "".join("01"[_is_one(parts)] for parts in zip(*supplies, strict=True))
        structure = jax.tree.structure(fill.supply)
        parts = zip(self.shared, zip(*supplies, strict=True), strict=True)
        self._supply = structure.unflatten(p[0] if one == "1" else _stack(p) for one, p in parts)
        self._state = _stacked([whole(ask.state) for ask in every])
        self._legs = [ask.leg(ask.first) for ask in every]

    def do(self, asks: Mapping[int, Ask]) -> dict[int, Answer]:
        """Take the steps that lanes ask for, by place."""
        if self._state is None:
            self.gather(asks)
        legs = list(self._legs)
        for place, ask in asks.items():
            # Where it stands afterwards: a lane that asks no more does not move.
            legs[place] = self._legs[place] = ask.leg(ask.last)
        ask = asks[min(asks)]
        self._state, seen = self._program(ask)(self._state, self._supply, _stacked(legs))
        seen = jax.tree.map(np.asarray, seen)
        return {
            place: Answer(_Slot(self, place), [jax.tree.map(lambda a, i=place: a[i], seen)])
            for place in asks
        }

    def seconds(self, asks: Mapping[int, Ask], steps: int) -> float:
        """What a call of so many steps takes. The lanes are as they were."""
        ask = asks[min(asks)]
        taken: list[float] = []
        for _ in range(_TURNS + 1):
            self.gather(asks)
            legs = _stacked([ask.leg(ask.first + steps)] * self.width)
            taken.append(_seconds(lambda legs=legs: self._program(ask)(*self._now, legs)))
        self._state = None
        return min(taken[1:])

    def at(self, place: int) -> Tree:
        """The state of one lane."""
        return _sliced(self._state, np.int32(place))

    @property
    def _now(self) -> tuple[Tree, Tree]:
        return self._state, self._supply

    def _program(self, ask: Ask) -> Callable[..., tuple[Tree, Tree]]:
        key = (ask.program, self.width, self.shared)
        if key not in _programs:
            structure = jax.tree.structure(ask.supply)
            axes = structure.unflatten(None if one == "1" else 0 for one in self.shared or "")
            many = partial(_many, jax.vmap(ask.function, in_axes=(0, axes, 0)))
            _programs[key] = Kept(many, about=key, donate=True, of_steps=True)
        return _programs[key]


_programs: dict[Any, Callable[..., tuple[Tree, Tree]]] = {}


def _many(function: Callable[..., tuple[Tree, Tree]], *trees: Tree) -> tuple[Tree, Tree]:
    return function(*trees)


@dataclass(frozen=True, eq=False)
class _Slot(Held):
    """The state of one lane among others."""

    group: Together
    place: int

    def whole(self) -> Tree:
        """Copies of the lane's arrays."""
        return self.group.at(self.place)


@kept()
def _sliced(tree: Tree, place: Any) -> Tree:
    return jax.tree.map(lambda array: array[place], tree)


def take_together(lanes: Mapping[int, Lane], asks: Mapping[int, Ask], group: Together) -> None:
    """Do lanes to their ends. Raises what JAX raises where memory runs out.

    A lane that asks for another program than the first one goes on by itself.
    """
    left = dict(asks)
    while left:
        program = left[min(left)].program
        ours = {place: ask for place, ask in left.items() if ask.program == program}
        begun = time.perf_counter()
        answers = group.do(ours)
        share = (time.perf_counter() - begun) / len(ours)
        for place in [place for place in left if place not in ours]:
            lanes[place].alone(left.pop(place))
        for place, answer in answers.items():
            lanes[place].seconds += share
            following = lanes[place].answered(answer)
            if following is None:
                del left[place]
            else:
                left[place] = following


@dataclass(frozen=True)
class Pace:
    """Seconds of a step of one lane alone, and to compile; `steps` were taken to know it."""

    step: float
    compiling: float
    steps: int


def pace_alone(ask: Ask) -> Pace:
    """How fast a lane is by itself, from a few steps of a copy."""
    first = _time_alone(ask, 1)
    steps = 1
    while True:
        taken = min(_time_alone(ask, steps) for _ in range(_TURNS))
        if taken >= _MEASURED_SECONDS or ask.first + 2 * steps > ask.last:
            return Pace(taken / steps, max(first - taken, 0.0), steps)
        steps *= 2


def is_worth_a_look(ask: Ask, pace: Pace, lanes: int) -> bool:
    """Whether all that can be gained is more than what compiling and measuring cost."""
    gain = pace.step * (ask.total - ask.first) * (lanes - 1)
    return gain > max(pace.compiling, _LEAST_GAIN_SECONDS)


def is_faster(together: float, alone: float, lanes: int) -> bool:
    """Whether a step of all lanes together beats as many steps."""
    return together * _WORTH < alone * lanes


def is_out_of_memory(failure: BaseException) -> bool:
    """Whether a device had no room for what was asked of it."""
    return isinstance(failure, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(failure)


def _time_alone(ask: Ask, steps: int) -> float:
    state = jax.tree.map(jnp.copy, whole(ask.state))
    leg = ask.leg(ask.first + steps)
    return _seconds(lambda: ask.compiled(state, ask.supply, leg))


def _seconds(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begun


def _stacked(trees: Sequence[Tree]) -> Tree:
    return jax.tree.map(lambda *parts: _stack(parts), *trees)


def _stack(parts: Sequence[Any]) -> Any:
    """Along a new first axis, by way of the host: a program for each shape would cost more."""
    if _is_key(parts[0]):
        return jax.random.wrap_key_data(_stack([jax.random.key_data(part) for part in parts]))
    return jnp.asarray(np.stack([np.asarray(part) for part in parts]))


def _is_one(parts: Sequence[Any]) -> bool:
    """Whether all lanes have the same array there. Numbers and keys count as each lane's own."""
    first = parts[0]
    if np.ndim(first) == 0 or _is_key(first):
        return False
    if all(part is first for part in parts):
        return True
    if first.nbytes > _COMPARED_BYTES:
        return False
    return all(np.array_equal(np.asarray(part), np.asarray(first)) for part in parts[1:])


def _is_key(part: Any) -> bool:
    return isinstance(part, jax.Array) and jax.dtypes.issubdtype(part.dtype, jax.dtypes.prng_key)
