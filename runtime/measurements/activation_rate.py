"""The share of examples above a selector's threshold, over a whole training."""

from collections.abc import Mapping, Sequence

from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "activation_rate", kind="measurement", unit="share", facts="lab.runtime.facts.measurements:read"
)
class ActivationRate(Measurement):
    """Mean share of examples above the threshold of the last training's selector.

    It does not apply to a selector that has no threshold.
    """

    of: Arm = parameter(None, "the arm that is measured", positional=True)

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """The mean of what was seen between two evaluations, each as long as it was."""
        history = work.inputs["of"].history
        rates = list(history.get("activation_rate", ()))
        if not rates:
            return {}
        ends = list(history["epoch"])
        lengths = [end - start for start, end in zip([0.0, *ends], ends, strict=False)]
        mean = sum(rate * length for rate, length in zip(rates, lengths, strict=True)) / ends[-1]
        return {"value": mean, "last": rates[-1]}
