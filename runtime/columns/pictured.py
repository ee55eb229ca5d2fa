"""Tables with a column of images: arrays, or images as libraries hand them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from lab.runtime.columns.choosing import Choice, column, dataset_of, row_names
from lab.runtime.columns.reading import Columns
from lab.runtime.dataset import Dataset, Examples, content_of, with_validation
from lab.runtime.errors import BadData
from lab.runtime.folders.classes import listed
from lab.runtime.text.labels import labels_of


@dataclass(frozen=True)
class ImageColumn:
    """The column that has the images, and the side they are cut to (None: they have one size)."""

    name: str
    side: int | None


def examples_of(
    train: Columns,
    test: Columns,
    choice: Choice,
    *,
    image: ImageColumn | None,
    where: str,
    validation: int,
) -> Dataset:
    """The examples in two tables: images where there is a column of them. Raises `BadData`."""
    if image is None:
        return dataset_of(train, test, choice, where=where, validation=validation)
    both = [*column(train, choice.label, where), *column(test, choice.label, where)]
    rows = [row_names(train), row_names(test, "test ")]
    called = [*rows[0], *rows[1]]
    labels = labels_of(both, where=where, kind=choice.labels, names=choice.classes, rows=called)
    columns = [column(one, image.name, where) for one in (train, test)]
    pixels = _stacked(list(zip(columns, rows, strict=True)), image, where)
    count = len(pixels[0])
    parts = [
        Examples(pixels[0], labels.values[:count]),
        Examples(pixels[1], labels.values[count:]),
    ]
    whole = Dataset(*parts, classes=labels.classes, content=content_of(*parts))
    return with_validation(whole, validation)


def _stacked(
    columns: Sequence[tuple[Sequence[Any], Sequence[str]]], image: ImageColumn, where: str
) -> tuple[np.ndarray, np.ndarray]:
    made: list[list[np.ndarray]] = []
    wrong: list[str] = []
    shapes: dict[tuple[int, ...], str] = {}
    for values, rows in columns:
        made.append([])
        for row, one in zip(rows, values, strict=True):
            pixels = _pixels(one, image.side)
            if pixels is None:
                wrong.append(f"{row} of {image.name}")
                continue
            shapes.setdefault(pixels.shape, f"{row}: {' × '.join(map(str, pixels.shape))}")
            made[-1].append(pixels)
    if wrong:
        raise BadData(f"{where} has images that cannot be used: {listed(wrong)}")
    if len(shapes) > 1:
        raise BadData(
            f"{where} has images of different sizes ({', '.join(list(shapes.values())[:3])}): say "
            "which size to bring them to, as in `size: 64 px`"
        )
    first, second = (np.stack(part) if part else np.zeros((0,)) for part in made)
    return first, second


def _pixels(one: Any, side: int | None) -> np.ndarray | None:
    """Bytes of an image `(rows, columns, channels)`; colors are gray or red, green and blue."""
    if isinstance(one, Image.Image):
        one = np.asarray(one if one.mode in ("L", "RGB") else one.convert("RGB"))
    if not isinstance(one, np.ndarray) or one.dtype != np.uint8 or one.ndim not in (2, 3):
        return None
    pixels = one if one.ndim == 3 else one[..., None]
    if pixels.shape[2] not in (1, 3):
        return None
    if side is None or pixels.shape[:2] == (side, side):
        return pixels
    flat = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    cut = np.asarray(ImageOps.fit(flat, (side, side), Image.Resampling.LANCZOS))
    return cut if cut.ndim == 3 else cut[..., None]
