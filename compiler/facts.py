"""What is known of components without running them: the vocabulary of the cost model.

A component names a function of its facts (`@component(…, facts="module:function")`), which is given
the component's arguments and an `Asking`, and returns what its kind has to say:

- a model: `Network`; a data source: `Source`; an encoding: features for so many axes, as a function
- a reparameterization: `Method`, as a function of the network it is put into
- an optimizer: how many numbers it keeps for each number that it moves
- a selector: `Effort`; a loss: how many more passes forward an example costs it, in MACs
- a stage or measurement: `Cost`

The functions are pure Python, and are handed to the compiler: it imports none of them. A component
of a person's own names none, since nothing of theirs is run to make a plan; what it costs is
unknown until it is measured.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, cast

from lab.spec.records import made_by, record, replaced
from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
#: What a device is asked for: each has a rate of its own.
Kind = Literal["convolution", "matrix", "field"]
FLOAT_BYTES = 4
#: Examples are held where they take one part in so many of the memory, and else read through
#: windows of about so many bytes, of which so many are there at once (read, waiting, in use).
PARTS_FOR_EXAMPLES, WINDOW_BYTES, WINDOWS = 4, 2**25, 4


@record
class Network:
    """A model: shapes of its parameters and batch statistics by path, and what an example costs.

    `macs` are multiplications of one example's pass forward, `activations` the numbers that its
    way back needs. `parts` are patterns of its first layer (`stem`) and its last one (`head`).
    """

    weights: Shapes
    buffers: Shapes
    macs: int
    activations: int
    kind: Kind = "matrix"
    parts: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict[str, tuple[str, ...]])

    @property
    def parameters(self) -> int:
        """How many numbers its weights are."""
        return count(self.weights.values())

    @property
    def state_bytes(self) -> int:
        """Bytes of its float32 state, batch statistics included."""
        return FLOAT_BYTES * (self.parameters + count(self.buffers.values()))


@record
class Source:
    """A data set: examples of its splits, and the bytes of one with its label."""

    train: int
    validation: int
    test: int
    example_bytes: int

    def of(self, split: str) -> int:
        """Examples of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]

    @property
    def total_bytes(self) -> int:
        """Bytes of all of it."""
        return (self.train + self.validation + self.test) * self.example_bytes


@record
class Method:
    """Some weights through a reparameterization.

    `taken` are the weights it was given, `trained` the numbers an optimizer moves, `fixed_bytes`
    what it keeps beside them, `packed_bits` what it ships, `macs` what all weights cost to make
    once and `activations` the numbers that the way back through that needs. `place_macs`: of one
    place of each tensor, for a method that is fitted to some places at a time.
    """

    taken: Shapes
    trained: int
    fixed_bytes: int
    packed_bits: int
    macs: int
    activations: int
    kind: Kind = "matrix"
    place_macs: Mapping[str, int] = made_by(default_factory=dict[str, int])
    place_activations: int = 0


@record
class Effort:
    """What a selector costs: the share of a batch run forward to choose, and the share chosen."""

    forward: float
    backward: float


@record
class Made:
    """What a stage hands on, as far as arithmetic knows it."""

    network: Network
    method: Method | None = None

    @property
    def rest(self) -> int:
        """Parameters that are kept as they are."""
        taken = 0 if self.method is None else count(self.method.taken.values())
        return self.network.parameters - taken

    @property
    def trained(self) -> int:
        """Numbers that training moves."""
        return self.rest + (0 if self.method is None else self.method.trained)

    @property
    def kept_bytes(self) -> int:
        """Bytes of its checkpoint."""
        fixed = 0 if self.method is None else self.method.fixed_bytes
        return FLOAT_BYTES * (self.trained + count(self.network.buffers.values())) + fixed

    @property
    def packed_bytes(self) -> int:
        """Bytes of the file it ships as, headers left out."""
        bits = 0 if self.method is None else self.method.packed_bits
        plain = self.rest + count(self.network.buffers.values())
        return FLOAT_BYTES * plain + -(-bits // 8)


@record
class Cost:
    """What one node costs by arithmetic.

    `macs` are multiplications, all passes of all steps; `elements` numbers that were computed one
    by one besides (activations, optimizer state); `calls` those of a compiled program from the
    host; `memory` bytes at the peak, `held` those of them that no compiler can save (numbers that
    are trained, what the optimizer keeps, windows of data); `examples` those of them that are data,
    all of which is held where it fits; `disk` bytes that stay. A multiplication and its addition
    are two floating-point operations.
    """

    macs: float = 0.0
    elements: float = 0.0
    steps: int = 0
    calls: int = 0
    parameters: int = 0
    memory: int = 0
    held: int = 0
    examples: int = 0
    disk: int = 0
    kind: Kind = "matrix"
    made: Made | None = None

    @property
    def flops(self) -> float:
        """Floating-point operations of its multiplications and their additions."""
        return 2 * self.macs

    def within(self, room: float | None) -> "Cost":
        """The cost where there is so much memory: examples that are too many for it are streamed.

        Example:
            >>> Cost(memory=9 * 10**9, examples=8 * 10**9).within(16e9).memory
            1134217728
        """
        windows = WINDOWS * WINDOW_BYTES
        if room is None or self.examples <= max(windows, room / PARTS_FOR_EXAMPLES):
            return self
        memory = self.memory - self.examples + windows
        return replaced(self, memory=memory, examples=windows)


class UnknownError(Exception):
    """A component without facts is in the way: `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


#: Finds the function of a component's facts, None where it names none.
Finder = Callable[[Signature], Callable[[Mapping[str, Value], "Asking"], Any] | None]


@record
class Asking:
    """What facts may ask: other components' facts, and what stages made before."""

    catalog: Catalog
    find: Finder
    inputs: Mapping[str, Made | None] = made_by(default_factory=dict[str, Made | None])

    def of(self, value: Value) -> Any:
        """The facts of a component in an argument. Raises UnknownError where there are none."""
        if not isinstance(value, dict) or "component" not in value:
            raise UnknownError("none")
        kind, name = cast(str, value["kind"]), cast(str, value["component"])
        return self.about(kind, name, cast(Mapping[str, Value], value["args"]))

    def about(self, kind: str, name: str, arguments: Mapping[str, Value]) -> Any:
        """The facts of a component with some arguments. Raises UnknownError."""
        signature = self.catalog.get(kind, name)
        function = None if signature is None else self.find(signature)
        if function is None:
            raise UnknownError(name)
        return function(arguments, self)

    def made(self, role: str) -> Made:
        """What the stage of a role made. Raises UnknownError where that is not known."""
        found = self.inputs.get(role)
        if found is None:
            raise UnknownError(role)
        return found

    def having(self, inputs: Mapping[str, Made | None]) -> "Asking":
        """The same with other inputs."""
        return replaced(self, inputs=inputs)


def size(shape: Shape) -> int:
    """How many numbers an array of a shape is."""
    return math.prod(shape)


def count(shapes: Iterable[Shape]) -> int:
    """How many numbers arrays of these shapes are together."""
    return sum(map(size, shapes))
