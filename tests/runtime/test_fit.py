from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import artifact, fitting
from lab.runtime.artifact import Artifact
from lab.runtime.checkpoints import Checkpoints
from lab.runtime.errors import Diverged, UnsuitableSetting
from lab.runtime.explained import r2
from lab.runtime.fields import coordinates, field_at
from lab.runtime.losses.task import Task
from lab.runtime.objective import WholeWeights, objective_of
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.adamw import AdamW
from lab.runtime.optimizers.groups import Groups
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.reparameterizations.codeq import CoDeQ
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.reparameterizations.quantize import Quantize
from lab.runtime.stages.fit import Fit
from lab.runtime.work import Work
from lab.spec.units import Duration

SHAPES = {"a.weight": (6, 4, 3, 3), "b.weight": (6, 4, 3, 3), "c.weight": (10, 6), "a.bias": (6,)}
SMALL = INWF(width=8, layers=2, min_size=0)


def network(seed: int = 0) -> Artifact:
    """Smooth weights, which a field can fit."""
    key = jax.random.key(seed)
    params = {}
    for place, (path, shape) in enumerate(SHAPES.items()):
        c = coordinates(jnp.arange(int(np.prod(shape))), shape)
        slopes = jax.random.normal(jax.random.fold_in(key, place), (len(shape),))
        params[path] = (0.1 * jnp.sin(slopes @ c) + 0.02).reshape(shape)
    return artifact.plain({"component": "mlp", "kind": "model", "args": {}}, params, {})


def work(before: Artifact, seed: int = 0, seen: list | None = None) -> Work:
    return Work(
        inputs={"before": before},
        stream=lambda name: jax.random.fold_in(jax.random.key(seed), len(name)),
        progress=lambda *now: None if seen is None else seen.append(now),
        folder=Path(),
    )


def steps(count: int) -> Duration:
    return Duration(count, "steps")


def test_fields_come_close_to_smooth_weights_and_leave_the_rest() -> None:
    before = network()
    for batch in (None, 64):
        stage = Fit(through=SMALL, duration=steps(200), batch=batch, by=Adam(lr=5e-3))
        after = stage.run(work(before))
        assert after.notes["r2"] > 0.8
        assert set(after.rest) == {"a.bias"}
        assert set(after.shapes) == {"a.weight", "b.weight", "c.weight"}
        made = artifact.weights(after)
        for path, wanted in before.rest.items():
            assert made[path].shape == wanted.shape
        np.testing.assert_array_equal(made["a.bias"], before.rest["a.bias"])


def test_history_and_progress_tell_the_way() -> None:
    seen: list = []
    after = Fit(through=SMALL, duration=steps(120)).run(work(network(), seen=seen))
    assert after.history["step"][-1] == 120
    assert len(after.history["loss"]) == len(seen) == 40
    assert after.history["loss"][-1] < after.history["loss"][0]
    np.testing.assert_allclose(np.add(after.history["loss"], after.history["r2"]), 1)
    assert [now[:2] for now in seen[-1:]] == [(120, 120)]


def test_notes_are_the_r2_of_what_is_shipped() -> None:
    before = network()
    after = Fit(through=SMALL, duration=steps(50)).run(work(before))
    made = artifact.shipped_weights(after)
    scores = {p: r2(np.asarray(made[p]), np.asarray(before.rest[p])) for p in after.shapes}
    for path, score in scores.items():
        assert after.notes[f"r2:{path}"] == pytest.approx(score, abs=1e-9)
    mean = np.average(list(scores.values()), weights=[216, 216, 60])
    assert after.notes["r2"] == pytest.approx(mean, abs=1e-9)


def test_r2_of_a_constant_tensor_is_one_where_it_is_met() -> None:
    flat = np.full((3, 3), 0.5, np.float32)
    assert r2(flat, flat) == 1
    assert r2(flat + 1, flat) == 0


