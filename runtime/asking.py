"""Steps as something that a stage asks for, so that lanes of one program can take them together.

A stage that takes steps is a generator: it yields an `Ask`, is sent an `Answer`, and looks at what
came of it. Alone, each ask is done by the compiled program of the stage. Together
(`lab.runtime.lanes`), asks of several lanes become one call; a lane that has finished, diverged or
stopped early asks no more, and the others go on. The stage cannot tell which of both it was.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.runtime.artifact import Artifact
from lab.runtime.work import Stage, Work

#: A tree of arrays.
Tree = Any
#: `(state, supply, leg)` to `(state, seen)`.
Function = Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]


@dataclass(frozen=True, eq=False)
class Ask:
    """Steps `first` to `last` of a stage that has `total` of them.

    Asks with equal `program` have one `function`, which is pure; `compiled` is that as a program
    that takes the memory of the state over. `leg(stop)` is what it reads besides `state` and
    `supply`, to go to a step: nothing moves where that is the state's. Not `looped`, it takes one
    step a call; `streamed`, its legs hold examples, which lanes cannot share.
    """

    program: Hashable
    function: Function
    compiled: Function
    state: Tree
    supply: Tree
    leg: Callable[[int], Tree]
    first: int
    last: int
    total: int
    looped: bool = True
    streamed: bool = False

    @property
    def calls(self) -> int:
        """How often the function is called, one time after another."""
        return 1 if self.looped else self.last - self.first


class Held:
    """A state that is part of a larger one, until somebody wants to see it."""

    @abstractmethod
    def whole(self) -> Tree:
        """The arrays of the state: copies."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The state after the steps (`whole` has its arrays), and what each call saw."""

    state: Tree
    seen: Sequence[Tree]


#: What a stage does, from its beginning to what it makes.
Going = Generator[Ask, Answer, Any]


class Stepped(Stage):
    """A stage whose work is steps."""

    @abstractmethod
    def going(self, work: Work) -> Generator[Ask, Answer, Artifact]:
        """The stage, as a generator of what it asks for."""

    def run(self, work: Work) -> Artifact:
        """Do it alone."""
        return alone(self.going(work))


def whole(state: Tree) -> Tree:
    """The arrays of a state, wherever it is."""
    return state.whole() if isinstance(state, Held) else state


def alone(going: Going) -> Any:
    """What a generator makes when its asks are done by the program of its own."""
    return go_on(going, lambda: next(going))


def go_on(going: Going, ask: Callable[[], Ask]) -> Any:
    """The rest of a generator, alone; `ask` gets its next one."""
    while True:
        try:
            asked = ask()
        except StopIteration as end:
            return end.value
        ask = _answer(going, asked)


def _answer(going: Going, asked: Ask) -> Callable[[], Ask]:
    try:
        answer = by_itself(asked)
    except Exception as failure:  # noqa: BLE001 - the stage's own: it is raised where it asked
        raised = failure
        return lambda: going.throw(raised)
    return lambda: going.send(answer)


def by_itself(ask: Ask) -> Answer:
    """What comes of an ask, by the compiled program of its stage."""
    state, seen = whole(ask.state), []
    leg = ask.leg(ask.last)
    for _ in range(ask.calls):
        state, saw = ask.compiled(state, ask.supply, leg)
        seen.append(saw)
    return Answer(state, seen)
