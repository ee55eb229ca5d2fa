"""CIFAR-10-C (Hendrycks and Dietterich 2019, arXiv 1903.12261): corrupted CIFAR-10 test images.

The authors publish a folder of NumPy files: one for each corruption with 50,000 images, the 10,000
test images at severity 1, then at 2, up to 5; and their labels.
"""

import tarfile
from pathlib import Path

import numpy as np

from lab.runtime.dataset import Examples
from lab.runtime.download import Remote, fetched
from lab.runtime.errors import BadData, NoNetwork

FOLDER, ARCHIVE = "CIFAR-10-C", "CIFAR-10-C.tar"
REMOTE = Remote(
    ARCHIVE,
    "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
    algorithm="sha256",
    digest="c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
    size=2_918_471_680,
)
SEVERITIES, IMAGES = 5, 10_000


def corrupted(folder: Path, kind: str, severity: int) -> Examples:
    """The test images with a corruption at a severity from 1 to 5. Raises `BadData`, `NoNetwork`.

    `folder` is the one that has `CIFAR-10-C/`, or the authors' archive of it.
    """
    if not (folder / FOLDER).is_dir():
        _unpacked(folder)
    images = _array(folder / FOLDER / f"{kind}.npy", (32, 32, 3))
    labels = _array(folder / FOLDER / "labels.npy", ())
    if len(labels) != len(images) or len(images) % SEVERITIES:
        raise BadData(
            f"{folder / FOLDER / kind}.npy has {len(images)} images and there are {len(labels)} "
            f"labels: {SEVERITIES} severities of {IMAGES} were expected"
        )
    if labels.min() < 0 or labels.max() > 9:
        raise BadData(f"{folder / FOLDER}/labels.npy has labels beyond 0 … 9")
    each = len(images) // SEVERITIES
    rows = slice((severity - 1) * each, severity * each)
    return Examples(np.ascontiguousarray(images[rows]), np.asarray(labels[rows], np.int32))


def _unpacked(folder: Path) -> None:
    archive = folder / ARCHIVE
    try:
        if not archive.is_file():
            fetched(REMOTE, archive)
        with tarfile.open(archive) as members:
            members.extractall(folder, filter="data")
    except NoNetwork as error:
        raise NoNetwork(
            f"CIFAR-10-C is not in {folder}, and it cannot be fetched: {error}. Put {ARCHIVE} or "
            f"its folder {FOLDER} there, or name the folder that has it in LAB_DATA"
        ) from error
    except (tarfile.TarError, EOFError) as error:
        raise BadData(f"{archive} cannot be read ({error}): remove it") from error


def _array(path: Path, tail: tuple[int, ...]) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False, mmap_mode="r")
    except FileNotFoundError as error:
        there = ", ".join(sorted(one.stem for one in path.parent.glob("*.npy")))
        raise BadData(f"there is no {path}; its folder has {there or 'no arrays'}") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadData(f"{path} cannot be read ({error})") from error
    if found.shape[1:] != tail:
        raise BadData(f"{path} has arrays of {found.shape[1:]}, {tail} was expected")
    return found
