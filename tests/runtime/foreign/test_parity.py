"""The smallest network of every family against torch in float64: answers and a training step."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.extend
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_networks import NETWORKS, converted, inputs_of  # noqa: E402

from lab.runtime.bridge.parity import (  # noqa: E402
    EXACT,
    TOLERANCE,
    answers,
    arrays,
    evaluation_error,
    same_step,
    step_errors,
    weights,
)
from lab.runtime.foreign import graph as graphs  # noqa: E402
from lab.runtime.foreign.run import compute  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_and_a_training_step_are_torchs(name: str):
    module, conversion = converted(name)
    inputs = inputs_of(module, 3)
    assert evaluation_error(module, conversion, inputs) <= TOLERANCE
    assert max(same_step(module, conversion, inputs)) <= EXACT


@pytest.mark.verify
@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_in_float32_is_as_near_as_can_be_asked(name: str):
    module, conversion = converted(name)
    errors = step_errors(module, conversion, inputs_of(module, 3))
    assert errors.is_torchs, errors


@pytest.mark.parametrize("name", NETWORKS)
def test_a_converted_network_calls_nobody_and_takes_a_single_example(name: str):
    module, conversion = converted(name)
    params, buffers = weights(module, conversion)
    keys = jax.random.split(jax.random.key(0), 1)
    for graph in (conversion.evaluating, conversion.training):
        program = jax.make_jaxpr(lambda *given, graph=graph: compute(graph, *given, keys=keys))(
            params, buffers, arrays(inputs_of(module, 1))
        )
        assert program.out_avals[0].shape[0] == 1
        assert not [name for name in _primitives(program.jaxpr) if "callback" in name]


def _primitives(jaxpr: jax.extend.core.Jaxpr) -> Iterator[str]:
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for value in equation.params.values():
            for part in value if isinstance(value, (list, tuple)) else (value,):
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    yield from _primitives(inner)


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "timm", "transformers"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
from safetensors.numpy import load_file
from lab.runtime.foreign.graph import load
from lab.runtime.foreign.run import compute
conversion, state = load(Path(sys.argv[1])), load_file(sys.argv[2])
params = {name: state[name] for name in conversion.parameters}
buffers = {name: state[name] for name in conversion.buffers}
given = {one.target: state["input/" + one.target] for one in conversion.evaluating.of_kind("user")}
answer = next(iter(compute(conversion.evaluating, params, buffers, given)[0].values()))
np.save(sys.argv[3], answer)
"""


@pytest.mark.parametrize("name", ["torchvision MobileNetV2", "transformers BERT"])
def test_a_converted_network_runs_where_torch_cannot_be_imported(name: str, tmp_path: Path):
    from safetensors.numpy import save_file

    module, conversion = converted(name)
    params, buffers = weights(module, conversion)
    inputs = inputs_of(module, 3)
    given = {f"input/{key}": np.asarray(value) for key, value in arrays(inputs).items()}
    state = {key: np.asarray(value) for key, value in {**params, **buffers}.items()}
    save_file({**state, **given}, tmp_path / "state.safetensors")
    graphs.save(conversion, tmp_path / "conversion.safetensors")
    files = [str(tmp_path / f) for f in ("conversion.safetensors", "state.safetensors", "y.npy")]
    command = [sys.executable, "-c", WITHOUT_TORCH, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with torch.no_grad():
        expected = answers(module.eval()(**inputs))[0].numpy()
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
