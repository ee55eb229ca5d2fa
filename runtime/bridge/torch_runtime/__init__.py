"""Models that `lab` exported, in torch: nothing but torch and safetensors is needed.

`load` puts a compact file into a torch module: each weight that a method made is a parametrization
that computes it from what was shipped (whole-number codes, the numbers of a field, an adapter), so
that the module is as small in memory as in the file.

    model = load("model.safetensors")          # or load("model.safetensors", module)
    with cached():                             # each weight is computed once in here
        logits = model(images)
    with streaming(model, budget=8_000_000) as report:
        logits = model(images)                 # weights in 8 MB at a time, the others forgotten
    fold(model)                                # an ordinary dense module from now on
"""

from torch.nn.utils.parametrize import cached

from .loading import build, fold, load
from .reading import BadExport, Contents, read
from .streaming import Report, streaming

__all__ = [
    "BadExport",
    "Contents",
    "Report",
    "build",
    "cached",
    "fold",
    "load",
    "read",
    "streaming",
]
