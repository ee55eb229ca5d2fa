"""Programs of large products: which they are, and that they compute the same."""

import math
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import kept_programs, products
from lab.runtime.executables import Kept

HERE = jax.default_backend() == "cpu" and platform.machine() in ("x86_64", "AMD64")


def chosen(function: Any, *shapes: tuple[int, ...]) -> bool:
    """Whether a program of arrays of these shapes has other kernels than XLA's own choice."""
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return bool(products.options(jax.jit(function).trace(*arrays).jaxpr))


def layers(x: Any, weight: Any) -> Any:
    for _ in range(8):
        x = jnp.tanh(x @ weight)
    return x


@pytest.mark.skipif(not HERE, reason="it is a matter of x86 processors")
def test_large_products_in_plenty_choose_the_kernels() -> None:
    shape, weight = (1024, 1024), (1024, 1024)
    assert chosen(layers, shape, weight)
    assert chosen(jax.jit(layers), shape, weight), "inside another program"
    assert chosen(jax.grad(lambda x, w: layers(x, w).sum()), (512, 1024), weight)
    assert chosen(
        lambda x, w: jax.lax.scan(lambda x, _: (layers(x, w), None), x, length=2)[0], shape, weight
    )
    assert not chosen(lambda x, w: x @ w, shape, weight), "one alone"
    assert not chosen(layers, (4096, 64), (64, 64)), "many small ones"
    assert not chosen(lambda x: x @ x.swapaxes(1, 2), (4096, 128, 64)), "many small ones at once"


def test_other_devices_and_numbers_keep_their_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "LARGE", 1)
    monkeypatch.setattr(products, "MANY", 1)
    half = jax.ShapeDtypeStruct((8, 8), jnp.bfloat16)
    assert not products.options(jax.jit(layers).trace(half, half).jaxpr)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not chosen(layers, (8, 8), (8, 8))


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "LARGE", 1)
    monkeypatch.setattr(products, "MANY", 1)


@pytest.fixture(params=["kept", "not kept"])
def cache(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Iterator[Path]:
    """A folder of programs, or none."""
    monkeypatch.setattr(kept_programs, "_BEGUN", math.inf)
    kept_programs.keep_in(tmp_path if request.param == "kept" else None)
    yield tmp_path
    kept_programs.keep_in(None)


def _stepped(state: dict[str, Any], x: Any, *, scale: float) -> tuple[dict[str, Any], Any]:
    answer = layers(x, state["weight"]) * scale
    return {"weight": state["weight"] + 0.1 * x.T @ answer}, answer


@pytest.mark.usefixtures("everything_is_large")
def test_a_program_of_large_products_computes_the_same(cache: Path) -> None:
    key = jax.random.key(0)
    weight = 0.1 * jax.random.normal(key, (48, 48))
    x = np.asarray(jax.random.normal(jax.random.key(1), (32, 48)))
    program = Kept(_stepped, static=("scale",), donate=True)
    expected = _stepped({"weight": weight}, x, scale=2.0)
    for rows in (32, 16, 32):
        given = {"weight": jnp.array(weight)}
        found = program(given, x[:rows], scale=2.0)
        np.testing.assert_allclose(found[1], expected[1][:rows], rtol=1e-5, atol=1e-6)
        assert given["weight"].is_deleted(), "a step takes the memory of its state over"
        if rows == 32:
            np.testing.assert_allclose(
                found[0]["weight"], expected[0]["weight"], rtol=1e-5, atol=1e-6
            )
    assert program.programs == 2
    # Not one of them can be written out.
    code = [path for path in cache.rglob("*") if path.is_file() and "code" in path.parts]
    assert not code or not HERE


@pytest.mark.usefixtures("everything_is_large")
def test_a_call_inside_a_program_is_part_of_that(cache: Path) -> None:
    program = Kept(_stepped, static=("scale",))
    weight, x = jnp.eye(8), jnp.ones((4, 8))
    inside = jax.jit(lambda x: program({"weight": weight}, x, scale=1.0)[1])
    np.testing.assert_allclose(inside(x), layers(x, weight), rtol=1e-6)
    assert not list(cache.rglob("code/*"))