def test_a_stacked_fit_is_the_fit_of_each_tensor_alone() -> None:
    before = network()
    stage = Fit(through=SMALL, duration=steps(5), by=SGD(lr=1e-2))
    after = stage.run(work(before))
    begun = artifact.reparametrize(before, SMALL, key=work(before).stream("init"))
    for path in begun.shapes:
        target = before.rest[path]
        wanted = (jnp.ravel(target) - jnp.mean(target)) / jnp.std(target)
        points = coordinates(jnp.arange(target.size), target.shape)
        features = SMALL.architecture.features(points)
        field = field_at(path, begun.split.train, hidden=2)

        def loss(field, features=features, wanted=wanted):
            return jnp.mean((SMALL.architecture.values(field, features) - wanted) ** 2)

        for _ in range(5):
            field = jax.tree.map(lambda w, g: w - 1e-2 * g, field, jax.jit(jax.grad(loss))(field))
        ours = field_at(path, after.split.train, hidden=2)
        for left, right in zip(jax.tree.leaves(ours), jax.tree.leaves(field), strict=True):
            # Sums in another order.
            np.testing.assert_allclose(left, right, atol=1e-6)


def test_a_field_objective_is_the_whole_objective() -> None:
    before = network()
    begun = artifact.reparametrize(before, SMALL, key=jax.random.key(3))
    target = {path: before.rest[path] for path in begun.shapes}
    key = jax.random.key(4)
    fast, whole = objective_of(SMALL, target, batch=None), WholeWeights(SMALL)
    errors, slope = jax.jit(fast.gradients)(*fast.begin(begun.split, target), key=key)
    expected, plain = jax.jit(whole.gradients)(*whole.begin(begun.split, target), key=key)
    np.testing.assert_allclose(errors, expected, rtol=1e-5)
    named = fast.end(slope, begun.split).train
    for name, values in plain.items():
        np.testing.assert_allclose(named[name], values, atol=1e-5, rtol=1e-4)


def test_fields_through_another_method_have_the_gradients_of_the_whole() -> None:
    before, method = network(), INWF(width=8, layers=2, min_size=0, through=CoDeQ())
    begun = artifact.reparametrize(before, method, key=jax.random.key(3))
    target = {path: before.rest[path] for path in begun.shapes}
    key = jax.random.key(4)
    fast, whole = objective_of(method, target, batch=None), WholeWeights(method)
    errors, slope = jax.jit(fast.gradients)(*fast.begin(begun.split, target), key=key)
    expected, plain = jax.jit(whole.gradients)(*whole.begin(begun.split, target), key=key)
    np.testing.assert_allclose(errors, expected, rtol=1e-4)
    assert set(slope) == set(plain) == set(begun.split.train)
    for name, values in plain.items():
        np.testing.assert_allclose(slope[name], values, atol=1e-3, rtol=1e-3)


def test_groups_of_a_fit_move_each_with_its_own_optimizer() -> None:
    method = INWF(width=8, layers=1, min_size=0, through=CoDeQ())
    by = Groups(groups={"weights": Adam(lr=1e-3), "theta_bit": AdamW(lr=0.05, decay=1.0)})
    still = Groups(groups={"weights": Adam(lr=1e-3), "theta_bit": SGD(lr=0.0)})
    made = [
        Fit(through=method, duration=steps(30), by=one, batch=16).run(work(network()))
        for one in (by, still)
    ]
    thetas = [
        {n: float(v) for n, v in one.split.train.items() if n.endswith("theta_bit")} for one in made
    ]
    assert set(thetas[1].values()) == {3.0}
    assert max(thetas[0].values()) < 1.5
    assert made[0].through == made[1].through


def test_a_batch_is_an_unbiased_sample_of_all_coordinates() -> None:
    before = network()
    begun = artifact.reparametrize(before, SMALL, key=jax.random.key(3))
    target = {path: before.rest[path] for path in begun.shapes}
    all_of_it = objective_of(SMALL, target, batch=None)
    sample = objective_of(SMALL, target, batch=5000)
    key = jax.random.key(11)
    errors, found = (
        jax.jit(some.gradients)(*some.begin(begun.split, target), key=key)[0]
        for some in (all_of_it, sample)
    )
    np.testing.assert_allclose(found, errors, rtol=0.1)


def test_a_hundred_learning_rates_compile_once() -> None:
    before = network()
    fitting._programs.clear()
    for place in range(100):
        method = INWF(width=8, layers=2, min_size=0, w0=20.0 + place)
        stage = Fit(through=method, duration=steps(1), batch=8, by=Adam(lr=1e-3 * (place + 1)))
        stage.run(work(before, seed=place))
    (program,) = fitting._programs.values()
    assert program.programs == 1


