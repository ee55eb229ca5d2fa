from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from lab.runtime import artifact, packed, registry
from lab.runtime.artifact import Artifact
from lab.runtime.errors import CorruptFile, MissingFile
from lab.runtime.models.mlp import MLP
from lab.runtime.reparameterization import Reparameterization, Stream
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.reparameterizations.prune import Prune
from lab.runtime.reparameterizations.quantize import Quantize
from lab.runtime.stages.apply import Apply
from lab.runtime.work import Work

MODEL = {"component": "mlp", "kind": "model", "args": {"weights": {"file": "a", "content": "b"}}}
METHODS = [Quantize(bits=3), Prune(sparsity=0.5, storage="float16"), INWF(width=4, min_size=0)]


def network() -> Artifact:
    key = jax.random.key(0)
    params = {
        "conv.weight": jax.random.normal(key, (8, 4, 3, 3)),
        "linear.weight": jax.random.normal(jax.random.fold_in(key, 1), (10, 8)),
        "linear.bias": jnp.arange(10.0),
    }
    return artifact.plain(MODEL, params, {"mean": jnp.ones(8), "count": jnp.int32(3)})


def through(method: Reparameterization, before: Artifact) -> Artifact:
    work = Work(
        inputs={"before": before},
        stream=lambda name: jax.random.fold_in(jax.random.key(4), len(name)),
        progress=lambda *_: None,
        folder=Path(),
    )
    return Apply(through=method).run(work)


def assert_same(left: dict, right: dict) -> None:
    assert set(left) == set(right)
    for name, values in left.items():
        np.testing.assert_array_equal(values, right[name])
        assert values.dtype == right[name].dtype


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_shipped_model_has_the_shipped_weights(method, tmp_path: Path) -> None:
    made = through(method, network())
    sizes = artifact.ship(made, tmp_path / "model")
    back = artifact.load_shipped(tmp_path / "model")
    assert back.through is None
    assert_same(dict(back.rest), artifact.shipped_weights(made))
    assert_same(dict(back.buffers), dict(made.buffers))
    assert back.model["args"] == {"weights": None}
    assert sizes == packed.sizes(tmp_path / "model")
    assert sizes.state_bytes == 4 * (288 + 80 + 10 + 8 + 1)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_kept_artifact_is_the_same_to_the_bit(method, tmp_path: Path) -> None:
    made = through(method, network())
    artifact.save(made, tmp_path / "kept")
    back = artifact.load(tmp_path / "kept")
    assert back.model == made.model
    assert back.through == made.through
    assert back.shapes == made.shapes
    assert_same(back.split.train, made.split.train)
    assert_same(back.split.fixed, made.split.fixed)
    assert_same(dict(back.rest), dict(made.rest))
    assert_same(artifact.weights(back), artifact.weights(made))


def test_history_and_notes_are_kept(tmp_path: Path) -> None:
    made = Artifact(
        **{**vars(network()), "history": {"loss": [1.0, 1 / 3]}, "notes": {"r2": 0.1 + 0.2}}
    )
    artifact.save(made, tmp_path)
    back = artifact.load(tmp_path)
    assert back.history == {"loss": [1.0, 1 / 3]}
    assert back.notes == {"r2": 0.1 + 0.2}


def test_a_stage_starts_from_what_was_shipped() -> None:
    rough = through(Quantize(bits=2), network())
    again = through(Prune(sparsity=0.0), rough)
    assert_same(artifact.weights(again), artifact.shipped_weights(rough))
    assert again.through["component"] == "prune"


def test_what_was_not_taken_is_left_as_it_is() -> None:
    made = through(Quantize(bits=2, within=("conv.*",)), network())
    assert set(made.rest) == {"linear.weight", "linear.bias"}
    assert set(made.shapes) == {"conv.weight"}


def test_a_zeroed_field_in_the_file_changes_the_weights(tmp_path: Path) -> None:
    made = through(INWF(width=4, min_size=0), network())
    path = tmp_path / "model"
    artifact.ship(made, path)
    contents = packed.read(path)
    field = contents.packed["conv.weight"]["field"]
    parts = {**contents.packed["conv.weight"], "field": Stream(0 * field.values, field.bits)}
    changed = packed.Contents(
        **{**vars(contents), "packed": {**contents.packed, "conv.weight": parts}}
    )
    packed.write(path, changed)
    before, after = artifact.shipped_weights(made), artifact.load_shipped(path).rest
    assert not np.array_equal(before["conv.weight"], after["conv.weight"])
    np.testing.assert_array_equal(before["linear.weight"], after["linear.weight"])


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    artifact.save(network(), tmp_path)
    tensors = tmp_path / artifact.TENSORS
    tensors.write_bytes(tensors.read_bytes()[:50])
    with pytest.raises(CorruptFile, match="delete the folder and run again"):
        artifact.load(tmp_path)
    tensors.unlink()
    with pytest.raises(MissingFile, match=artifact.TENSORS):
        artifact.load(tmp_path)


def test_tensors_alone_are_no_checkpoint(tmp_path: Path) -> None:
    save_file({"rest/linear.weight": np.zeros(3)}, tmp_path / artifact.TENSORS)
    with pytest.raises(CorruptFile, match="delete the folder and run again"):
        artifact.load(tmp_path)


def test_the_same_artifact_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        artifact.save(network(), tmp_path / name)
    first, second = ((tmp_path / name / artifact.TENSORS).read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_zeroed_field_in_the_file_changes_the_logits(tmp_path: Path) -> None:
    net = MLP(width=16, layers=1)
    begun = artifact.plain(registry.value_of(net), *net.init(jax.random.key(0)))
    field = INWF(width=4, layers=1, min_size=100)
    made = artifact.reparametrize(begun, field, key=jax.random.key(1))
    path = tmp_path / "model"
    artifact.ship(made, path)
    images = jax.random.normal(jax.random.key(2), (3, *net.input_shape))
    before = logits_of_the_file(path, images)
    contents = packed.read(path)
    zeroed = {
        name: {**parts, "field": Stream(0 * parts["field"].values, parts["field"].bits)}
        for name, parts in contents.packed.items()
    }
    packed.write(path, packed.Contents(**{**vars(contents), "packed": zeroed}))
    assert np.abs(logits_of_the_file(path, images) - before).max() > 1e-3


def logits_of_the_file(path: Path, images: jax.Array) -> np.ndarray:
    loaded = artifact.load_shipped(path)
    net = registry.instantiate(loaded.model)
    logits, _ = net.apply(dict(loaded.rest), dict(loaded.buffers), images, train=False)
    return np.asarray(logits)
