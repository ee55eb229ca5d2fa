"""Image files decoded once: bytes of one size, kept as arrays in files.

An image is turned upright (EXIF), scaled so that its shorter side has `side` pixels (Lanczos), and
cut to a square in the middle. What was decoded waits under `decoded/` in the data folder, by the
names, sizes and times of the files: a set is decoded once, and all workers share one copy.
"""

import errno
import hashlib
import json
import os
import shutil
import struct
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from lab.runtime.dataset import Dataset, Examples, content_of
from lab.runtime.errors import BadData
from lab.runtime.folders.classes import ClassFolders, Sorted, listed
from lab.runtime.rows import Rows

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
#: Raised when decoding changes: what was decoded before is made anew.
VERSION = 1
ABOUT = "about.json"

Colors = Literal["rgb", "gray"]
_MODES = {"rgb": ("RGB", 3), "gray": ("L", 1)}


def decoded(
    found: ClassFolders, *, root: Path, side: int | None, colors: Colors, cache: Path
) -> Dataset:
    """The images of class folders as arrays. Raises `BadData` naming every file that is none.

    Args:
        root: what file names are told relative to. `side`: of the images; None where all files have
            one size, and are kept as they are. `cache`: the data folder.
    """
    target = cache / "decoded" / _name(found, root, side, colors)
    if not (target / ABOUT).is_file():
        _decode(found, _How(root, side, colors), target)
    about = json.loads((target / ABOUT).read_text())
    parts = {
        name: Examples(Rows(target / f"{name}.npy"), one.labels)
        for name, one in found.splits.items()
    }
    return Dataset(
        parts["train"],
        parts["test"],
        classes=len(found.classes),
        content=about["content"],
        validation=parts.get("validation"),
    )


def _name(found: ClassFolders, root: Path, side: int | None, colors: Colors) -> str:
    facts: list[Any] = [VERSION, side, colors]
    for name, part in found.splits.items():
        for path, label in zip(part.files, part.labels.tolist(), strict=True):
            stat = path.stat()
            relative = str(path.relative_to(root))
            facts.append([name, relative, label, stat.st_size, stat.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


class _How(NamedTuple):
    """Where file names start, and what images are brought to."""

    root: Path
    side: int | None
    colors: Colors


def _decode(found: ClassFolders, how: _How, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".tmp-"))
    try:
        rows, columns = (how.side, how.side) if how.side else _common_size(found.splits, how.root)
        shape = (rows, columns, _MODES[how.colors][1])
        for name, part in found.splits.items():
            _decode_part(part, partial / f"{name}.npy", shape, how)
        splits = ((name, found.splits[name].labels) for name in ("train", "test"))
        examples = [Examples(Rows(partial / f"{name}.npy"), labels) for name, labels in splits]
        about = {"content": content_of(*examples), "classes": found.classes}
        (partial / ABOUT).write_text(json.dumps(about))
        partial.rename(target)
    except OSError:
        if not (target / ABOUT).is_file():  # and no other process was quicker
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _decode_part(part: Sorted, path: Path, shape: tuple[int, ...], how: _How) -> None:
    root, side, colors = how
    whole = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.uint8, shape=(len(part.files), *shape)
    )
    begin = path.stat().st_size - whole.nbytes
    del whole  # Pages that are written through a map are memory of the process.

    def one(row: int) -> str | None:
        image = read(part.files[row], side=side, colors=colors)
        if isinstance(image, str):
            return f"{part.files[row].relative_to(root)} {image}"
        pixels = np.ascontiguousarray(image)
        if os.pwrite(file.fileno(), pixels, begin + row * pixels.nbytes) < pixels.nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return None

    with path.open("r+b") as file, ThreadPoolExecutor(os.cpu_count()) as workers:
        wrong = [said for said in workers.map(one, range(len(part.files))) if said]
    if wrong:
        raise BadData(f"images in {root} cannot be used: {listed(wrong)}. Mend or remove them")


def read(path: Path, *, side: int | None, colors: Colors) -> np.ndarray | str:
    """The bytes of an image, or what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image).convert(_MODES[colors][0])
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return f"is too large: over {Image.MAX_IMAGE_PIXELS:,} pixels"
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        return f"cannot be decoded ({str(error).splitlines()[0].replace(str(path), 'it')})"
    squared = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS) if side else upright
    made = np.asarray(squared)
    return made if made.ndim == 3 else made[..., None]


def _common_size(splits: Mapping[str, Sorted], root: Path) -> tuple[int, int]:
    """Rows and columns of all images, told by their headers. Raises `BadData`."""
    sizes: dict[tuple[int, int], Path] = {}
    wrong: list[str] = []
    for path in (path for part in splits.values() for path in part.files):
        size = _size(path)
        if isinstance(size, str):
            wrong.append(f"{path.relative_to(root)} {size}")
        else:
            sizes.setdefault(size, path)
    if wrong:
        raise BadData(f"images in {root} cannot be used: {listed(wrong)}. Mend or remove them")
    if len(sizes) > 1:
        raise BadData(
            f"images in {root} have different sizes ({_examples(list(sizes.items()), root)}): say "
            "which size to bring them to, as in `size: 64 px`"
        )
    columns, rows = next(iter(sizes))
    return rows, columns


def _examples(sizes: Sequence[tuple[tuple[int, int], Path]], root: Path) -> str:
    shown = ", ".join(f"{p.relative_to(root)}: {w} × {h}" for (w, h), p in sizes[:3])
    return shown + (f", and {len(sizes) - 3} more" if len(sizes) > 3 else "")


def _size(path: Path) -> tuple[int, int] | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                turned = image.getexif().get(0x0112, 1) >= 5
                return image.size[::-1] if turned else image.size
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return f"is too large: over {Image.MAX_IMAGE_PIXELS:,} pixels"
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        return f"cannot be read ({str(error).splitlines()[0].replace(str(path), 'it')})"
