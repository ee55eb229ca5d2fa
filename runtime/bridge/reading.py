"""A program of `torch.export` as a graph of plain data.

What depends on nothing but constants is computed here, by torch. Of every operator, the arrays
that come first stay positional, and whatever follows gets its name in ATen's schema. Operators
that draw random numbers are told their place among those, and which axis holds the examples.
"""

import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.export.graph_signature import (
    ConstantArgument,
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    TensorArgument,
)
from torch.utils import _pytree

from lab.runtime.bridge.constants import Constants, narrow_name
from lab.runtime.bridge.drawing import is_for_a_share, share_drawn
from lab.runtime.bridge.state_names import COUNTER, StateNames
from lab.runtime.foreign.graph import Argument, Graph, Input, Node, Output, Shape
from lab.runtime.foreign.operators import RANDOM


class Refused(Exception):
    """What a program has that a graph cannot say."""


#: Operators that check and answer nothing.
_CHECKS = ("_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range", "_assert_async")
#: What says where and how torch keeps an array.
_PLACEMENT = (torch.device, torch.layout, torch.memory_format)
_PLACEMENT_NAMES = ("device", "layout", "memory_format", "pin_memory", "non_blocking", "copy")


def graph_of(program: torch.export.ExportedProgram, names: StateNames) -> Graph:
    """The graph of a program; arrays have the names that `names` keeps. Raises `Refused`."""
    return _Reader(program, names).graph()


class _Reader:
    """One program, read from its first node to its last."""

    def __init__(self, program: torch.export.ExportedProgram, names: StateNames) -> None:
        self.program, self.names = program, names
        self.signature: ExportGraphSignature = program.graph_signature
        self.constants = Constants()
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.drawn = 0

    def graph(self) -> Graph:
        specs = {
            spec.arg.name: spec
            for spec in self.signature.input_specs
            if not isinstance(spec.arg, ConstantArgument)
        }
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node.name in specs:
                self._take_input(node, specs[node.name])
            elif node.op == "call_function":
                self._take_node(node)
            elif node.op == "get_attr":
                raise Refused(f"the part {node.target} of the program is a program of its own")
        outputs = tuple(self._outputs())
        nodes = _needed(self.nodes, outputs)
        used = set(_refs_of(nodes)) | {one.ref for one in outputs}
        inputs = [*self.inputs, *self.constants.inputs(used)]
        return Graph(
            inputs=tuple(one for one in inputs if one.name in used or one.kind == "user"),
            nodes=nodes,
            outputs=outputs,
            constants=self.constants.arrays(used),
        )

    def _take_input(self, node: torch.fx.Node, spec: InputSpec) -> None:
        if spec.kind is InputKind.CONSTANT_TENSOR or spec.persistent is False:
            self.constants.add(node, self._constant(spec))
            return
        kinds = {
            InputKind.PARAMETER: "parameter",
            InputKind.BUFFER: "buffer",
            InputKind.USER_INPUT: "user",
        }
        if spec.kind not in kinds:
            raise Refused(f"it takes {node.name}, which is no array")
        target = self.names.settled(spec.target) if spec.target else node.name
        shape, dtype = self._form(node)
        self.inputs.append(Input(node.name, kinds[spec.kind], target, shape, dtype))  # pyright: ignore[reportArgumentType]

    def _constant(self, spec: InputSpec) -> torch.Tensor:
        held = self.program.constants
        return held[spec.target] if spec.target in held else self.program.state_dict[spec.target]

    def _take_node(self, node: torch.fx.Node) -> None:
        name = _operator(node)
        if name.partition(".")[0] in _CHECKS or self.constants.computed(node):
            return
        shape, dtype = self._form(node)
        args, kwargs = self._arguments(node)
        if is_for_a_share(node):
            name = "zeros"
        elif drawn := share_drawn(node):
            name, args, kwargs = "bernoulli.p", (self._said(drawn[0]),), {"p": drawn[1]}
        if name in RANDOM:
            kwargs |= {"place": self.drawn, "axis": self._axis_of_examples(node)}
            self.drawn += 1
        self.nodes.append(Node(node.name, name, args, kwargs, _module(node), shape, dtype))

    def _arguments(self, node: torch.fx.Node) -> tuple[tuple[Argument, ...], dict[str, Argument]]:
        """Leading arrays, and the rest by name."""
        schema = getattr(node.target, "_schema", None)
        given, named = node.args, dict(node.kwargs)
        if schema is not None:
            given, named = named_arguments(schema, given, named)
        return tuple(map(self._said, given)), {n: self._said(v) for n, v in named.items()}

    def _said(self, value: Any) -> Argument:
        if isinstance(value, torch.fx.Node):
            return {"ref": self.constants.named(value) or value.name}
        if isinstance(value, (list, tuple)):
            return [self._said(one) for one in value]
        if isinstance(value, torch.dtype):
            return {"dtype": narrow_name(value)}
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}
        if isinstance(value, _PLACEMENT):
            return None
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise Refused(f"an operator is given {value!r}, which is no number, word or array")

    def _form(self, node: torch.fx.Node) -> tuple[Shape, str]:
        """Shape and type of what a node answers; none where that is no array."""
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            return (), ""
        return tuple(self._size(size, node) for size in value.shape), narrow_name(value.dtype)

    def _size(self, size: int | torch.SymInt, node: torch.fx.Node) -> int | None:
        if isinstance(size, int):
            return size
        symbols = {str(symbol) for symbol in size.node.expr.free_symbols}
        if any(symbol.startswith("u") for symbol in symbols):
            raise Refused(
                f"{_operator(node)} in {_module(node) or 'the model itself'} answers an array "
                "whose shape depends on values"
            )
        return None if symbols else int(size)

    def _axis_of_examples(self, node: torch.fx.Node) -> int | None:
        """The first axis of what is drawn for that grows with the batch."""
        first = node.args[0] if node.args and isinstance(node.args[0], torch.fx.Node) else node
        shape, _ = self._form(first)
        return shape.index(None) if None in shape else None

    def _outputs(self) -> Iterable[Output]:
        paths = iter(_output_names(self.program))
        for spec in self.signature.output_specs:
            user = spec.kind is OutputKind.USER_OUTPUT
            path = next(paths) if user else ""
            if user and not isinstance(spec.arg, TensorArgument):
                continue
            ref = self._output_ref(spec.arg.name)
            if user:
                yield Output(ref, "user", path)
            elif spec.kind is OutputKind.BUFFER_MUTATION:
                if str(spec.target).rpartition(".")[2] != COUNTER:
                    yield Output(ref, "buffer", self._moved(str(spec.target)))
            else:
                raise Refused(f"it changes its input {spec.target}")

    def _output_ref(self, name: str) -> str:
        return self.constants.renamed.get(name, name)

    def _moved(self, target: str) -> str:
        name = self.names.settled(target)
        if name not in self.names.buffers:
            raise Refused(f"it changes {target}, which is no part of its state")
        return name


