"""The one place where convolutions are lowered.

On a graphics processor a stock convolution is the form to take. On a CPU it is for most, and falls
off a cliff of XLA's for some, which have other forms there; the first rule that holds decides:

| a convolution | is computed as | in `lab.runtime.lowerings` |
|---|---|---|
| of every channel by itself | shifted copies, weighed and added | `depthwise` |
| in groups | several without groups | `groups` |
| whose window is one element | a matrix product of the elements that are kept | `matrices` |
| whose windows lie side by side | a matrix product of tiles | `matrices` |
| whose window is larger than the map | a matrix product of patches | `matrices` |
| whose windows overlap, over large maps | XLA's, with a gradient of its own | `overlapping` |

Channels are last inside. What each form gains was measured, forward and both gradients, and stands
in `docs/decisions`.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.lowerings.depthwise import depthwise
from lab.runtime.lowerings.geometry import Geometry
from lab.runtime.lowerings.groups import joined
from lab.runtime.lowerings.matrices import of_elements, of_patches, of_tiles
from lab.runtime.lowerings.overlapping import gains, overlapping
from lab.runtime.lowerings.stock import SPACE, stock, stock_channels_first

#: Elements of the largest window that is shifted and added: each is an operation of the program.
MOST_ELEMENTS = 128


def convolution(
    inputs: Float[Array, "batch inputs *space"],
    kernel: Float[Array, "outputs group_inputs *window"],
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch outputs *new_space"]:
    """Cross-correlation over one to three axes, as torch's `conv1d`, `conv2d`, `conv3d` have it.

    Numbers are one for each axis of space, or a single one for all.
    """
    if not _on_a_processor():
        geometry = _geometry(inputs.ndim - 2, stride, padding, dilation)
        return stock_channels_first(inputs, kernel, geometry, groups=groups)
    y = convolution_channels_last(
        jnp.moveaxis(inputs, 1, -1),
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    return jnp.moveaxis(y, -1, 1)


def convolution_channels_last(
    inputs: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "outputs group_inputs *window"],
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch *new_space outputs"]:
    """`convolution` of arrays whose channels are last; the kernel is as torch has it."""
    geometry = _geometry(inputs.ndim - 2, stride, padding, dilation)
    axes = range(2, kernel.ndim)
    if all(size == 1 for size in kernel.shape[2:]):  # no copy, where nothing but ones moves
        kernel = jnp.reshape(kernel, kernel.shape[:2]).T.reshape(
            *kernel.shape[2:], kernel.shape[1], kernel.shape[0]
        )
    else:
        kernel = jnp.transpose(kernel, (*axes, 1, 0))
    if not _on_a_processor():
        return stock(inputs, kernel, geometry, groups=groups)
    if groups == 1:
        return _without_groups(inputs, kernel, geometry)
    if groups == inputs.shape[-1] and math.prod(kernel.shape[:-2]) <= MOST_ELEMENTS:
        each = jnp.repeat(inputs, kernel.shape[-1] // groups, axis=-1)
        return depthwise(each, jnp.squeeze(kernel, -2), geometry)
    return joined(inputs, kernel, geometry, groups=groups, each=_without_groups)


def _without_groups(x: Array, kernel: Array, geometry: Geometry) -> Array:
    window, space = kernel.shape[:-2], x.shape[1:-1]
    if all(size == 1 for size in window):
        return of_elements(x, kernel, geometry)
    if _lie_side_by_side(window, geometry):
        return of_tiles(x, kernel, geometry)
    if any(size < w for size, w in zip(space, window, strict=True)):
        return of_patches(x, kernel, geometry)
    if gains(x, window, geometry):
        return overlapping(x, kernel, geometry)
    return stock(x, kernel, geometry)


def _lie_side_by_side(window: tuple[int, ...], geometry: Geometry) -> bool:
    plain = all(p == 0 for p in geometry.padding) and all(d == 1 for d in geometry.dilation)
    return plain and geometry.stride == window


def _on_a_processor() -> bool:
    return jax.default_backend() == "cpu"


def convolve(
    images: Float[Array, "batch height width inputs"],
    kernel: Float[Array, "outputs inputs rows columns"],
    *,
    stride: int = 1,
    padding: int = 0,
) -> Float[Array, "batch new_height new_width outputs"]:
    """Two-dimensional cross-correlation of channels that are last."""
    return convolution_channels_last(images, kernel, stride=(stride,), padding=(padding,))


def transposed_convolution(
    inputs: Float[Array, "batch inputs *space"],
    kernel: Float[Array, "inputs group_outputs *window"],
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch outputs *new_space"]:
    """The gradient of a convolution in its inputs, as torch's `conv_transpose2d` has it."""
    if groups > 1 and _on_a_processor():
        given = zip(jnp.split(inputs, groups, 1), jnp.split(kernel, groups, 0), strict=True)
        parts = [
            transposed_convolution(
                *pair,
                stride=stride,
                padding=padding,
                output_padding=output_padding,
                dilation=dilation,
            )
            for pair in given
        ]
        return jnp.concatenate(parts, axis=1)
    axes = inputs.ndim - 2
    geometry = _geometry(axes, stride, padding, dilation)
    extra = _each(output_padding, axes)
    reach = [d * (w - 1) for d, w in zip(geometry.dilation, kernel.shape[2:], strict=True)]
    pads = zip(reach, geometry.padding, extra, strict=True)
    letters = SPACE[-axes:]
    return lax.conv_general_dilated(
        inputs,
        _turned(kernel, groups),
        window_strides=(1,) * axes,
        padding=[(r - p, r - p + more) for r, p, more in pads],
        lhs_dilation=geometry.stride,
        rhs_dilation=geometry.dilation,
        dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
        feature_group_count=groups,
    )


def _turned(kernel: Array, groups: int) -> Array:
    """The kernel of the convolution that a transposed one is: turned around, outputs first."""
    inputs, outputs, *window = kernel.shape
    parts = jnp.reshape(kernel, (groups, inputs // groups, outputs, *window))
    parts = jnp.swapaxes(parts, 1, 2).reshape(groups * outputs, inputs // groups, *window)
    return jnp.flip(parts, tuple(range(2, parts.ndim)))


def _geometry(
    axes: int, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> Geometry:
    return Geometry(*(_each(given, axes) for given in (stride, padding, dilation)))


def _each(given: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(given) * axes if len(given) == 1 else tuple(given)
