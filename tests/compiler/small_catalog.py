"""A small catalog that never changes: its versions are constants, so keys made of it are too."""

from dataclasses import replace
from functools import cache

from lab.spec.catalog import catalog_of
from lab.spec.signature import Catalog
from lab.spec.source import Source

TEXT = '''
@component("fourier", kind="encoding")
class Fourier:
    """Sines."""
    bands: int = parameter(4, "how many", low=1, positional=True)

@component("gaussian", kind="encoding")
class Gaussian:
    """Random sines."""
    scale: float = parameter(1.0, "of frequencies", above=0)
    bands: int = parameter(8, "how many", low=1)

@component("adam", kind="optimizer")
class Adam:
    """Adam."""
    lr: Schedule = parameter(1e-3, "rate", low=0, traced=True)
    b1: float = parameter(0.9, "decay of the first moment", low=0, below=1)

@component("sgd", kind="optimizer")
class Sgd:
    """Descent."""
    lr: Schedule = parameter(0.1, "rate", low=0, traced=True)
    momentum: float = parameter(0.0, "kept of the last step", low=0, below=1)
    nesterov: bool = parameter(False, "looks ahead")

@component("cosine", kind="schedule")
class Cosine:
    """Half a wave."""
    start: float = parameter(doc="at first", positional=True)
    stop: float = parameter(doc="at last", positional=True)

@component("linear", kind="schedule")
class Linear:
    """A line."""
    start: float = parameter(doc="at first", positional=True)
    stop: float = parameter(doc="at last", positional=True)

@component("inwf", kind="reparameterization", stage="fit", streams=("init",))
class Inwf:
    """A field for every tensor."""
    width: int = parameter(256, "hidden units", low=1)
    layers: int = parameter(2, "hidden layers", low=1)
    w0: float = parameter(30.0, "frequency", above=0, traced=True)
    activation: Literal["sine", "relu", "gelu"] = parameter("sine", "between layers")
    encoding: Encoding | None = parameter(Fourier(bands=4), "of coordinates")
    within: tuple[str, ...] = parameter(("**",), "layer patterns", name="in")

@component("quantize", kind="reparameterization", stage="apply")
class Quantize:
    """Rounding."""
    bits: Bits = parameter(8, "of a weight", low=2, high=16, positional=True)
    per: Literal["channel", "tensor"] = parameter("channel", "what shares a scale")
    min_size: int = parameter(0, "smallest tensor", low=0)

@component("prune", kind="reparameterization", stage="apply")
class Prune:
    """Zeros."""
    sparsity: Share = parameter(0.8, "share of zeros", low=0, high=1)
    min_size: int = parameter(0, "smallest tensor", low=0)

@component("train", kind="stage", streams=("init", "batches"))
class Train:
    """Training."""
    model: Model | None = parameter(None, "the network")
    data: Data | None = parameter(None, "the examples")
    through: Reparameterization | None = parameter(None, "what weights are a function of")
    by: Optimizer = parameter(Sgd(lr=0.1), "how")
    length: Duration = parameter(Duration(15, "epochs"), "how long", name="for")
    batch: int = parameter(128, "examples of a step", low=1)

@component("finetune", kind="stage", streams=("batches",))
class Finetune:
    """Training that goes on."""
    data: Data | None = parameter(None, "the examples")
    by: Optimizer = parameter(Sgd(lr=0.01, momentum=0.9), "how")
    length: Duration = parameter(Duration(1, "epochs"), "how long", name="for")
    batch: int = parameter(128, "examples of a step", low=1)

@component("fit", kind="stage", streams=("init", "batches"))
class Fit:
    """A fit to the weights."""
    through: Reparameterization = parameter(doc="what is fitted", positional=True)
    by: Optimizer = parameter(Adam(lr=1e-3), "how")
    length: Duration = parameter(Duration(2000, "steps"), "how long", name="for")
    batch: int | None = parameter(None, "numbers of a step", low=1)

@component("apply", kind="stage")
class Apply:
    """A conversion."""
    through: Reparameterization = parameter(doc="what is applied", positional=True)

@component("pretrained", kind="stage")
class Pretrained:
    """The model as its file has it."""
    model: Model | None = parameter(None, "the network")

@component("mlp", kind="model", streams=("init",))
class Mlp:
    """Layers."""
    weights: File | None = parameter(None, "a file of weights")
    width: int = parameter(64, "units", low=1)
    depth: int = parameter(2, "layers", low=0)

@component("conv", kind="model", streams=("init",))
class Conv:
    """Filters."""
    weights: File | None = parameter(None, "a file of weights")
    channels: int = parameter(16, "filters", low=1)

@component("digits", kind="data")
class Digits:
    """Small images."""
    validation: int = parameter(0, "set aside", low=0)

@component("blobs", kind="data")
class Blobs:
    """Clouds of points."""
    count: int = parameter(1000, "points", low=1)

@component("bytes", kind="measurement", unit="bytes", better="lower")
class Bytes_:
    """Size."""
    of: Arm = parameter(None, "what is measured", positional=True)

@component("accuracy", kind="measurement", unit="share", better="higher")
class Accuracy:
    """Share of right answers."""
    of: Arm = parameter(None, "what is measured", positional=True)
    on: Literal["test", "validation"] = parameter("test", "examples")

@component("table", kind="figure")
class Table:
    """Rows and columns."""
    metrics: tuple[Metric, ...] = parameter(doc="columns", positional=True)
    by: tuple[PathName, ...] = parameter(("method",), "rows")
'''


@cache
def small_catalog() -> Catalog:
    """The components of `TEXT`; each has its name as its version."""
    read = catalog_of([Source("small.py", TEXT)])
    fixed = {at: replace(one, version="/".join(at)) for at, one in read.signatures.items()}
    return Catalog(fixed)
