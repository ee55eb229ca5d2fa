"""A torch module of a graph of operators: the way back from `lab.runtime.bridge.exported`.

The module needs no class of whoever built the network. Its `state_dict` has the names of the
graph's state, its `forward` takes the graph's inputs by name, and it can be exported again.
"""

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from lab.runtime.foreign.graph import Argument, Graph, Input, Node
from lab.runtime.foreign.operators import RANDOM


def rebuilt(
    graph: Graph, params: Mapping[str, np.ndarray], buffers: Mapping[str, np.ndarray]
) -> fx.GraphModule:
    """The network that a graph computes, with this state, as a torch module that evaluates."""
    root = nn.Module()
    for name, values in params.items():
        _put(root, name, nn.Parameter(_tensor(values), requires_grad=_trains(values)))
    for name, values in buffers.items():
        _put(root, name, _tensor(values))
    for one in graph.of_kind("constant"):
        _put(root, f"constants.{one.target}", _tensor(graph.constants[one.target]), keep=False)
    program = fx.Graph()
    known: dict[str, fx.Node] = {}
    for one in sorted(graph.inputs, key=lambda one: one.kind != "user"):
        known[one.name] = _input(program, one)
    for node in graph.nodes:
        known[node.name] = _called(program, node, known)
    answers = [(one.target, known[one.ref]) for one in graph.outputs if one.kind == "user"]
    program.output(answers[0][1] if len(answers) == 1 else dict(answers))
    module = fx.GraphModule(root, program, class_name="Rebuilt")
    for one in graph.of_kind("constant"):
        # A graph module copies buffers, and forgets which are no part of the state.
        _put(module, f"constants.{one.target}", _tensor(graph.constants[one.target]), keep=False)
    return module.eval()


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values))


def _trains(values: np.ndarray) -> bool:
    return np.issubdtype(np.asarray(values).dtype, np.floating)


def _put(root: nn.Module, name: str, values: torch.Tensor, *, keep: bool = True) -> None:
    *path, last = name.split(".")
    place = root
    for part in path:
        if part not in place._modules:
            place.add_module(part, nn.Module())
        place = place.get_submodule(part)
    if isinstance(values, nn.Parameter):
        place.register_parameter(last, values)
    else:
        place.register_buffer(last, values, persistent=keep)


def _input(program: fx.Graph, one: Input) -> fx.Node:
    if one.kind == "user":
        return program.placeholder(one.target)
    return program.get_attr(one.target if one.kind != "constant" else f"constants.{one.target}")


def _called(program: fx.Graph, node: Node, known: Mapping[str, fx.Node]) -> fx.Node:
    args = tuple(_argument(one, known) for one in node.args)
    kwargs = {name: _argument(one, known) for name, one in node.kwargs.items()}
    if node.operator in RANDOM:
        kwargs = {name: one for name, one in kwargs.items() if name not in ("place", "axis")}
    if node.operator in ("view", "_unsafe_view"):
        # How the arrays of a narrower network lie in memory is not how those of the whole one did.
        return program.call_function(torch.ops.aten.reshape.default, (*args, kwargs["size"]))
    return program.call_function(_function(node.operator), args, kwargs)


def _argument(argument: Argument, known: Mapping[str, fx.Node]) -> Any:
    if isinstance(argument, Mapping):
        if "ref" in argument:
            return known[argument["ref"]]
        if "float" in argument:
            return float(argument["float"])
        return getattr(torch, argument["dtype"])
    if isinstance(argument, list | tuple):
        return [_argument(one, known) for one in argument]
    return argument


def _function(name: str) -> Any:
    """The function of an operator's name."""
    if name == "getitem":
        return operator.getitem
    if name.startswith("symbol."):
        return _of_sizes(name.removeprefix("symbol."))
    if name == "sym_size":
        return torch.ops.aten.sym_size.int
    library, _, rest = name.rpartition("::")
    packet, _, overload = rest.partition(".")
    return getattr(getattr(getattr(torch.ops, library or "aten"), packet), overload or "default")


def _of_sizes(name: str) -> Any:
    """The function of an operator on sizes: of Python's own, or torch's for symbols."""
    return next(getattr(one, name) for one in (operator, torch, math) if hasattr(one, name))
