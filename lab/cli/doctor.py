"""`lab doctor`: what this environment has, and what is missing for what."""

from importlib.metadata import PackageNotFoundError, version

from lab.cli import exits
from lab.cli.options import Options

_PACKAGES = {
    "jax": "running studies",
    "flax": "native models",
    "optax": "training",
    "aim": "`lab ui`",
    "torch": "reading .pt and .th checkpoints (extra `torch`)",
    "tensorflow-datasets": "prepared TFDS folders (extra `tfds`)",
    "ray": "`lab run --engine ray` (extra `ray`)",
    "submitit": "`lab run --engine slurm` (extra `slurm`)",
}


def doctor(options: Options) -> int:
    """Print versions of what `lab` uses."""
    for package, purpose in _PACKAGES.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "missing"
        print(f"{package:20} {found:12} {purpose}")
    return exits.DONE
