"""Where sets of TensorFlow Datasets lie, and how they are prepared without TensorFlow.

The library retries for minutes where neither a file nor a network is there: so it is looked first,
and a host is tried for seconds before anything is downloaded.
"""

import hashlib
import socket
import sys
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from os import environ
from pathlib import Path
from typing import Any

from lab.runtime.columns.choosing import as_columns
from lab.runtime.columns.reading import Columns
from lab.runtime.dataset import data_folder
from lab.runtime.errors import BadData, MissingFile, NoNetwork, UnsuitableSetting
from lab.spec.suggest import nearest

ABOUT = "dataset_info.json"
HOST, CONNECT_SECONDS = ("storage.googleapis.com", 443), 5


def library() -> Any:
    """The library. Raises `UnsuitableSetting` where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import tensorflow_datasets
    except ImportError as error:
        raise UnsuitableSetting(
            "`tfds` needs a package: pip install 'lab-studies[tfds]'"
        ) from error
    return tensorflow_datasets


def root() -> Path:
    """Where prepared sets lie: `TFDS_DATA_DIR`, else the library's own place."""
    return Path(environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets")


def builder_in(*, name: str | None = None, folder: str | None = None) -> Any:
    """The builder of a prepared set, by its folder or its name; what is not there is prepared."""
    if folder is not None:
        if not (Path(folder) / ABOUT).is_file():
            raise MissingFile(f"{folder} is no prepared set: it has no {ABOUT}")
        return _opened(Path(folder))
    found = prepared(name or "")
    return _opened(found) if found is not None else prepare(name or "")


def prepared(name: str) -> Path | None:
    """The folder of a set that was prepared, the newest version of it unless the name has one."""
    path, _, version = name.partition(":")
    home = root().joinpath(*path.split("/"))
    about = sorted(home.glob(f"{version or '*'}/{ABOUT}"), key=lambda one: _number(one.parent))
    folders = [one.parent for one in about]
    readable = [one for one in folders if any(one.glob("*.array_record*"))]
    if folders and not readable:
        raise BadData(
            f"{folders[-1]} is in a format that only TensorFlow reads: prepare it again with "
            '`file_format="array_record"`'
        )
    return readable[-1] if readable else None


def _number(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in folder.name.split("."))


def _opened(folder: Path) -> Any:
    try:
        return library().builder_from_directory(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise BadData(f"{folder} is no prepared set: {error}") from error


def prepare(name: str) -> Any:
    """The builder of a published set, prepared now. Raises `NoNetwork` within seconds."""
    tfds = library()
    path = name.partition(":")[0]
    known = path.split("/")[0]
    if known not in tfds.list_builders(with_community_datasets=False):
        close = nearest(known, tfds.list_builders(with_community_datasets=False))
        hint = f"; did you mean `{close}`?" if close else ""
        raise BadData(f"TensorFlow Datasets has no {known!r}{hint}")
    _reach(name)
    builder = tfds.builder(name, data_dir=str(root()), file_format="array_record")
    try:
        builder.download_and_prepare()
    except ImportError as error:
        raise BadData(
            f"preparing {name} needs TensorFlow ({error}): prepare it where there is one, with "
            f"`tfds build {path} --file_format=array_record`, and name its folder"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise BadData(f"{name} cannot be prepared: {error}") from error
    return builder


def _reach(name: str) -> None:
    try:
        socket.create_connection(HOST, CONNECT_SECONDS).close()
    except OSError as error:
        raise NoNetwork(
            f"{name} is not in {root()}, and {HOST[0]} cannot be reached ({error}). Put the "
            "prepared folder there, or name the folder that has it in TFDS_DATA_DIR"
        ) from error


def own_builder(file: Path) -> Any:
    """The builder that a person's Python file defines, prepared once for each text of the file."""
    tfds = library()
    if not file.is_file():
        raise MissingFile(f"{file} is not there: name a Python file with a builder's class")
    spec = spec_from_file_location(f"lab_builder_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise MissingFile(f"{file} cannot be imported: it is no Python file")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    # A second file may have a builder of the same name.
    with tfds.core.registered.skip_registration():
        spec.loader.exec_module(module)
    base = tfds.core.GeneratorBasedBuilder
    classes = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one.__module__ == spec.name
    ]
    if len(classes) != 1:
        raise BadData(f"{file} defines {len(classes)} builders: one is needed")
    stamp = hashlib.sha256(file.read_bytes()).hexdigest()[:24]
    builder = classes[0](data_dir=str(data_folder() / "tfds" / stamp), file_format="array_record")
    builder.download_and_prepare()
    return builder


def rows(builder: Any, split: str, where: str) -> Columns:
    """The examples of a split as columns, texts as text. Raises `BadData`."""
    if split not in builder.info.splits:
        raise BadData(f"{where} has no split {split!r}, but {', '.join(builder.info.splits)}")
    source = builder.as_data_source(split=split)
    return as_columns([{k: _plain(v) for k, v in source[i].items()} for i in range(len(source))])


def _plain(value: Any) -> Any:
    return value.decode("utf-8") if isinstance(value, bytes) else value
