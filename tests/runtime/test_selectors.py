"""What every selector promises, found in the folder, and what AST does."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import registry
from lab.runtime.clock import Clock
from lab.runtime.selector import Memory, Selector
from lab.runtime.selectors.ast import AST, chances_of
from lab.runtime.selectors.random import Random

CLOCK = Clock(0, 100)
BATCH = 64


def members() -> list[type]:
    found = registry.catalog().signatures.items()
    return [registry.component_class(s) for (kind, _), s in found if kind == "selector"]


SELECTORS = pytest.mark.parametrize("cls", members(), ids=lambda cls: cls.component["name"])


def scored(selector: Selector, seed: int, *, batch: int = BATCH) -> Any:
    if not selector.needs_losses:
        return None
    logits = jax.random.normal(jax.random.key(seed), (batch, 10))
    return selector.score(-jax.nn.log_softmax(logits)[:, 0], logits)


@SELECTORS
@pytest.mark.parametrize("batch", [1, 10, 37])
def test_a_selector_chooses_as_many_rows_as_it_says(cls: type[Selector], batch: int) -> None:
    selector = cls()
    scores = scored(selector, 1, batch=batch)
    choice = selector.select(scores, selector.begin(), jax.random.key(61), batch=batch, clock=CLOCK)
    assert choice.rows.shape == choice.shares.shape == (selector.count(batch),)
    assert len(set(choice.rows.tolist())) == selector.count(batch) >= 1
    assert set(choice.rows.tolist()) <= set(range(batch))
    assert (np.asarray(choice.shares) >= 0).all()


@SELECTORS
def test_shares_make_a_mean(cls: type[Selector]) -> None:
    selector = cls()
    shares = selector.select(
        scored(selector, 2), selector.begin(), jax.random.key(2), batch=BATCH, clock=CLOCK
    ).shares
    assert float(shares.sum()) == pytest.approx(len(shares), rel=1e-5)


@SELECTORS
def test_a_memory_keeps_its_form_and_is_traced_once(cls: type[Selector]) -> None:
    selector, traces = cls(), 0

    @jax.jit
    def step(memory: Memory, scores: Any, key: Any, now: Any) -> Memory:
        nonlocal traces
        traces += 1
        clock = Clock(now, 100)
        return selector.select(scores, memory, key, batch=BATCH, clock=clock).memory

    memory = selector.begin()
    form = jax.tree.map(lambda part: (part.shape, part.dtype), memory)
    for now in range(3):
        memory = step(memory, scored(selector, now), jax.random.key(now), jnp.int32(now))
        assert jax.tree.map(lambda part: (part.shape, part.dtype), memory) == form
    assert traces == 1
    assert all(np.isfinite(part) for part in selector.curves(memory).values())


@SELECTORS
def test_a_choice_depends_on_its_key_alone(cls: type[Selector]) -> None:
    selector = cls()
    one, again = (
        selector.select(
            scored(selector, 3), selector.begin(), jax.random.key(7), batch=BATCH, clock=CLOCK
        )
        for _ in range(2)
    )
    assert (one.rows == again.rows).all()
    assert (one.shares == again.shares).all()


def test_a_random_choice_takes_every_row_equally_often() -> None:
    def rows(key: Any) -> Any:
        return Random(rate=0.5).select(None, {}, key, batch=4, clock=CLOCK).rows

    chosen = jax.vmap(rows)(jax.random.split(jax.random.key(63), 800))
    counts = np.bincount(np.asarray(chosen).ravel(), minlength=4)
    # Five standard deviations of 800 fair choices of two in four.
    assert np.abs(counts - 400).max() < 5 * math.sqrt(800 * 0.25)


# AST


def run(selector: AST, steps: int, *, drift: float = 0.0) -> list[dict[str, float]]:
    """The curves of a selector on batches whose losses fall by `drift` a step."""

    @jax.jit
    def step(memory: Memory, now: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(5), now)
        scores = jnp.exp(jax.random.normal(key, (BATCH,))) * jnp.exp(-drift * now)
        clock = Clock(now, steps)
        memory = selector.select(scores, memory, key, batch=BATCH, clock=clock).memory
        return memory, selector.curves(memory)

    memory, seen = selector.begin(), []
    for now in range(steps):
        memory, curves = step(memory, jnp.int32(now))
        seen.append({name: float(value) for name, value in curves.items()})
    return seen


@pytest.mark.parametrize("controller", ["pi", "quantile"])
@pytest.mark.parametrize("target", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("drift", [0.0, 0.02])
def test_the_controller_holds_the_rate_at_its_target(
    controller: Any, target: float, drift: float
) -> None:
    seen = run(AST(target=target, controller=controller), 300, drift=drift)
    late = np.mean([one["activation_rate"] for one in seen[100:]])
    assert abs(late - target) < 0.03


@pytest.mark.parametrize("start", [-3.0, 3.0])
def test_a_rate_that_is_too_high_raises_the_threshold(start: float) -> None:
    selector = AST(target=0.25)
    memory = {**selector.begin(), "seen": jnp.ones(()), "threshold": jnp.float32(start)}
    memory |= {"spread": jnp.ones(())}
    scores = jax.random.normal(jax.random.key(8), (BATCH,))
    after = selector.select(scores, memory, jax.random.key(0), batch=BATCH, clock=CLOCK).memory
    assert (float(after["threshold"]) > start) == (start < 0)
    assert float(after["rate"]) == (1.0 if start < 0 else 0.0)


def test_errors_add_up_to_a_bound() -> None:
    selector = AST(target=0.25, kp=0.0, ki=0.0)
    memory = {**selector.begin(), "seen": jnp.ones(()), "threshold": jnp.float32(-100.0)}
    scores = jax.random.normal(jax.random.key(9), (BATCH,))
    for _ in range(40):
        memory = selector.select(scores, memory, jax.random.key(0), batch=BATCH, clock=CLOCK).memory
    assert float(memory["errors"]) == 1.0


def test_a_warm_up_of_zero_keeps_the_threshold() -> None:
    selector = AST(target=0.25, warmup=0.0)
    memory = {**selector.begin(), "seen": jnp.ones(()), "threshold": jnp.float32(-3.0)}
    scores = jax.random.normal(jax.random.key(10), (BATCH,))
    after = selector.select(scores, memory, jax.random.key(0), batch=BATCH, clock=CLOCK).memory
    assert float(after["threshold"]) == -3.0


def test_the_highest_scores_are_chosen_exactly() -> None:
    scores = jax.random.normal(jax.random.key(11), (BATCH,))
    selector = AST(target=0.25, controller="topk")
    choice = selector.select(scores, selector.begin(), jax.random.key(0), batch=BATCH, clock=CLOCK)
    assert set(choice.rows.tolist()) == set(np.argsort(-np.asarray(scores))[:16].tolist())
    assert (choice.shares == 1).all()
    assert selector.count(BATCH) == 16


def test_below_the_threshold_only_the_least_number_has_a_share() -> None:
    selector = AST(target=0.25, min_active=5)
    memory = {**selector.begin(), "seen": jnp.ones(()), "threshold": jnp.float32(100.0)}
    scores = jax.random.normal(jax.random.key(12), (BATCH,))
    choice = selector.select(scores, memory, jax.random.key(0), batch=BATCH, clock=CLOCK)
    active = np.asarray(choice.shares) > 0
    assert active.sum() == 5
    assert set(np.asarray(choice.rows)[active]) == set(np.argsort(-np.asarray(scores))[:5])
    np.testing.assert_allclose(np.asarray(choice.shares)[active], 16 / 5, rtol=1e-6)


@pytest.mark.parametrize(("rate", "batch", "count"), [(0.1, 30, 4), (0.25, 10, 4), (0.5, 30, 15)])
def test_the_capacity_is_the_rate_rounded_up_or_the_least_number(
    rate: float, batch: int, count: int
) -> None:
    assert AST(target=rate).count(batch) == count
    assert AST(target=0.1, min_active=1).count(30) == 3


def test_the_score_is_loss_and_entropy() -> None:
    logits = jnp.array([[0.0, 0.0], [100.0, 0.0]])
    found = AST(entropy=0.5).score(jnp.array([1.0, 2.0]), logits)
    np.testing.assert_allclose(found, [1 + 0.5 * math.log(2), 2.0], rtol=1e-6)


@pytest.mark.parametrize("count", [1, 5, 20, 39, 40])
def test_chances_add_up_and_stay_below_one(count: int) -> None:
    worth = jnp.exp(2 * jax.random.normal(jax.random.key(13), (40,)))
    chances = chances_of(worth, count)
    assert float(chances.sum()) == pytest.approx(count, rel=1e-5)
    assert float(chances.max()) <= 1 + 1e-6
    assert float(chances.min()) > 0
    below = np.asarray(chances) < 0.999
    if below.sum() > 1:
        ranks = np.argsort(np.asarray(worth)[below])
        assert (np.diff(np.asarray(chances)[below][ranks]) >= -1e-7).all()


def test_weights_of_drawn_examples_make_the_mean_unbiased() -> None:
    selector = AST(target=0.25, reweight=True)
    scores = jnp.exp(jax.random.normal(jax.random.key(14), (BATCH,)))
    values = jnp.arange(float(BATCH))

    def mean(key: Any) -> Any:
        choice = selector.select(scores, selector.begin(), key, batch=BATCH, clock=CLOCK)
        return jnp.mean(choice.shares * values[choice.rows])

    means = np.asarray(jax.vmap(mean)(jax.random.split(jax.random.key(15), 4000)))
    # Five standard errors.
    assert abs(means.mean() - float(values.mean())) < 5 * means.std() / 4000**0.5
