"""Multiplications of one example, operator by operator, against sums done by hand."""

import pytest
import torch
from torch import nn

from lab.runtime.bridge.exported import convert
from lab.runtime.foreign.macs import Cost, costs, macs


class Products(nn.Module):
    """Products of two computed values, by three operators."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        scores = torch.matmul(x, x.transpose(1, 2))
        shares = torch.einsum("bij,bjk->bik", scores, x)
        return nn.functional.scaled_dot_product_attention(shares, x, x).sum((1, 2))


def costs_of(module: nn.Module, *shape: int) -> tuple[Cost, ...]:
    return costs(convert(module.eval(), {"input": torch.randn(2, *shape)}, about={}).evaluating)


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (3, 10, 10), 8 * 10 * 10 * 3 * 9),
        (nn.Conv2d(3, 8, 3, stride=2, padding=1), (3, 10, 10), 8 * 5 * 5 * 3 * 9),
        (nn.Conv2d(6, 12, 3, groups=3), (6, 10, 10), 12 * 8 * 8 * 2 * 9),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (4, 5, 5), 4 * 5 * 5 * 6 * 4),
        (nn.Conv1d(2, 4, 3), (2, 9), 4 * 7 * 2 * 3),
        (nn.Linear(6, 5), (7, 6), 7 * 6 * 5),
    ],
)
def test_one_layer_costs_what_its_definition_says(module, shape, expected):
    (cost,) = costs_of(nn.Sequential(module), *shape)
    assert cost.macs == expected
    assert cost.weight == "0.weight"


def test_products_of_computed_values_are_counted_for_one_example():
    module = Products().eval()
    graph = convert(module, {"x": torch.randn(3, 4, 6)}, about={}).evaluating
    assert macs(graph) == 4 * 6 * 8 + 4 * 4 * 8 + 4 * 4 * 8 + 2 * 4 * 4 * 8
    assert {cost.weight for cost in costs(graph)} == {"linear.weight", ""}
