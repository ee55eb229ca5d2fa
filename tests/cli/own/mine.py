"""A component of one's own: one file, nothing registered anywhere."""

import numpy as np

from lab.runtime.reparameterization import Reparameterization, Split, Stream
from lab.spec.declare import component, parameter


@component("coarse", kind="reparameterization", stage="apply")
class Coarse(Reparameterization):
    """Weights times a constant, in half precision."""

    scale: float = parameter(1.0, "what every weight is multiplied with", above=0)

    def init(self, weights, *, key):
        return Split({}, {name: values * self.scale for name, values in weights.items()})

    def materialize(self, split):
        return dict(split.fixed)

    def rounded(self, split):
        halves = {name: values.astype("float16") for name, values in split.fixed.items()}
        return Split({}, {name: values.astype("float32") for name, values in halves.items()})

    def pack(self, split):
        return {
            name: {"values": Stream(np.asarray(values, np.float16), 16)}
            for name, values in split.fixed.items()
        }

    def unpack(self, packed, shapes):
        return {
            name: np.asarray(packed[name]["values"].values, np.float32).reshape(shape)
            for name, shape in shapes.items()
        }
