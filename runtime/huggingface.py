"""Sets of the Hugging Face hub: their files, fetched whole, and what lies in a local folder.

Files are listed by the hub with their digests (SHA-256 of large ones, git's of small ones), so that
each is checked and a fetch that broke off goes on. `HF_ENDPOINT` names another hub, `HF_TOKEN` is
given to it, and to nobody it redirects to.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.runtime.credentials import credential
from lab.runtime.dataset import data_folder
from lab.runtime.download import Progress, Remote, answered, fetched
from lab.runtime.errors import BadData, MissingFile, NoNetwork, UnsuitableSetting

#: What is fetched of a set: its data, no code.
SUFFIXES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".arrow", ".txt", ".zst", ".gz")
#: Readers of the library by suffix.
FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
}
#: Files that describe a set and hold none of its examples.
ABOUT = frozenset({"dataset_infos.json", "dataset_info.json", "state.json", "dataset_dict.json"})
#: Written when all files of a set have arrived.
COMPLETE = ".complete"


def endpoint() -> str:
    """The hub's address."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def headers() -> dict[str, str]:
    """What the hub is told of who asks."""
    token = credential("HF_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def home(name: str, revision: str) -> Path:
    """Where the files of a set are kept."""
    return data_folder() / "huggingface" / f"{name.replace('/', '--')}@{revision}"


def remotes(name: str, revision: str) -> tuple[Remote, ...]:
    """The data files of a set, as the hub lists them. Raises `NoNetwork` or `BadData`."""
    listed = f"{endpoint()}/api/datasets/{name}/tree/{revision}?recursive=true"
    files = [one for one in _asked(listed, name) if one.get("type") == "file"]
    chosen = [one for one in files if str(one["path"]).endswith(SUFFIXES)]
    if not chosen:
        raise BadData(
            f"{name} has no data files that could be read ({', '.join(SUFFIXES)}) at {revision}"
        )
    return tuple(_remote(one, name, revision) for one in chosen)


def _remote(one: dict[str, Any], name: str, revision: str) -> Remote:
    path, large = str(one["path"]), one.get("lfs")
    place = home(name, revision).relative_to(data_folder())
    if ".." in Path(path).parts or Path(path).is_absolute():
        raise BadData(f"{name} lists a file outside of its folder: {path}")
    return Remote(
        str(place / path),
        f"{endpoint()}/datasets/{name}/resolve/{revision}/{urllib.parse.quote(path)}",
        algorithm="sha256" if large else "git",
        digest=str(large["oid"] if large else one["oid"]).removeprefix("sha256:"),
        size=int(one["size"]),
        headers=headers(),
    )


def _asked(url: str, name: str) -> list[dict[str, Any]]:
    """All pages of what the hub lists."""
    found: list[dict[str, Any]] = []
    following: str | None = url
    while following is not None:
        request = urllib.request.Request(following)
        for key, value in headers().items():
            request.add_unredirected_header(key, value)
        try:
            with answered(request) as answer:
                found += json.load(answer)
                following = _next(answer.headers.get("Link", ""))
        except urllib.error.HTTPError as error:
            raise NoNetwork(_refused(name, error)) from error
        except (OSError, ValueError) as error:
            raise NoNetwork(
                f"{name} is not in {data_folder() / 'huggingface'}, and {endpoint()} cannot be "
                f"reached ({error}). Fetch it where there is a network, with `lab data fetch "
                f'huggingface/{name}`, or name a folder of files: `huggingface(folder: "…")`'
            ) from error
    return found


def _next(link: str) -> str | None:
    """The address of the next page in a `Link` header."""
    for part in link.split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            return address.strip().strip("<>")
    return None


def _refused(name: str, error: urllib.error.HTTPError) -> str:
    if error.code in (401, 403):
        return (
            f"{endpoint()} shows {name} only to those it knows ({error.code}), or has no such "
            "set: give HF_TOKEN in the environment or in `.env`, and accept its terms"
        )
    return f"{endpoint()} has no {name} ({error.code} {error.reason})"


def library() -> Any:
    """The library. Raises `UnsuitableSetting` where it is not installed."""
    try:
        import datasets
    except ImportError as error:
        raise UnsuitableSetting(
            "`huggingface` needs a package: pip install 'lab-studies[text]'"
        ) from error
    datasets.disable_progress_bars()
    return datasets


def fetched_set(name: str, revision: str, progress: Progress | None = None) -> Path:
    """The folder of a hub's set, fetched as far as it is not there. Raises `NoNetwork`."""
    place = home(name, revision)
    if not (place / COMPLETE).is_file():
        for one in remotes(name, revision):
            fetched(one, data_folder() / one.name, progress)
        (place / COMPLETE).touch()
    return place


def opened(folder: Path, subset: str | None) -> dict[str, Any]:
    """The splits in a folder by name: one that `save_to_disk` wrote, or one of data files."""
    if not folder.is_dir():
        raise MissingFile(f"{folder} is not there: name a folder with a set's files")
    datasets = library()
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        found = datasets.load_from_disk(str(folder))
        return dict(found) if hasattr(found, "keys") else {"train": found}
    inside = folder / subset if subset and (folder / subset).is_dir() else folder
    found = (p for p in inside.rglob("*") if p.suffix in FORMATS and p.name not in ABOUT)
    files = sorted(found)
    if not files:
        raise BadData(f"{inside} has no files that could be read: {', '.join(FORMATS)}")
    return _loaded(datasets, files, inside)


def _loaded(datasets: Any, files: Sequence[Path], folder: Path) -> dict[str, Any]:
    suffixes = {path.suffix for path in files}
    if len(suffixes) > 1:
        raise BadData(f"{folder} has files of several kinds: {', '.join(sorted(suffixes))}")
    by_split: dict[str, list[str]] = {}
    for path in files:
        by_split.setdefault(_split_of(path.relative_to(folder)), []).append(str(path))
    suffix = suffixes.pop()
    more = {"sep": "\t"} if suffix == ".tsv" else {}
    cache = str(data_folder() / "huggingface" / ".cache")
    try:
        return dict(
            datasets.load_dataset(FORMATS[suffix], data_files=by_split, cache_dir=cache, **more)
        )
    except (datasets.exceptions.DatasetGenerationError, OSError, ValueError) as error:
        raise BadData(f"{folder} cannot be read: {error}") from error


def _split_of(path: Path) -> str:
    """The split that a file's name or folder speaks of; `train` where none does."""
    words = str(path).lower()
    for split in ("validation", "test", "train"):
        if split in words:
            return split
    return "validation" if any(word in words for word in ("valid", "dev", "val-")) else "train"
