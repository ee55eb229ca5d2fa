"""Signatures of components that do not exist yet, or not with all of their parameters, as text.

Whatever ships is read from `lab.runtime`; each piece of work that brings a component takes its
stand-in out, until none is left.
"""

from functools import cache

from lab.spec.catalog import builtin_catalog, catalog_of
from lab.spec.signature import Catalog
from lab.spec.source import Source

IMPORTS = """
from lab.runtime.encodings.fourier import Fourier
from lab.runtime.reparameterizations.plain import Plain
"""

REPARAMETERIZATIONS = '''
@component("inwf", kind="reparameterization", stage="fit", streams=("init",))
class Inwf:
    """A field for every weight tensor."""
    width: int = parameter(256, "hidden units", low=1)
    layers: int = parameter(2, "hidden layers", low=1, high=16)
    w0: float = parameter(30.0, "frequency", above=0, traced=True)
    scales: int = parameter(1, "fields at doubling frequencies", low=1)
    activation: Literal["sine", "relu", "gelu", "tanh", "gaussian"] = parameter(
        "sine", "between layers")
    encoding: Encoding | None = parameter(Fourier(bands=4), "of coordinates")
    residual: Reparameterization | None = parameter(None, "for what the field leaves")
    through: Reparameterization = parameter(Plain(), "for the field's own numbers")
    shared: bool = parameter(False, "one base for all tensors")
    within: tuple[str, ...] = parameter(("**",), "layer patterns", name="in")
    exclude: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        (), "left out", name="except")

@component("quantize", kind="reparameterization", stage="apply")
class Quantize:
    """Rounding to nearest."""
    bits: Bits = parameter(8, "of a weight", low=2, high=8, positional=True)
    per: Literal["channel", "tensor"] = parameter("channel", "what shares a scale")
    clip: Literal["max", "mse"] = parameter("max", "how the range is chosen")
    format: Literal["uniform", "nf4"] = parameter("uniform", "levels")

@component("raw", kind="reparameterization", stage="apply")
class Raw:
    """Floats of fewer bits."""
    bits: Bits = parameter(16, "of a weight")

@component("prune", kind="reparameterization", stage="apply")
class Prune:
    """Zeros where weights are small."""
    sparsity: Schedule = parameter(0.8, "share of zeros", low=0, high=1)
    scope: Literal["global", "layer"] = parameter("global", "what is ranked together")
    within: tuple[str, ...] = parameter(("**",), "layer patterns", name="in")

@component("lowrank", kind="reparameterization", stage="apply")
class Lowrank:
    """Truncated singular values."""
    energy: Share = parameter(0.95, "kept", above=0, high=1)

@component("choose", kind="reparameterization", stage="apply")
class Choose:
    """The best of several for every tensor."""
    per: Literal["tensor"] = parameter("tensor", "what is chosen for")
    tradeoff: float = parameter(1e-3, "rate against distortion", above=0, name="lambda")
    weight: Literal["fisher", "none"] = parameter("fisher", "of distortion")
    among: tuple[Reparameterization, ...] = parameter(doc="candidates")
'''

PARTS = '''
@component("gaussian", kind="encoding")
class Gaussian:
    """Random frequencies."""
    scale: float = parameter(1.0, "of frequencies", above=0)

@component("lbfgs", kind="optimizer")
class Lbfgs:
    """Quasi-Newton."""

@component("features", kind="loss")
class Features:
    """Distance of activation maps."""
    teacher: Arm = parameter(doc="the teacher", name="from")

@component("group_lasso_blocks", kind="loss")
class GroupLassoBlocks:
    """Block norms."""
    size: int = parameter(8, "of a block", low=1)

@component("l1_kernels", kind="loss")
class L1Kernels:
    """Kernel norms."""

@component("fgsm", kind="attack")
class Fgsm:
    """One signed step."""
    eps: float = parameter(8 / 255, "radius", low=0)

@component("pgd", kind="attack")
class Pgd:
    """Many steps."""
    eps: float = parameter(8 / 255, "radius", low=0)
    step: float = parameter(2 / 255, "length of a step", low=0)
    steps: int = parameter(20, "how many", low=1)
    restarts: int = parameter(1, "from random starts", low=1)
    made_on: Arm = parameter(None, "the network attacked")
'''


