"""Checkpoints of every form: prefixes, folders, heads, tied weights, short floats."""

import json
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from lab.runtime.bridge import checkpoint
from lab.runtime.bridge.checkpoint_names import fitted
from lab.runtime.bridge.checkpoint_sizes import interpolated
from lab.runtime.errors import BadCheckpoint, MissingFile
from lab.runtime.models.mlp import MLP

MODEL = MLP(width=8, layers=1, inputs=4, classes=2)
NAMES = ("layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight")


@pytest.fixture
def state() -> dict[str, np.ndarray]:
    params, _ = MODEL.init(jax.random.key(31))
    return {path: np.asarray(array) for path, array in params.items()}


def kept(path: Path, state: dict[str, np.ndarray]) -> Path:
    safetensors.numpy.save_file(state, path)
    return path


def sharded(folder: Path, state: dict[str, np.ndarray], suffix: str) -> Path:
    """A folder of two parts with an index, as `save_pretrained` writes it."""
    folder.mkdir()
    stem, ends = ("model", "safetensors") if suffix == "safetensors" else ("pytorch_model", "bin")
    index: dict[str, str] = {}
    for place, names in enumerate((NAMES[:2], NAMES[2:]), 1):
        part = f"{stem}-0000{place}-of-00002.{ends}"
        tensors = {name: state[name] for name in names}
        if suffix == "safetensors":
            kept(folder / part, tensors)
        else:
            torch = pytest.importorskip("torch")
            torch.save({n: torch.tensor(a) for n, a in tensors.items()}, folder / part)
        index |= dict.fromkeys(names, part)
    (folder / f"{stem}.{ends}.index.json").write_text(json.dumps({"weight_map": index}), "utf-8")
    return folder


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "backbone.", "module._orig_mod.", "net.encoder."]
)
def test_a_prefix_before_all_names_is_taken_off(
    tmp_path: Path, state: dict[str, np.ndarray], prefix: str
) -> None:
    path = kept(tmp_path / "net.safetensors", {f"{prefix}{n}": a for n, a in state.items()})
    params, _ = checkpoint.load_into(MODEL, path)
    assert all((np.asarray(params[name]) == state[name]).all() for name in state)


def test_a_network_alone_loads_into_one_that_holds_it() -> None:
    found = fitted({"encoder.w": 1, "pooler.w": 2}, ["bert.encoder.w", "bert.pooler.w", "c.w"], {})
    assert found == {"bert.encoder.w": 1, "bert.pooler.w": 2}


def test_old_names_of_a_normalization_are_known() -> None:
    found = fitted({"norm.gamma": 1, "norm.beta": 2}, ["norm.weight", "norm.bias"], {})
    assert found == {"norm.weight": 1, "norm.bias": 2}


def test_a_tied_weight_may_have_either_name_or_both() -> None:
    aliases = {"head.weight": "embedding.weight"}
    for names in (["head.weight"], ["embedding.weight"], ["head.weight", "embedding.weight"]):
        found = fitted(dict.fromkeys(names, 1), ["embedding.weight"], aliases)
        assert found == {"embedding.weight": 1}


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_a_folder_in_parts_loads(tmp_path: Path, state: dict[str, np.ndarray], suffix: str) -> None:
    params, _ = checkpoint.load_into(MODEL, sharded(tmp_path / "net", state, suffix))
    assert all((np.asarray(params[name]) == state[name]).all() for name in state)


def test_a_lost_part_of_a_folder_is_named(tmp_path: Path, state: dict[str, np.ndarray]) -> None:
    folder = sharded(tmp_path / "net", state, "safetensors")
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(MissingFile, match=r"lacks model-00002-of-00002\.safetensors"):
        checkpoint.load_into(MODEL, folder)


