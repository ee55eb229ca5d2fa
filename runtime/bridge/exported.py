"""Torch modules as graphs of operators, through `torch.export`.

A module is exported twice, as it evaluates and as it trains, with the size of the batch a symbol.
What an exported program says in torch's terms is told in those of `lab.runtime.foreign.graph`:
`lab.runtime.bridge.reading` does that. Whatever a graph needs and JAX cannot compute here is
refused now, with the names of the operators and of the modules that call them.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from lab.runtime.bridge.reading import Refused, graph_of
from lab.runtime.bridge.state_names import StateNames, state_names
from lab.runtime.errors import Unconvertible
from lab.runtime.foreign.graph import Conversion, Graph
from lab.runtime.foreign.operators import is_known

#: How many examples a module is exported with. Any number would do; one and two are special to
#: torch, and this one is no size of anything else.
EXAMPLES = 5


def convert(
    module: torch.nn.Module, example_inputs: Mapping[str, Any], *, about: Mapping[str, Any]
) -> Conversion:
    """A torch module as graphs for JAX.

    `example_inputs` are arguments of `forward` by name; the first axis of every array is that of
    the batch, of any size. Arguments that are no arrays are settled with the value they have.
    `about` is JSON that the conversion carries along. Raises `Unconvertible`.
    """
    names = state_names(module)
    given = {name: _examples(value) for name, value in example_inputs.items()}
    modes = [(part, part.training) for part in module.modules()]
    try:
        evaluating = _graph(module.eval(), given, names)
        training = _graph(module.train(), given, names)
    finally:
        for part, was_training in modes:
            part.training = was_training
    return Conversion(
        evaluating=evaluating,
        training=training,
        parameters=names.parameters,
        buffers=names.buffers,
        aliases=names.aliases,
        about=json.loads(json.dumps(dict(about))),
    )


def _examples(value: Any) -> Any:
    """As many examples as are exported, made of those given."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if not isinstance(value, torch.Tensor):
        return value
    times = -(-EXAMPLES // max(len(value), 1))
    return torch.cat([value] * times)[:EXAMPLES]


def _graph(module: torch.nn.Module, given: Mapping[str, Any], names: StateNames) -> Graph:
    try:
        graph = graph_of(_program(module, given), names)
    except Refused as refusal:
        raise Unconvertible(f"{_name(module)} cannot be converted: {refusal}") from refusal
    unknown = [node for node in graph.nodes if not is_known(node.operator)]
    if unknown:
        found = sorted({(node.operator, node.module or "the model itself") for node in unknown})
        listing = ", ".join(f"{operator} in {path}" for operator, path in found[:8])
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        raise Unconvertible(f"{_name(module)} uses operators that are not known: {listing}{more}")
    return graph


def _program(module: torch.nn.Module, given: Mapping[str, Any]) -> torch.export.ExportedProgram:
    batch = torch.export.Dim.DYNAMIC
    shapes = {n: {0: batch} if isinstance(v, torch.Tensor) else None for n, v in given.items()}
    try:
        with _quietly(), _out_of_place(module):
            program = torch.export.export(
                module, (), dict(given), dynamic_shapes=shapes, strict=False
            )
            return program.run_decompositions({})
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        what = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
        raise Unconvertible(
            f"{_name(module)} cannot be exported by torch for batches of any size ({what})"
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings of torch's own code, and with plain operators in attention."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _out_of_place(module: torch.nn.Module) -> Iterator[None]:
    """With layers that write into new arrays: what is traced is the same, in half the time."""
    changed = [part for part in module.modules() if getattr(part, "inplace", None) is True]
    for part in changed:
        part.inplace = False  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        for part in changed:
            part.inplace = True  # pyright: ignore[reportAttributeAccessIssue]


def _name(module: torch.nn.Module) -> str:
    return type(module).__name__
