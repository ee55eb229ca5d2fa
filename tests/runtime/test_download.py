import hashlib
import os
from pathlib import Path

import pytest

from lab.runtime.download import download, npm_pack, verify
from lab.runtime.errors import BadData, NoNetwork

CONTENT = b"what is fetched"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def npm_that(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_file_with_the_right_digest_is_put_in_place(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    download(source.as_uri(), target, algorithm="sha256", digest=SHA256)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_file_with_another_digest_leaves_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    with pytest.raises(BadData, match=r"damaged or another file.*Remove it"):
        download(source.as_uri(), target, algorithm="md5", digest="0" * 32)
    assert list(target.parent.iterdir()) == []


def test_a_server_that_does_not_answer_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(NoNetwork, match="cannot be reached"):
        download("http://127.0.0.1:9/x", tmp_path / "file", algorithm="md5", digest="0")


def test_verify_gives_back_the_path(source: Path) -> None:
    assert verify(source, algorithm="sha256", digest=SHA256) == source


def test_a_package_is_fetched_by_npm(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that(tmp_path / "bin", f'cp "{source}" "$2.tgz"', monkeypatch)
    target = npm_pack("a-package", tmp_path / "data" / "a.tgz", sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_the_reason_why_npm_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that(tmp_path / "bin", 'echo "npm error code ENOTFOUND" >&2; exit 1', monkeypatch)
    with pytest.raises(NoNetwork, match="`npm pack a-package` failed: npm error code ENOTFOUND"):
        npm_pack("a-package", tmp_path / "a.tgz", sha256=SHA256)


def test_an_npm_that_makes_nothing_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that(tmp_path / "bin", "true", monkeypatch)
    with pytest.raises(NoNetwork, match="made no archive"):
        npm_pack("a-package", tmp_path / "a.tgz", sha256=SHA256)


def test_without_npm_the_package_cannot_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoNetwork, match="npm is not installed"):
        npm_pack("a-package", tmp_path / "a.tgz", sha256=SHA256)
