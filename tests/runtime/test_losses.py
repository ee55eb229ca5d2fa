"""What every loss promises, found in the folder; sums, weights and schedules of losses."""

from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import registry
from lab.runtime.clock import Clock
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.loss import Loss, terms_of
from lab.runtime.losses.distill import Distill
from lab.runtime.losses.group_lasso_channels import GroupLassoChannels
from lab.runtime.losses.reconstruction import Reconstruction
from lab.runtime.losses.task import Task
from lab.runtime.traced import bind, numbers, program_key

LOGITS = jax.random.normal(jax.random.key(1), (6, 5))
LABELS = jnp.array([0, 1, 2, 3, 4, 0])
TEACHER = jax.random.normal(jax.random.key(2), (6, 5))
WEIGHTS = {"a.weight": jax.random.normal(jax.random.key(3), (4, 3, 3, 3)), "a.bias": jnp.ones(4)}
START = {path: 1.1 * values for path, values in WEIGHTS.items()}


def members() -> list[type]:
    found = registry.catalog().signatures.items()
    return [registry.component_class(s) for (kind, _), s in found if kind == "loss"]


def made(cls: Any) -> Loss:
    arms = {info.name: "loss.from" for info in fields(cls) if info.name == "source"}
    return cls(**arms)


LOSSES = pytest.mark.parametrize("cls", members(), ids=lambda cls: cls.component["name"])


@LOSSES
@pytest.mark.parametrize("targets", [LABELS, jax.nn.one_hot(LABELS, 5)], ids=["classes", "shares"])
def test_a_loss_is_a_number_for_each_example_and_one_of_the_weights(cls: Any, targets: Any) -> None:
    loss = made(cls)
    found = loss.per_example(LOGITS, targets, teacher=TEACHER)
    whole = loss.of_weights(WEIGHTS, start=START)
    assert found.shape == (6,)
    assert whole.shape == ()
    assert (np.asarray(found) >= 0).all()
    assert float(whole) >= 0
    assert float(found.sum() + whole) > 0


@LOSSES
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 1e3])
def test_gradients_are_finite_even_at_zero(cls: Any, scale: float) -> None:
    loss = made(cls)

    def total(logits: Any, weights: Any) -> Any:
        examples = loss.per_example(logits, LABELS, teacher=TEACHER)
        return examples.sum() + loss.of_weights(weights, start=START)

    weights = {path: scale * values for path, values in WEIGHTS.items()}
    slopes = jax.grad(total, argnums=(0, 1))(scale * LOGITS, weights)
    assert all(np.isfinite(part).all() for part in jax.tree.leaves(slopes))


@LOSSES
def test_traced_numbers_of_a_loss_compile_nothing(cls: Any) -> None:
    loss, traces = made(cls), 0

    @jax.jit
    def step(values: Any) -> Any:
        nonlocal traces
        traces += 1
        bound = bind(loss, values)
        found = bound.per_example(LOGITS, LABELS, teacher=TEACHER)
        return found.sum() + bound.of_weights(WEIGHTS, start=START)

    for factor in (1.0, 1.5):
        step({name: factor * value for name, value in numbers(loss).items()})
    assert traces == 1


def test_shares_of_one_class_are_its_label() -> None:
    one = Task(label_smoothing=0.1).per_example(LOGITS, LABELS)
    two = Task(label_smoothing=0.1).per_example(LOGITS, jax.nn.one_hot(LABELS, 5))
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_distillation_is_torchs_divergence() -> None:
    torch = pytest.importorskip("torch")
    wanted = torch.tensor(np.asarray(TEACHER) / 3).log_softmax(1)
    found = torch.tensor(np.asarray(LOGITS) / 3).log_softmax(1)
    divergence = torch.nn.functional.kl_div(found, wanted, reduction="none", log_target=True)
    expected = 9 * divergence.sum(1).numpy()
    ours = Distill(source="t", temperature=3.0).per_example(LOGITS, LABELS, teacher=TEACHER)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_a_teacher_of_equal_mind_costs_nothing_and_pulls_nowhere() -> None:
    loss = Distill(source="t", temperature=4.0)
    slope = jax.grad(lambda x: loss.per_example(x, LABELS, teacher=LOGITS).sum())(LOGITS)
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_group_lasso_adds_up_norms_of_output_channels_of_tensors() -> None:
    found = GroupLassoChannels().of_weights(WEIGHTS, start={})
    kernels = np.asarray(WEIGHTS["a.weight"]).reshape(4, -1)
    assert float(found) == pytest.approx(np.linalg.norm(kernels, axis=1).sum(), rel=1e-5)


