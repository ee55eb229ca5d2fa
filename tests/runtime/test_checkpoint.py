import os
from pathlib import Path

import jax
import numpy as np
import pytest

from lab.runtime import scoring
from lab.runtime.bridge import checkpoint
from lab.runtime.data.cifar10 import Cifar10
from lab.runtime.errors import BadCheckpoint, MissingFile
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20

MODEL = MLP(width=8, layers=1, inputs=4, classes=2)


@pytest.fixture
def state() -> dict[str, np.ndarray]:
    params, _ = MODEL.init(jax.random.key(21))
    return {path: np.asarray(array) for path, array in params.items()}


def saved_by_torch(path: Path, content: object) -> Path:
    torch = pytest.importorskip("torch")
    torch.save(content, path)
    return path


def tensors(state: dict[str, np.ndarray]) -> dict[str, object]:
    torch = pytest.importorskip("torch")
    return {path: torch.tensor(array) for path, array in state.items()}


def test_a_safetensors_checkpoint_comes_back_bit_for_bit(tmp_path: Path, state: dict) -> None:
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, state, {}, about={"by": "a test"})
    params, buffers = checkpoint.load_into(MODEL, path)
    assert buffers == {}
    assert all((np.asarray(params[p]) == state[p]).all() for p in state)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_a_torch_checkpoint_loads_wrapped_or_not(
    tmp_path: Path, state: dict, wrapper: str | None
) -> None:
    content = tensors(state) if wrapper is None else {wrapper: tensors(state), "epoch": 3}
    params, _ = checkpoint.load_into(MODEL, saved_by_torch(tmp_path / "net.th", content))
    assert all((np.asarray(params[p]) == state[p]).all() for p in state)


def test_the_prefix_of_a_parallel_wrapper_and_step_counters_do_not_matter(
    tmp_path: Path, state: dict
) -> None:
    torch = pytest.importorskip("torch")
    content = {f"module.{p}": t for p, t in tensors(state).items()}
    content["module.bn.num_batches_tracked"] = torch.tensor(7)
    params, _ = checkpoint.load_into(MODEL, saved_by_torch(tmp_path / "net.pt", content))
    assert set(params) == set(state)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no checkpoint .*absent\.safetensors: put one there"):
        checkpoint.load_into(MODEL, tmp_path / "absent.safetensors")


def test_a_misnamed_weight_is_reported_with_its_nearest_name(tmp_path: Path, state: dict) -> None:
    state["layers.1.wieght"] = state.pop("layers.1.weight")
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, state, {}, about={})
    with pytest.raises(BadCheckpoint) as caught:
        checkpoint.load_into(MODEL, path)
    assert "layers.1.weight is missing (it has layers.1.wieght)" in str(caught.value)
    assert "layers.1.wieght is not in the model" in str(caught.value)


def test_another_shape_is_reported_with_both(tmp_path: Path, state: dict) -> None:
    state["layers.0.bias"] = np.zeros(9, np.float32)
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, state, {}, about={})
    with pytest.raises(BadCheckpoint, match=r"layers\.0\.bias is \(9,\), the model's is \(8,\)"):
        checkpoint.load_into(MODEL, path)


def test_a_long_list_of_problems_is_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, {"x": np.zeros(1, np.float32)}, {}, about={})
    with pytest.raises(BadCheckpoint, match=r"and 90 more$"):
        checkpoint.load_into(ResNet20(), path)


@pytest.mark.parametrize("name", ["net.safetensors", "net.th"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a checkpoint at all")
    with pytest.raises(BadCheckpoint, match="net"):
        checkpoint.load_into(MODEL, path)


class Malicious:
    def __reduce__(self) -> tuple:
        return (os.mkdir, ("run-by-a-checkpoint",))


def test_a_checkpoint_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved_by_torch(tmp_path / "evil.pt", {"state_dict": Malicious()})
    with pytest.raises(BadCheckpoint, match="cannot be read as plain weights"):
        checkpoint.load_into(MODEL, path)
    assert not (tmp_path / "run-by-a-checkpoint").exists()


@pytest.mark.verify
def test_the_public_checkpoint_scores_91_73_percent() -> None:
    path = os.environ.get("LAB_RESNET20_CHECKPOINT")
    if not path:
        pytest.skip(
            "LAB_RESNET20_CHECKPOINT is not set: it names the ResNet-20 checkpoint of "
            "github.com/akamaster/pytorch_resnet_cifar10"
        )
    params, buffers = checkpoint.load_into(ResNet20(), Path(path))
    right = scoring.correct(ResNet20(), params, buffers, Cifar10().load().test)
    assert right.sum() == 9173
