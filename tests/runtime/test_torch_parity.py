"""ResNet-20 against the same network written in torch: forward, backward, running statistics."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.models.resnet20 import DEVIATION, MEAN, ResNet20

torch = pytest.importorskip("torch")
functional = torch.nn.functional

State = dict[str, "torch.Tensor"]


def torch_forward(state: State, images: np.ndarray, *, train: bool) -> "torch.Tensor":
    norm = functools.partial(torch_norm, state, train=train)
    x = torch.tensor(images, dtype=next(iter(state.values())).dtype).permute(0, 3, 1, 2) / 255
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1).to(x.dtype) for v in (MEAN, DEVIATION))
    x = functional.conv2d((x - mean) / deviation, state["conv1.weight"], padding=1)
    x = functional.relu(norm(x, "bn1"))
    for stage in (1, 2, 3):
        for block in range(3):
            path, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            y = functional.conv2d(x, state[path + "conv1.weight"], stride=stride, padding=1)
            y = functional.relu(norm(y, path + "bn1"))
            y = norm(functional.conv2d(y, state[path + "conv2.weight"], padding=1), path + "bn2")
            if stride == 2:
                extra = y.shape[1] // 4
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra, extra))
            x = functional.relu(x + y)
    pooled = x.mean((2, 3))
    return functional.linear(pooled, state["linear.weight"], state["linear.bias"])


def torch_norm(state: State, x: "torch.Tensor", path: str, *, train: bool) -> "torch.Tensor":
    return functional.batch_norm(
        x,
        state[path + ".running_mean"],
        state[path + ".running_var"],
        state[path + ".weight"],
        state[path + ".bias"],
        training=train,
        momentum=0.1,
    )


@pytest.fixture(scope="module")
def network() -> tuple[dict, dict, np.ndarray, np.ndarray]:
    params, buffers = ResNet20().init(jax.random.key(11))
    random = np.random.default_rng(11)
    buffers = {
        p: jnp.asarray(random.uniform(0.5, 1.5, a.shape), jnp.float32) for p, a in buffers.items()
    }
    images = random.integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    return params, buffers, images, random.integers(0, 10, 6)


def as_torch(params: dict, buffers: dict) -> State:
    state = {
        p: torch.tensor(np.asarray(a), dtype=torch.float64)
        for p, a in {**params, **buffers}.items()
    }
    for path in params:
        state[path].requires_grad_()
    return state


def test_logits_in_evaluation_are_torchs(network: tuple) -> None:
    params, buffers, images, _ = network
    found, _ = ResNet20().apply(params, buffers, jnp.asarray(images), train=False)
    expected = torch_forward(as_torch(params, buffers), images, train=False).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_a_training_step_sees_torchs_loss_gradients_and_statistics(network: tuple) -> None:
    params, buffers, images, labels = network

    def loss(params: dict) -> tuple[jax.Array, dict]:
        logits, after = ResNet20().apply(params, buffers, jnp.asarray(images), train=True)
        return -jax.nn.log_softmax(logits)[jnp.arange(6), labels].mean(), after

    (value, after), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    state = as_torch(params, buffers)
    reference = functional.cross_entropy(
        torch_forward(state, images, train=True), torch.tensor(labels)
    )
    reference.backward()
    assert float(value) == pytest.approx(reference.item(), rel=1e-4)
    for path in after:
        np.testing.assert_allclose(after[path], state[path].numpy(), rtol=1e-3, atol=1e-5)
    # float32 against float64: a ReLU at zero may fall on either side, hence the norm.
    for path, gradient in gradients.items():
        expected = state[path].grad.numpy()
        assert np.linalg.norm(gradient - expected) <= 1e-2 * np.linalg.norm(expected), path