def test_group_lasso_draws_a_channel_along_itself_and_leaves_a_dead_one() -> None:
    weights = {"w": jnp.array([[3.0, 4.0], [0.0, 0.0]])}
    slope = jax.grad(lambda w: GroupLassoChannels().of_weights(w, start={}))(weights)["w"]
    np.testing.assert_allclose(slope, [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)


def test_reconstruction_counts_from_where_the_stage_began() -> None:
    assert float(Reconstruction().of_weights(WEIGHTS, start=WEIGHTS)) == 0
    gap = np.asarray(START["a.weight"] - WEIGHTS["a.weight"])
    expected = (gap**2).mean() / np.asarray(START["a.weight"]).var()
    found = Reconstruction().of_weights(WEIGHTS, start=START)
    assert float(found) == pytest.approx(expected, rel=1e-5)


# Sums


def scheduled(weight: Any, name: str, **args: Any) -> dict[str, Any]:
    loss = {"component": name, "kind": "loss", "args": args}
    return {"schedule": "product", "of": [weight, loss]}


LATER = {
    "schedule": "pieces",
    "pieces": [
        {"value": 0.0, "for": {"duration": 0.5, "unit": "share"}},
        {"value": 0.25, "for": None},
    ],
}
BOTH = {
    "schedule": "sum",
    "of": [
        {"component": "task", "kind": "loss", "args": {"label_smoothing": 0.0}},
        scheduled(LATER, "distill", **{"from": {"input": "loss.from"}, "temperature": 2.0}),
    ],
}


def test_a_scheduled_term_comes_in_when_its_schedule_says() -> None:
    terms = terms_of(BOTH)
    assert terms.teachers == ("loss.from",)
    task = Task().per_example(LOGITS, LABELS)
    distilled = Distill(source="t", temperature=2.0).per_example(LOGITS, LABELS, teacher=TEACHER)
    for step, weight in ((0, 0.0), (4, 0.0), (5, 0.25), (9, 0.25)):
        found = terms.per_example(
            LOGITS, LABELS, teachers={"loss.from": TEACHER}, clock=Clock(step, 10)
        )
        np.testing.assert_allclose(found, task + weight * distilled, rtol=1e-6)


def test_a_factor_before_a_sum_scales_every_term() -> None:
    value = {"schedule": "product", "of": [0.5, {"schedule": "product", "of": [3.0, BOTH]}]}
    found = terms_of(value).per_example(
        LOGITS, LABELS, teachers={"loss.from": TEACHER}, clock=Clock(0, 10)
    )
    np.testing.assert_allclose(found, 1.5 * Task().per_example(LOGITS, LABELS), rtol=1e-6)


def test_weights_and_temperatures_are_traced() -> None:
    def value(weight: float, temperature: float) -> Any:
        args = {"from": {"input": "loss.from"}, "temperature": temperature}
        return terms_of(scheduled(weight, "distill", **args))

    assert program_key(value(0.5, 2.0)) == program_key(value(0.7, 4.0))
    assert sorted(float(v) for v in numbers(value(0.5, 2.0)).values()) == [0.5, 1.0, 2.0]


def test_a_product_of_losses_is_refused() -> None:
    task = {"component": "task", "kind": "loss", "args": {"label_smoothing": 0.0}}
    with pytest.raises(UnsuitableSetting, match="a product of losses has no meaning"):
        terms_of({"schedule": "product", "of": [task, task]})
    with pytest.raises(UnsuitableSetting, match="is no loss"):
        terms_of(0.5)