def _measurement(name: str, unit: str, better: str | None, fields: str = "") -> str:
    body = "\n".join(f"    {line}" for line in fields.split("; ") if line)
    return (
        f'@component("{name}", kind="measurement", unit="{unit}", better={better!r})\n'
        f'class {name.title().replace("_", "")}Measurement:\n    """{name}."""\n{body}\n\n'
    )


SCORED = (
    'of: Arm = parameter(None, "what is measured", positional=True); '
    'on: Literal["test", "validation"] | Data = parameter("test", "examples"); '
    'under: Attack | None = parameter(None, "attack")'
)
MEASUREMENTS = "".join(
    [
        _measurement("accuracy", "share", "higher", SCORED),
        _measurement("wall", "seconds", "lower"),
        _measurement("energy", "joules", "lower"),
        _measurement("trainable", "number", "lower"),
        _measurement(
            "bops",
            "number",
            "lower",
            'kind: Literal["structured", "unstructured"] = parameter("structured", "which")',
        ),
        _measurement("dead_channels", "number", "higher"),
        _measurement("live_channels", "number", None),
        _measurement("ratio", "number", "higher"),
        _measurement("bits", "bits", "lower"),
        _measurement(
            "latency",
            "seconds",
            "lower",
            'batch: int = parameter(1, "images", low=1); cache: Bytes = parameter(0, "kept")',
        ),
        _measurement("threshold", "number", None),
        _measurement("choice", "number", None),
        _measurement("error", "share", "lower"),
        _measurement("tensor_bytes", "bytes", "lower"),
        _measurement("tensor_error", "share", "lower"),
        _measurement("tensor_size", "number", None),
        _measurement("effective_rank", "number", None),
        _measurement(
            "log", "number", None, 'of: Metric = parameter(doc="of what", positional=True)'
        ),
        _measurement(
            "power_law",
            "number",
            None,
            'of: Metric = parameter(doc="what is explained", positional=True); '
            'by: dict[str, Metric] = parameter(doc="explained by"); '
            'over: tuple[PathName, ...] = parameter(doc="items"); '
            'along: PathName = parameter(None, "interpolated along"); '
            'where: Condition = parameter(None, "at which"); '
            'hold_out: Model | None = parameter(None, "predicted")',
        ),
    ]
)

FIGURES = '''
@component("table", kind="figure")
class Table:
    """Rows and columns."""
    metrics: tuple[Metric, ...] = parameter(doc="columns", positional=True)
    by: tuple[PathName, ...] = parameter(("method",), "rows")
    at: Condition = parameter(None, "which rows")
    of: Arm = parameter(None, "which arm")

@component("heatmap", kind="figure")
class Heatmap:
    """Colors."""
    metric: Metric = parameter(doc="color", positional=True)
    rows: PathName = parameter(doc="rows")
    columns: PathName = parameter(doc="columns")
    of: Arm = parameter(None, "which arm")

@component("history", kind="figure")
class History:
    """Trials."""
    of: PathName = parameter(doc="which search", positional=True)

@component("importance", kind="figure")
class Importance:
    """Which settings matter."""
    of: PathName = parameter(doc="which search", positional=True)
'''


TEXTS = (IMPORTS, PARTS, REPARAMETERIZATIONS, MEASUREMENTS, FIGURES)


@cache
def catalog() -> Catalog:
    """What ships, and the stand-ins for what does not yet."""
    return catalog_of([source()], builtin=builtin_catalog())


def source() -> Source:
    """The stand-ins alone."""
    return Source("stand_ins.py", "\n".join(TEXTS))
