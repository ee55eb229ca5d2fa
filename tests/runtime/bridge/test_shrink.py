"""Physically pruned torch modules, and the layer graph of this package's own networks.

Tolerances are relative to the largest logit: sums of fewer terms round in another order.
"""

import io

import numpy as np
import torch
from torch import nn

from lab.runtime.bridge.shrink import without, without_dead
from lab.runtime.bridge.twins import conversion_of
from lab.runtime.foreign.channels import channels
from lab.runtime.foreign.macs import macs
from lab.runtime.models.resnet20 import ResNet20


class Residual(nn.Module):
    """A stem and one residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv1, self.bn1 = nn.Conv2d(6, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 6, 1, bias=False), nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn(self.stem(x)))
        inner = torch.relu(self.bn1(self.conv1(x)))
        return self.head(torch.relu(x + self.bn2(self.conv2(inner))).mean((2, 3)))


def with_dead_channels() -> tuple[Residual, dict[str, torch.Tensor]]:
    """Of eight inner channels the ReLU stops one, one is constant and one is read by nobody."""
    torch.manual_seed(0)
    module = Residual().eval()
    with torch.no_grad():
        module.conv1.weight[[0, 1]] = 0
        module.bn1.bias[0], module.bn1.bias[1] = -1, 2
        module.conv2.weight[:, 2] = 0
    return module, {"x": torch.randn(3, 3, 8, 8)}


def assert_close(one: torch.Tensor, other: torch.Tensor) -> None:
    assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_a_module_without_its_dead_channels_gives_the_same_logits():
    module, inputs = with_dead_channels()
    smaller = without_dead(module, inputs)
    assert (smaller.channels, smaller.left) == (14, 11)
    state = smaller.module.state_dict()
    assert state["conv1.weight"].shape == (5, 6, 3, 3)
    assert state["conv2.weight"].shape == (6, 5, 1, 1)
    with torch.no_grad():
        assert_close(smaller.module(**inputs), module(**inputs))
    assert smaller.macs_before - smaller.macs == 64 * (3 * 6 * 9 + 3 * 6)


def test_a_module_without_dead_channels_is_exported_and_loaded_again():
    module, inputs = with_dead_channels()
    smaller = without_dead(module, inputs)
    file = io.BytesIO()
    batch = torch.export.Dim("batch")
    shapes = {"x": {0: batch}}
    program = torch.export.export(smaller.module, (), inputs, dynamic_shapes=shapes)
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    with torch.no_grad():
        assert_close(loaded(x=inputs["x"][:2]), module(inputs["x"][:2]))


def test_a_module_is_what_it_was_after_it_was_made_smaller():
    module, inputs = with_dead_channels()
    before = {name: values.clone() for name, values in module.state_dict().items()}
    without_dead(module, inputs)
    assert all(torch.equal(before[name], values) for name, values in module.state_dict().items())
    assert not module.training


def test_chosen_channels_are_left_out():
    module, inputs = with_dead_channels()
    with torch.no_grad():
        module.head.weight[:, 4] = 0
    smaller = without_dead(module, inputs)
    keep = np.ones(int(max(u.max() for axes in axes_of(module, inputs) for u in axes)) + 1, bool)
    assert without(module, inputs, keep).left == smaller.channels


def axes_of(module: nn.Module, inputs: dict[str, torch.Tensor]):
    from lab.runtime.bridge.exported import convert

    return channels(convert(module, inputs, about={}).evaluating).axes.values()


def test_resnet20_has_its_layer_graph_and_its_multiplications_through_its_twin():
    model = ResNet20()
    made = conversion_of(model, {"component": "resnet20", "args": {"width": 16, "classes": 10}})
    assert macs(made.evaluating) == 40_551_040
    layers = channels(made.evaluating)
    params, buffers = model.shapes()
    assert {n: tuple(map(len, axes)) for n, axes in layers.axes.items()} == {**params, **buffers}
    # Inner channels of nine blocks; the stream of all stages, of the last two, and of the last.
    widths = sorted(len(group.units) for group in layers.removable())
    assert widths == [16, 16, 16, 16, 16, 32, 32, 32, 32, 64, 64, 64]
