"""Graphs of operators, which need no class to be loaded: `torch.export` archives and ONNX.

Whole-number codes stay whole numbers in the graph, which turns them into weights as it runs: by
`Cast` and `Mul` in ONNX, which a runtime computes once, when it starts. The length of a batch is a
symbol.
"""

import io
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from lab.runtime.bridge.export.modules import example, one_thread
from lab.runtime.errors import NotExportable

#: Protocol buffers hold less than two gigabytes.
LARGEST_ONNX = 2_000_000_000
OPSET = 20
#: Types of codes. Tables of a module's own are of wider types.
_CODES = (torch.int8, torch.uint8, torch.int16)
#: The same in ONNX, UINT8, INT8 and INT16 by number.
_ONNX_CODES = (2, 3, 5)
ANSWER = "logits"
#: Where in Python's sources each operator came from.
_TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node")


def archive(module: nn.Module, inputs: Mapping[str, np.ndarray]) -> tuple[bytes, int]:
    """A `.pt2` archive of a module that is ready to evaluate, and its arrays of codes."""
    with one_thread(), _quiet():
        program = torch.export.export(
            module, (), example(inputs), dynamic_shapes=_batches(inputs), strict=False
        )
        # Examples of inputs are of no use to a reader, and are what an archive pickles.
        program.example_inputs = None
        for node in program.graph.nodes:
            for name in _TRACES:
                node.meta.pop(name, None)
        file = io.BytesIO()
        torch.export.save(program, file)
    whole = sum(values.dtype in _CODES for values in program.state_dict.values())
    return file.getvalue(), whole


def onnx(module: nn.Module, inputs: Mapping[str, np.ndarray]) -> tuple[bytes, int]:
    """An ONNX model of a module that is ready to evaluate, and its arrays of codes.

    Raises `NotExportable` where it does not fit one file of the format.
    """
    import onnxscript.optimizer

    with one_thread(), _quiet():
        program = torch.onnx.export(
            module,
            (),
            kwargs=example(inputs),
            input_names=list(inputs),
            output_names=[ANSWER],
            dynamic_shapes=_batches(inputs),
            dynamo=True,
            opset_version=OPSET,
            optimize=False,
            verbose=False,
        )
    # With a limit of none, functions are written out and no codes are folded into weights.
    onnxscript.optimizer.optimize_ir(program.model, input_size_limit=0)
    model = program.model_proto
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        # Where in torch's sources each operator came from.
        del part.metadata_props[:]
    if model.ByteSize() > LARGEST_ONNX:
        raise NotExportable("the model is too large for one ONNX file; this model goes to pt2")
    whole = sum(one.data_type in _ONNX_CODES for one in model.graph.initializer)
    return model.SerializeToString(), whole


def _batches(inputs: Mapping[str, np.ndarray]) -> dict[str, dict[int, torch.export.Dim]]:
    batch = torch.export.Dim("batch", min=1)
    return {name: {0: batch} for name in inputs}


@contextmanager
def _quiet() -> Generator[None]:
    """What the exporters say of their own insides is no news to whoever exports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
