"""What a torch module costs for one example, counted as it runs.

Multiplications are those of matrix products and convolutions; activations the numbers that its
operators make, without views of what is there already, as the way back keeps them.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode


class _Activations(TorchDispatchMode):
    """Adds up the floating-point numbers of new arrays."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator, and count what it made."""
        del types
        result = func(*args, **(kwargs or {}))
        known = {one.untyped_storage()._cdata for one in args if isinstance(one, torch.Tensor)}
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor) and one.is_floating_point():
                self.count += one.numel() * (one.untyped_storage()._cdata not in known)
        return result


def costs(module: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Multiplications and activations of one example, in evaluation mode."""
    one = {name: values[:1] for name, values in inputs.items()}
    was_training = module.training
    module.eval()
    # The fused kernel would be one operator whose inside nobody counts.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as flops:
            module(**one)
        with _Activations() as made:
            module(**one)
    module.train(was_training)
    return {"macs": flops.get_total_flops() // 2, "activations": made.count}
