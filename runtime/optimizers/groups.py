"""One optimizer for each group of numbers: rates and decays by label.

A reparameterization names its groups (CoDeQ: `weights`, `theta_dz`, `theta_bit`); parameters that
go through nothing are `head`, `stem`, `norms`, `biases` or `weights`. A group that is not named
moves with `weights`.
"""

from collections.abc import Mapping

import jax
import optax

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.optimizer import Labels, Optimizer
from lab.runtime.schedule import Scheduled
from lab.spec.declare import component, parameter

#: Whose optimizer takes the groups that are not named.
FALLBACK = "weights"


@component("groups", kind="optimizer", facts="lab.runtime.facts.training:groups")
class Groups(Optimizer):
    """An optimizer for each label, as in `groups(weights: adamw(), theta_dz: adamw(decay: 1))`.

    Example:
        >>> from lab.runtime.optimizers.sgd import SGD
        >>> Groups(groups={"weights": SGD(lr=0.1)}).named(["weights", "theta_dz"])
        ['weights', 'weights']
    """

    groups: dict[str, Optimizer] = parameter(doc="optimizers by label")

    def named(self, labels: Labels) -> Labels:
        """The labels with those that are not named replaced by the one that takes them.

        Raises `UnsuitableSetting` for a group that nothing is in, or numbers that are in none.
        """
        found = set(jax.tree.leaves(labels))
        for label in self.groups:
            if label not in found and label != FALLBACK:
                raise UnsuitableSetting(
                    f"`groups` names {label}, and nothing trained here is in that group; there "
                    f"are {', '.join(sorted(found))}"
                )
        lost = sorted(found - set(self.groups))
        if lost and FALLBACK not in self.groups:
            raise UnsuitableSetting(
                f"`groups` says nothing of {', '.join(lost)}: name them, or `{FALLBACK}`, which "
                "takes whatever is not named"
            )
        return jax.tree.map(lambda label: label if label in self.groups else FALLBACK, labels)

    def grouped(
        self, labels: Labels, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """Every number moves with the optimizer of its group."""
        parts: Mapping[str, optax.GradientTransformation] = {
            label: one.transform(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
            for label, one in self.groups.items()
        }
        return optax.partition(parts, self.named(labels))

    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation where all numbers are weights."""
        return self._main.transform(total_steps=total_steps, steps_per_epoch=steps_per_epoch)

    def rate(self, *, total_steps: int, steps_per_epoch: float = 1) -> Scheduled:
        """The learning rate of the weights, or of the first group."""
        return self._main.rate(total_steps=total_steps, steps_per_epoch=steps_per_epoch)

    @property
    def _main(self) -> Optimizer:
        if not self.groups:
            raise UnsuitableSetting("`groups` is empty: give an optimizer for `weights`")
        return self.groups.get(FALLBACK, next(iter(self.groups.values())))