def _operator(node: torch.fx.Node) -> str:
    """`conv2d`, `add.Tensor`, `sym_size`; `symbol.mul` where sizes are computed with."""
    target: Any = node.target
    if target is operator.getitem:
        return "getitem"
    if isinstance(target, torch._ops.OpOverload):
        name = f"{target.overloadpacket.__name__}.{target._overloadname}".removesuffix(".default")
        name = "sym_size" if name == "sym_size.int" else name
        return name if target.namespace == "aten" else f"{target.namespace}::{name}"
    return f"symbol.{getattr(target, '__name__', target)}"


def _module(node: torch.fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return paths[-1].partition("@")[0] if paths else ""


def named_arguments(
    schema: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of an operator of ATen as a graph has them; where arrays are put is left out."""
    leading = _leading_arrays(schema)
    rest = schema.arguments[leading : max(len(args), leading)]
    named = {a.name: value for a, value in zip(rest, args[leading:], strict=True)} | dict(kwargs)
    return args[:leading], {n: v for n, v in named.items() if n not in _PLACEMENT_NAMES}


def _leading_arrays(schema: Any) -> int:
    """How many arguments stay positional: the first one, and the arrays that follow it."""
    count = 1
    for argument in schema.arguments[1:]:
        if "Tensor" not in str(argument.type) or argument.kwarg_only:
            break
        count += 1
    return min(count, len(schema.arguments))


def _output_names(program: torch.export.ExportedProgram) -> list[str]:
    """What a module calls its results: keys of a mapping, fields, or numbers from 0 on."""
    spec = program.call_spec.out_spec
    if spec is None:
        return []
    count = spec.num_leaves
    answer = _pytree.tree_unflatten(list(range(count)), spec)
    if isinstance(answer, int):
        return [""]
    names = {}
    for key, part in _children(answer):
        leaves = _pytree.tree_leaves(part)
        for place, leaf in enumerate(leaves):
            names[leaf] = key if len(leaves) == 1 else f"{key}.{place}"
    return [names.get(place, str(place)) for place in range(count)]


def _children(answer: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(answer, Mapping):
        return [(str(key), part) for key, part in answer.items()]
    if hasattr(answer, "_asdict"):
        return list(answer._asdict().items())
    return [(str(place), part) for place, part in enumerate(answer)]


def _needed(nodes: Iterable[Node], outputs: Iterable[Output]) -> tuple[Node, ...]:
    """The nodes that some output depends on."""
    wanted = {one.ref for one in outputs}
    kept = []
    for node in reversed(list(nodes)):
        if node.name in wanted:
            kept.append(node)
            wanted |= set(_refs_of([node]))
    return tuple(reversed(kept))


def _refs_of(nodes: Iterable[Node]) -> Iterable[str]:
    for node in nodes:
        yield from _refs((node.args, tuple(node.kwargs.values())))


def _refs(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        if "ref" in value:
            yield value["ref"]
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _refs(one)
