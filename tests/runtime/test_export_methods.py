"""Every method in the formats that keep its numbers: logits as in JAX, codes as they were.

Methods are found in their folder; none is named here but to be sure that it was found.
"""

import io
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
import torch
from exported_models import load_apart, logits_of, subject, torch_side
from test_reparameterizations import ALL, METHODS

from lab.runtime.bridge.export import checking, compact, graphs, modules
from lab.runtime.bridge.export.networks import Batch
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.reparameterization import Reparameterization

#: Methods by themselves on convolutions, too; how they nest depends on no shape.
CASES = {
    **{name: (MLP(width=6, layers=1, inputs=12), name) for name in ALL},
    **{f"{name}, kernels": (ResNet20(width=1), name) for name in METHODS if name != "inwf"},
}
CODES = (torch.int8, torch.uint8, torch.int16)
NARROW = {"width": 8, "layers": 1}


class Case(NamedTuple):
    """A model, its torch side, JAX's logits, the module of codes, and the folder of its file."""

    model: Subject
    batch: Batch
    expected: np.ndarray
    module: torch.nn.Module
    folder: Path

    def gap(self, found: np.ndarray) -> float:
        """How far logits are from JAX's, over the largest."""
        return float(np.abs(found - self.expected).max() / np.abs(self.expected).max())


def smaller(method: Reparameterization) -> Reparameterization:
    """The method, its fields narrow."""
    known = {one.name for one in fields(method)}
    return replace(method, **NARROW) if NARROW.keys() <= known else method


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """All cases; a process without `lab` has left its logits in each folder."""
    root = tmp_path_factory.mktemp("compact")
    found: dict[str, Case] = {}
    for name, (network, method) in CASES.items():
        model = subject(network, smaller(ALL[method]()))
        torch_network, batch = torch_side(model)
        folder = root / str(len(found))
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(compact.content(model, torch_network))
        np.savez(folder / "inputs.npz", **batch.inputs)
        module = modules.compact_module(model, torch_network)
        found[name] = Case(model, batch, checking.wanted(model, batch), module, folder)
        spread = np.std(found[name].expected, axis=0).max()
        assert spread > 1e-4 * np.abs(found[name].expected).max(), "it hears nothing"
    compact.copy_package(model, root)
    code = (
        f"sys.path.append({str(root)!r})",
        "import lab_torch",
        'logits = lab_torch.load("model.safetensors")(images)',
    )
    load_apart([(one.folder, ("import sys", *code)) for one in found.values()])
    return found


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    """One of them."""
    return cases[request.param]


def test_a_compact_file_has_the_logits_of_jax_where_there_is_no_jax(case: Case) -> None:
    assert case.gap(np.load(case.folder / "logits.npy")) <= modules.TOLERANCE


def test_codes_are_whole_numbers_in_a_compact_file(case: Case) -> None:
    with safetensors.safe_open(case.folder / "model.safetensors", framework="pt") as file:
        streams = [file.get_tensor(name) for name in file.keys() if "::" in name]  # noqa: SIM118
    assert sum(one.dtype in CODES for one in streams) == compact.whole_numbers(case.model)


@pytest.mark.parametrize("name", ALL)
def test_an_archive_has_the_logits_of_jax_and_codes_in_it(
    name: str, cases: dict[str, Case]
) -> None:
    case = cases[name]
    content, whole = graphs.archive(case.module, case.batch.inputs)
    program = torch.export.load(io.BytesIO(content))
    assert case.gap(logits_of(program.module(), case.batch)) <= modules.TOLERANCE
    assert whole == compact.whole_numbers(case.model)


@pytest.mark.parametrize("name", ALL)
def test_an_onnx_model_has_the_logits_of_jax_for_any_number_of_examples(
    name: str, cases: dict[str, Case]
) -> None:
    case = cases[name]
    content, whole = graphs.onnx(case.module, case.batch.inputs)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, case.batch.inputs)
    assert case.gap(found) <= modules.TOLERANCE
    first = {given: values[:1] for given, values in case.batch.inputs.items()}
    # The order of additions may differ with the length of a batch.
    assert np.allclose(session.run(None, first)[0], found[:1], rtol=1e-5, atol=1e-6)
    kinds = {one.data_type for one in onnx.load_from_string(content).graph.initializer}
    is_coded = compact.whole_numbers(case.model) > 0
    assert (whole > 0) == is_coded
    assert bool(kinds & {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}) == is_coded


def test_methods_that_ship_were_found() -> None:
    assert {"plain", "quantize", "prune", "codeq", "inwf", "lora"} <= ALL.keys()
    assert "inwf(through: codeq)" in ALL