def test_an_index_cannot_name_files_elsewhere(tmp_path: Path, state: dict[str, np.ndarray]) -> None:
    folder = sharded(tmp_path / "net", state, "safetensors")
    index = {"weight_map": {"layers.0.bias": "../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(BadCheckpoint, match="no file beside it"):
        checkpoint.load_into(MODEL, folder)


def test_a_folder_without_weights_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no model\.safetensors"):
        checkpoint.load_into(MODEL, tmp_path)


@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, np.float16])
def test_short_floats_are_read_without_torch(
    tmp_path: Path, state: dict[str, np.ndarray], kind: type
) -> None:
    short = {name: a.astype(kind) for name, a in state.items()}
    params, _ = checkpoint.load_into(MODEL, kept(tmp_path / "net.safetensors", short))
    for name, array in short.items():
        assert params[name].dtype == np.float32
        np.testing.assert_array_equal(params[name], array.astype(np.float32))


def test_a_head_for_other_classes_is_drawn_anew_and_said(
    tmp_path: Path, state: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    path, seven, key = (
        kept(tmp_path / "net.safetensors", state),
        MLP(width=8, layers=1, inputs=4, classes=7),
        jax.random.key(32),
    )
    params, _ = checkpoint.load_into(seven, path, key=key)
    drawn, _ = seven.init(key)
    assert all((np.asarray(params[n]) == state[n]).all() for n in NAMES[:2])
    assert all((params[n] == drawn[n]).all() for n in NAMES[2:])
    said = capsys.readouterr().out
    assert "its head is for 2 classes: drawn anew: layers.1.bias, layers.1.weight" in said


def test_only_the_head_is_drawn_anew(tmp_path: Path, state: dict[str, np.ndarray]) -> None:
    state["layers.0.weight"] = np.zeros((9, 4), np.float32)
    path = kept(tmp_path / "net.safetensors", state)
    with pytest.raises(BadCheckpoint, match=r"layers\.0\.weight is \(9, 4\)"):
        checkpoint.load_into(MODEL, path, key=jax.random.key(0))


def test_a_file_of_all_but_the_head_has_it_drawn_anew(
    tmp_path: Path, state: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept(tmp_path / "net.safetensors", {name: state[name] for name in NAMES[:2]})
    params, _ = checkpoint.load_into(MODEL, path, key=jax.random.key(33))
    assert (params["layers.1.weight"] == MODEL.init(jax.random.key(33))[0]["layers.1.weight"]).all()
    assert "it has no head: drawn anew" in capsys.readouterr().out


def test_a_head_under_another_name_is_refused(tmp_path: Path, state: dict[str, np.ndarray]) -> None:
    state["classifier.weight"] = state.pop("layers.1.weight")
    del state["layers.1.bias"]
    path = kept(tmp_path / "net.safetensors", state)
    with pytest.raises(BadCheckpoint, match=r"layers\.1\.weight is missing"):
        checkpoint.load_into(MODEL, path, key=jax.random.key(0))


def test_a_grid_of_positions_keeps_what_is_linear_in_it() -> None:
    """Away from the edges a ramp stays a ramp: cubics are exact on it."""
    ramp = np.arange(8.0)[None, :, None] * np.ones((8, 1, 2))
    table = np.concatenate([np.full((1, 2), 5.0), ramp.reshape(64, 2)])[None]
    made = interpolated("pos_embed", table, (1, 257, 2))
    assert made is not None
    np.testing.assert_array_equal(made[0, 0], [5, 5])
    grid = made[0, 1:].reshape(16, 16, 2)
    expected = (np.arange(16) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(grid[8, 4:12, 0], expected[4:12], atol=1e-5)


def test_biases_of_a_window_are_interpolated() -> None:
    made = interpolated("a.relative_position_bias_table", np.ones((49, 3)), (169, 3))
    assert made is not None
    np.testing.assert_allclose(made, np.ones((169, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("head.weight", (17, 8), (5, 8)),
        ("pos_embed", (1, 18, 8), (1, 5, 8)),
        ("pos_embed", (1, 17, 8), (1, 5, 9)),
        ("position_embeddings.weight", (512, 8), (128, 8)),
    ],
)
def test_what_is_no_grid_of_positions_is_left_alone(
    name: str, old: tuple[int, ...], new: tuple[int, ...]
) -> None:
    assert interpolated(name, np.ones(old), new) is None
