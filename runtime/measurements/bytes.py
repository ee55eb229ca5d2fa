"""The length of the file that a model ships as, and other sizes to stand beside it."""

from collections.abc import Mapping, Sequence

from lab.runtime import packed
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "bytes",
    kind="measurement",
    unit="bytes",
    better="lower",
    facts="lab.runtime.facts.measurements:read",
)
class FileBytes(Measurement):
    """Bytes of the packed file; `state`, `nominal` and `entropy` are other sizes, in bytes.

    `state` is what parameters and batch statistics take in float32, `nominal` adds up the declared
    bits, `entropy` puts the empirical entropy in place of the bits of integers. The last two leave
    out headers, and are sizes of nothing on disk.
    """

    of: Arm = parameter(None, "the arm that is measured", positional=True)

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Read the sizes from the file."""
        sizes = packed.sizes(work.packed["of"])
        return {
            "value": sizes.file_bytes,
            "state": sizes.state_bytes,
            "nominal": sizes.nominal_bits / 8,
            "entropy": sizes.entropy_bits / 8,
        }
