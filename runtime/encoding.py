"""What every encoding of coordinates offers: features of points in [-1, 1]^axes."""

from abc import ABC, abstractmethod

from jaxtyping import Array, Float


class Encoding(ABC):
    """Features of coordinates. Final classes are components, one file each."""

    @abstractmethod
    def count(self, axes: int) -> int:
        """How many features a point with so many axes has."""

    @abstractmethod
    def features(
        self, coordinates: Float[Array, "*tensors axes points"]
    ) -> Float[Array, "*tensors features points"]:
        """The features of points. Traceable; acts on every point alike."""