def test_learning_rates_matter_although_they_share_a_program() -> None:
    before = network()
    slow, fast = (
        Fit(through=SMALL, duration=steps(20), by=Adam(lr=lr)).run(work(before))
        for lr in (1e-6, 1e-2)
    )
    assert fast.notes["r2"] > slow.notes["r2"] + 0.1


def test_seeds_decide_a_fit_to_the_bit() -> None:
    before = network()
    stage = Fit(through=SMALL, duration=steps(10), batch=16)
    first, again, other = (stage.run(work(before, seed=seed)).split.train for seed in (1, 1, 2))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert not np.array_equal(values, other[name])


def test_any_reparameterization_can_be_fitted_to_all_weights() -> None:
    before = network()
    after = Fit(through=Quantize(bits=4), duration=steps(3), by=Adam(lr=1e-4)).run(work(before))
    assert after.notes["r2"] > 0.8


def test_a_batch_of_what_has_no_coordinates_is_refused() -> None:
    with pytest.raises(UnsuitableSetting, match="`quantize` makes all weights at once"):
        Fit(through=Quantize(), batch=8).run(work(network()))


def test_a_fit_without_data_has_no_other_loss() -> None:
    with pytest.raises(UnsuitableSetting, match="its loss is `reconstruction`"):
        Fit(through=SMALL, loss=Task()).run(work(network()))


def test_a_fit_without_data_has_no_epochs() -> None:
    with pytest.raises(UnsuitableSetting, match="so many steps, and not epochs"):
        Fit(through=SMALL, duration=Duration(1, "epochs")).run(work(network()))


def test_a_fit_that_diverges_says_at_which_step() -> None:
    with pytest.raises(Diverged, match=r"at step .* of 50"):
        Fit(through=SMALL, duration=steps(50), by=Adam(lr=1e30)).run(work(network()))


def test_an_optimizer_may_have_a_schedule() -> None:
    pieces = [
        {"value": 0.0, "for": {"duration": 10, "unit": "steps"}},
        {"value": 1e-2, "for": None},
    ]
    by = Adam(lr={"schedule": "pieces", "pieces": pieces})
    losses = Fit(through=SMALL, duration=steps(20), by=by).run(work(network())).history["loss"]
    np.testing.assert_allclose(losses[:11], losses[0], rtol=1e-5)
    assert losses[-1] < losses[0]


def test_a_stack_that_is_cut_has_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    before = network()
    begun = artifact.reparametrize(before, SMALL, key=jax.random.key(3))
    target = {path: before.rest[path] for path in begun.shapes}
    for batch in (None, 50):
        some = objective_of(SMALL, target, batch=batch)

        def gradients(some=some):
            at = jax.jit(lambda *state: some.gradients(*state, key=jax.random.key(4)))
            return at(*some.begin(begun.split, target))

        whole = gradients()
        with monkeypatch.context() as patched:
            patched.setattr("lab.runtime.field_objective.CACHED", 8 * 50)
            patched.setattr("lab.runtime.field_objective.WORTH_CUTTING", 1)
            cut = gradients()
        for left, right in zip(jax.tree.leaves(cut), jax.tree.leaves(whole), strict=True):
            np.testing.assert_allclose(left, right, atol=1e-5, rtol=1e-4)


class Killed(BaseException):
    """Ends a stage as a kill would: nothing catches it."""


@pytest.mark.parametrize("batch", [None, pytest.param(64, marks=pytest.mark.verify)])
def test_a_fit_that_was_killed_goes_on_to_the_same_bits(tmp_path: Path, batch: int | None) -> None:
    stage = Fit(through=SMALL, duration=steps(60), batch=batch, by=Adam(lr=5e-3))
    whole = stage.run(work(network()))

    def die(step: int, *_: object) -> None:
        if step >= 40:
            raise Killed

    at_every_look = Checkpoints(tmp_path / "key", 0)
    with pytest.raises(Killed):
        stage.run(replace(work(network()), progress=die, checkpoints=at_every_look))
    seen: list = []
    again = replace(work(network(), seen=seen), checkpoints=Checkpoints(tmp_path / "key", 60))
    resumed = stage.run(again)
    assert seen[0][0] > 36, "it went on from where it stood"
    assert resumed.history == whole.history
    for path, numbers in whole.split.train.items():
        np.testing.assert_array_equal(resumed.split.train[path], numbers)
