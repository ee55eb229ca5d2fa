"""XLA's own convolution."""

from jax import lax
from jaxtyping import Array, Float

from lab.runtime.lowerings.geometry import Geometry

#: Letters of up to three axes of space.
SPACE = "DHW"


def stock(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window group_inputs outputs"],
    geometry: Geometry,
    *,
    groups: int = 1,
) -> Float[Array, "batch *places outputs"]:
    """Channels last on both sides."""
    letters = SPACE[-(x.ndim - 2) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=geometry.stride,
        padding=[(both, both) for both in geometry.padding],
        rhs_dilation=geometry.dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
        feature_group_count=groups,
    )


def stock_channels_first(
    x: Float[Array, "batch inputs *space"],
    kernel: Float[Array, "outputs group_inputs *window"],
    geometry: Geometry,
    *,
    groups: int = 1,
) -> Float[Array, "batch outputs *places"]:
    """Channels first on both sides, kernels as torch has them."""
    letters = SPACE[-(x.ndim - 2) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=geometry.stride,
        padding=[(both, both) for both in geometry.padding],
        rhs_dilation=geometry.dilation,
        dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
        feature_group_count=groups,
    )
