"""What of a plan is left to do: which nodes are ready, and which program they are lanes of.

Nodes are handed out in the order of the plan, which makes results appear early: breadth over arms
before depth over replicates, a measurement right after its stage. With a node go others of its
program that are ready, so that they share one process and one compilation.
"""

import heapq
from collections.abc import Mapping, Sequence

from lab.compiler.plan import Node


class Agenda:
    """The nodes of one execution.

    Always holds: a node is waiting (for inputs), ready, handed out, or over.
    """

    def __init__(self, nodes: Sequence[Node], programs: Mapping[str, str]) -> None:
        self._nodes = list(nodes)
        self._place = {node.key: i for i, node in enumerate(nodes)}
        self._programs = programs
        self._users: dict[str, list[str]] = {}
        self._inputs_left: dict[str, int] = {}
        self._ready: list[int] = []
        self._ready_of: dict[str, list[int]] = {}
        self._is_ready: set[int] = set()
        self._open = set(self._place)
        for node in nodes:
            inputs = {key for key in node.inputs.values() if key in self._place}
            self._inputs_left[node.key] = len(inputs)
            for key in inputs:
                self._users.setdefault(key, []).append(node.key)
        for node in nodes:
            if not self._inputs_left[node.key]:
                self._make_ready(node.key)

    def __len__(self) -> int:
        """How many nodes are not over."""
        return len(self._open)

    @property
    def has_ready(self) -> bool:
        """Whether anything can be handed out."""
        return bool(self._is_ready)

    @property
    def open(self) -> frozenset[str]:
        """The keys of nodes that are not over."""
        return frozenset(self._open)

    def program(self, node: Node) -> str:
        """The program that a node is a lane of."""
        return self._programs.get(node.key, node.key)

    def next_program(self) -> tuple[str, int] | None:
        """The program of the first node that is ready, and how many lanes of it are."""
        while self._ready and self._ready[0] not in self._is_ready:
            heapq.heappop(self._ready)
        if not self._ready:
            return None
        program = self.program(self._nodes[self._ready[0]])
        return program, sum(i in self._is_ready for i in self._ready_of[program])

    def hand_out(self, program: str, most: int) -> list[Node]:
        """The first lanes of a program that are ready."""
        ready = self._ready_of[program]
        taken: list[Node] = []
        while ready and len(taken) < most:
            place = heapq.heappop(ready)
            if place in self._is_ready:
                self._is_ready.discard(place)
                taken.append(self._nodes[place])
        return taken

    def put_back(self, node: Node) -> None:
        """A node that was handed out is to be done all the same."""
        self._make_ready(node.key)

    def done(self, key: str) -> None:
        """A node's result is there."""
        self._open.discard(key)
        for user in self._users.get(key, ()):
            self._inputs_left[user] -= 1
            if not self._inputs_left[user] and user in self._open:
                self._make_ready(user)

    def failed(self, key: str) -> list[Node]:
        """A node has no result; returns those that cannot be done for it, which are over too."""
        lost: list[Node] = []
        fallen = [key]
        while fallen:
            one = fallen.pop()
            self._open.discard(one)
            self._is_ready.discard(self._place[one])
            for user in self._users.get(one, ()):
                if user in self._open:
                    self._open.discard(user)
                    lost.append(self._nodes[self._place[user]])
                    fallen.append(user)
        return lost

    def _make_ready(self, key: str) -> None:
        place = self._place[key]
        self._is_ready.add(place)
        heapq.heappush(self._ready, place)
        heapq.heappush(self._ready_of.setdefault(self.program(self._nodes[place]), []), place)
