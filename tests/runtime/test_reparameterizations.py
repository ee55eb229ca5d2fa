"""What every reparameterization promises. Methods are found in their folder; none is named here.

A method is built from its defaults, so every parameter of one needs a default.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array

from lab.runtime import artifact, packed, reparameterizations
from lab.runtime.bits import kind_of, packed_bytes
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.reparameterization import Packed, Reparameterization, Split, Stream
from lab.runtime.traced import bind, numbers

TOY = '''
from lab.runtime.reparameterizations.plain import Plain
from lab.spec.declare import component, parameter

@component("toy", kind="reparameterization", stage="apply")
class Toy(Plain):
    """Weights as they are."""

    factor: float = parameter(1.0, "unused")
'''


def found() -> Iterator[type[Reparameterization]]:
    for module in pkgutil.iter_modules(reparameterizations.__path__):
        members = vars(importlib.import_module(f"{reparameterizations.__name__}.{module.name}"))
        for member in members.values():
            about = getattr(member, "component", None)
            is_own = isinstance(member, type) and member.__module__.endswith(f".{module.name}")
            if is_own and about and about["kind"] == "reparameterization":
                yield member


METHODS = {method.component["name"]: method for method in found()}
OUTER = {n: m for n, m in METHODS.items() if any(f.name == "through" for f in fields(m))}
#: Methods that take another for their own numbers, with those that are made for training.
NESTED = {
    f"{outer}(through: {inner})": partial(METHODS[outer], through=method())
    for outer in OUTER
    for inner, method in METHODS.items()
    if method.component["stage"] == "train" and inner not in OUTER
}
ALL = {**METHODS, **NESTED}


@pytest.fixture(
    params=[*METHODS, *(pytest.param(name, marks=pytest.mark.verify) for name in NESTED)],
    name="method",
)
def _method(request: pytest.FixtureRequest) -> Reparameterization:
    return ALL[request.param]()


def weights_of(shapes: Mapping[str, tuple[int, ...]], seed: int = 1) -> dict[str, Array]:
    key = jax.random.key(seed)
    return {
        path: 0.1 * jax.random.normal(jax.random.fold_in(key, place), shape)
        for place, (path, shape) in enumerate(shapes.items())
    }


SHAPES = {
    "layer1.conv1.weight": (8, 4, 3, 3),
    "layer1.conv2.weight": (8, 4, 3, 3),
    "linear.weight": (10, 6),
}
WEIGHTS = weights_of(SHAPES)
TARGET = {path: 1.2 * values + 0.05 for path, values in WEIGHTS.items()}
MODEL = {"component": "nothing", "kind": "model", "args": {}}


def started(method: Reparameterization, seed: int = 0) -> Split:
    return method.init(WEIGHTS, key=jax.random.key(seed))


def moved(split: Split, seed: int = 5) -> Split:
    """The split somewhere on the way of a training, at numbers that no storage holds exactly."""
    key = jax.random.key(seed)
    train = {
        name: values + 1e-3 * jax.random.normal(jax.random.fold_in(key, place), values.shape)
        for place, (name, values) in enumerate(split.train.items())
    }
    return Split(train, split.fixed)


def loss(method: Reparameterization, train: dict[str, Array], fixed: dict[str, Array]) -> Array:
    made = method.materialize(Split(train, fixed))
    gaps = [jnp.mean(jnp.square(made[path] - TARGET[path])) for path in TARGET]
    return jnp.sum(jnp.stack(gaps)) + method.penalty(Split(train, fixed))


def trained(method: Reparameterization, steps: int) -> tuple[Split, list[float]]:
    split, adam = started(method), optax.adam(1e-3)

    @jax.jit
    def step(train: dict[str, Array], state: optax.OptState) -> tuple:
        value, slope = jax.value_and_grad(lambda train: loss(method, train, split.fixed))(train)
        moves, state = adam.update(slope, state, train)
        return optax.apply_updates(train, moves), state, value

    train, state, losses = split.train, adam.init(split.train), []
    for _ in range(steps):
        train, state, value = step(train, state)
        losses.append(float(value))
    return Split(train, split.fixed), losses


def contents_of(method: Reparameterization, split: Split) -> packed.Contents:
    return packed.Contents(model=MODEL, method=None, shapes=SHAPES, packed=method.pack(split))


def assert_equal(left: Mapping[str, Array], right: Mapping[str, Array]) -> None:
    assert set(left) == set(right)
    for name, values in left.items():
        np.testing.assert_array_equal(values, right[name], strict=False)
        assert np.shape(values) == np.shape(right[name])
        assert np.asarray(values).dtype == np.asarray(right[name]).dtype


def test_a_file_dropped_into_the_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_of_a_test.py").write_text(TOY)
    monkeypatch.setattr(
        reparameterizations, "__path__", [*reparameterizations.__path__, str(tmp_path)]
    )
    assert {method.component["name"] for method in found()} == {*METHODS, "toy"}


def test_paths_shapes_and_types_are_kept(method: Reparameterization) -> None:
    made = method.materialize(started(method))
    assert {path: values.shape for path, values in made.items()} == SHAPES
    assert {values.dtype for values in made.values()} == {jnp.dtype("float32")}


def test_unpack_of_pack_is_materialize_of_rounded(method: Reparameterization) -> None:
    for split in (started(method), moved(started(method))):
        made = method.unpack(method.pack(split), SHAPES)
        assert_equal(made, method.materialize(method.rounded(split)))


def test_rounding_twice_is_rounding_once(method: Reparameterization) -> None:
    once = method.rounded(moved(started(method)))
    twice = method.rounded(once)
    assert_equal(once.train, twice.train)
    assert_equal(once.fixed, twice.fixed)
    assert_equal(method.materialize(once), method.materialize(twice))


def test_numbers_fit_their_bits(method: Reparameterization) -> None:
    for parts in method.pack(moved(started(method))).values():
        for stream in parts.values():
            kind_of(stream)


def test_what_is_shipped_is_on_the_host(method: Reparameterization) -> None:
    for parts in method.pack(started(method)).values():
        assert all(isinstance(stream.values, np.ndarray) for stream in parts.values())


def test_a_fit_lowers_the_loss(method: Reparameterization) -> None:
    if started(method).train:
        _, losses = trained(method, 40)
        assert losses[-1] < 0.95 * losses[0]


def test_new_numbers_compile_nothing(method: Reparameterization) -> None:
    traces = []

    @jax.jit
    def step(values: dict[str, Array], split: Split) -> dict[str, Array]:
        traces.append(1)
        bound = bind(method, values)
        slope = jax.grad(lambda train: loss(bound, train, split.fixed))(split.train)
        return jax.tree.map(lambda value, change: value - 1e-3 * change, split.train, slope)

    values = numbers(method)
    for seed in range(3):
        split = started(method, seed)
        other = {path: value * (1 + 0.01 * seed) for path, value in values.items()}
        step(other, Split(step(other, split), split.fixed))
    assert len(traces) == 1


def test_a_key_decides_the_start(method: Reparameterization) -> None:
    assert_equal(started(method, 3).train, started(method, 3).train)
    assert_equal(started(method, 3).fixed, started(method, 3).fixed)


def test_layers_of_one_shape_start_different(method: Reparameterization) -> None:
    arrays = [np.asarray(values) for values in started(method).train.values()]
    varied = [values for values in arrays if values.size > 1 and np.ptp(values) > 0]
    for place, values in enumerate(varied):
        assert not any(np.array_equal(values, other) for other in varied[:place])


def test_every_group_has_a_finite_gradient_that_is_not_zero(method: Reparameterization) -> None:
    split, _ = trained(method, 2)
    slope = jax.jit(jax.grad(lambda train: loss(method, train, split.fixed)))(split.train)
    labels = method.labels(split)
    assert set(labels) == set(split.train)
    for label in set(labels.values()):
        parts = [np.ravel(slope[name]) for name in slope if labels[name] == label]
        assert np.all(np.isfinite(np.concatenate(parts)))
        assert np.any(np.concatenate(parts))


def test_a_checkpoint_is_exact_to_the_bit(method: Reparameterization, tmp_path: Path) -> None:
    split = moved(started(method))
    kept = artifact.Artifact(
        model=MODEL, through=None, split=split, rest={}, buffers={}, shapes=SHAPES
    )
    artifact.save(kept, tmp_path)
    back = artifact.load(tmp_path)
    assert_equal(back.split.train, split.train)
    assert_equal(back.split.fixed, split.fixed)
    assert_equal(method.materialize(back.split), method.materialize(split))


def test_bytes_on_disk_are_the_sum_of_the_streams(
    method: Reparameterization, tmp_path: Path
) -> None:
    shipped = method.pack(started(method))
    streams = [stream for parts in shipped.values() for stream in parts.values()]
    sizes = packed.write(tmp_path / "model", contents_of(method, started(method)))
    header = int.from_bytes((tmp_path / "model").read_bytes()[8:12], "little")
    frame = 12 + header + 32
    assert sizes.file_bytes == (tmp_path / "model").stat().st_size
    assert sizes.file_bytes == frame + sum(packed_bytes(s.values.size, s.bits) for s in streams)


def test_a_file_rebuilds_the_weights_and_zeros_in_it_change_them(
    method: Reparameterization, tmp_path: Path
) -> None:
    # On the way of a training: at its start, half of an adapter is zero and hides the other half.
    split = moved(started(method))
    packed.write(tmp_path / "model", contents_of(method, split))
    shipped = packed.read(tmp_path / "model").packed
    whole = method.unpack(shipped, SHAPES)
    assert_equal(whole, method.materialize(method.rounded(split)))
    for path in shipped:
        made = method.unpack(_blanked(shipped, path), SHAPES)
        assert any(not np.array_equal(made[name], whole[name]) for name in whole)


def _blanked(shipped: Packed, path: str) -> Packed:
    largest = max(shipped[path], key=lambda name: shipped[path][name].values.size)
    stream = shipped[path][largest]
    blank = Stream(np.zeros_like(stream.values), stream.bits)
    if stream.values.dtype.kind == "b":
        # A mask says how many numbers follow: turn it around in place of erasing it.
        blank = Stream(np.ascontiguousarray(stream.values.reshape(-1)[::-1]), stream.bits)
        blank = Stream(blank.values.reshape(stream.values.shape), stream.bits)
    return {**shipped, path: {**shipped[path], largest: blank}}


@pytest.mark.parametrize(
    "shape", [(), (7,), (1,), (4, 3, 3, 3), (1, 1), (0,), (0, 3)], ids=lambda shape: f"{shape}"
)
def test_odd_weights_are_taken_or_refused_by_name(
    method: Reparameterization, shape: tuple[int, ...]
) -> None:
    weights = weights_of({"odd.weight": shape})
    try:
        split = method.init(weights, key=jax.random.key(0))
    except UnsuitableWeights as refusal:
        assert "odd.weight" in str(refusal)  # noqa: PT017 - a refusal is one of two good ends
        return
    made = method.materialize(method.rounded(split))["odd.weight"]
    assert made.shape == shape
    assert np.all(np.isfinite(made))
    back = method.unpack(method.pack(split), {"odd.weight": shape})
    np.testing.assert_array_equal(back["odd.weight"], made)


def test_a_constant_tensor_makes_finite_weights(method: Reparameterization) -> None:
    for value in (0.0, 0.25):
        weights = {"flat.weight": jnp.full((4, 6), value)}
        split = method.init(weights, key=jax.random.key(0))
        slope = jax.grad(
            lambda train, fixed=split.fixed: jnp.sum(
                method.materialize(Split(train, fixed))["flat.weight"]
            )
        )(split.train)
        assert np.all(np.isfinite(method.materialize(split)["flat.weight"]))
        assert all(np.all(np.isfinite(part)) for part in slope.values())


def test_tensors_are_taken_and_others_left(method: Reparameterization) -> None:
    large = {"a.weight": jnp.ones((200, 100)), "a.bias": jnp.ones(200)}
    assert "a.weight" in method.choose(large)
