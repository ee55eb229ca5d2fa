"""Files are fetched whole or not at all: over broken connections, from hosts good and bad."""

import base64
import fcntl
import hashlib
import io
import json
import resource
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Host, serving

from lab.cli.data import Watching
from lab.cli.main import main
from lab.runtime import fetching
from lab.runtime.credentials import credential
from lab.runtime.data.huggingface import HuggingFace
from lab.runtime.download import Remote, checksum, fetched
from lab.runtime.errors import BadData, NoNetwork, UnsuitableSetting

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def host() -> Iterator[Host]:
    with serving(Host({"/file": CONTENT})) as found:
        yield found


def remote(host: Host, **facts: object) -> Remote:
    given = {"digest": SHA256, "size": len(CONTENT), **facts}
    return Remote("file", f"{host.url}/file", **given)  # type: ignore[arg-type] - facts of a test


def ranges(host: Host) -> list[str | None]:
    return [headers.get("Range") for _, headers in host.seen]


def test_a_file_arrives_whole_and_alone(host: Host, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    target = fetched(remote(host), tmp_path / "file", lambda *one: told.append(one))
    assert target.read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_asked_for_again(host: Host, tmp_path: Path) -> None:
    fetched(remote(host), tmp_path / "file")
    fetched(remote(host), tmp_path / "file")
    assert len(host.seen) == 1


def test_a_cut_connection_is_made_again_and_goes_on(host: Host, tmp_path: Path) -> None:
    host.cuts = [300_000, 200_000]
    assert fetched(remote(host), tmp_path / "file").read_bytes() == CONTENT
    assert ranges(host) == [None, "bytes=300000-", "bytes=500000-"]


def test_what_had_arrived_is_gone_on_with_by_the_next_command(host: Host, tmp_path: Path) -> None:
    host.cuts = [300_000, 0]
    with pytest.raises(NoNetwork, match=r"broke off after 300,000 bytes.*they are kept"):
        fetched(remote(host), tmp_path / "file")
    assert not (tmp_path / "file").exists()
    assert fetched(remote(host), tmp_path / "file").read_bytes() == CONTENT
    assert ranges(host)[-1] == "bytes=300000-"


def test_a_host_that_sends_no_parts_sends_all_again(host: Host, tmp_path: Path) -> None:
    host.ranges, host.cuts = False, [300_000]
    assert fetched(remote(host), tmp_path / "file").read_bytes() == CONTENT
    assert len(host.seen) == 2


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    host: Host, tmp_path: Path
) -> None:
    host.cuts = [300_000, 0]
    with pytest.raises(NoNetwork):
        fetched(remote(host), tmp_path / "file")
    other = CONTENT[::-1]
    host.files["/file"], host.version = other, '"two"'
    digest = hashlib.sha256(other).hexdigest()
    assert fetched(remote(host, digest=digest), tmp_path / "file").read_bytes() == other


def test_another_file_than_was_meant_leaves_nothing(host: Host, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="damaged or another file: its sha256 is"):
        fetched(remote(host, digest="0" * 64), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_damaged_where_it_lies_is_told(host: Host, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something else")
    with pytest.raises(BadData, match="Remove it to have it fetched again"):
        fetched(remote(host), tmp_path / "file")


def test_a_partial_file_longer_than_the_whole_begins_again(host: Host, tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(CONTENT + b"more")
    assert fetched(remote(host, size=None), tmp_path / "file").read_bytes() == CONTENT


def test_a_host_without_the_file_says_so(host: Host, tmp_path: Path) -> None:
    with pytest.raises(NoNetwork, match=r"cannot be had .404"):
        fetched(Remote("x", f"{host.url}/x"), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(BadData, match=r"needs 1 MB more, and .* has 0 MB free: make room"):
        fetched(remote(host), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_is_no_broken_connection(host: Host, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetched(remote(host), tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "file").exists()
    assert fetched(remote(host), tmp_path / "file").read_bytes() == CONTENT
    assert len(host.seen) == 2


def test_an_interrupted_fetch_keeps_what_it_has(host: Host, tmp_path: Path) -> None:
    def interrupt(done: int, total: int | None) -> None:
        del total
        if done > 500_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetched(remote(host), tmp_path / "file", interrupt)
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == [".file.part"]
    fetched(remote(host), tmp_path / "file")
    assert ranges(host)[-1] is not None


def test_two_processes_do_not_write_one_file(host: Host, tmp_path: Path) -> None:
    with (tmp_path / ".file.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"theirs")
        other.flush()
        with pytest.raises(NoNetwork, match="another process is fetching"):
            fetched(remote(host), tmp_path / "file")


def test_a_secret_goes_to_its_host_alone(host: Host, tmp_path: Path) -> None:
    with serving(Host({"/elsewhere": CONTENT})) as other:
        host.redirects["/moved"] = f"{other.url}/elsewhere"
        one = Remote("f", f"{host.url}/moved", headers={"Authorization": "Bearer secret"})
        fetched(one, tmp_path / "f")
        assert host.seen[0][1]["Authorization"] == "Bearer secret"
        assert "Authorization" not in other.seen[0][1]
    assert "secret" not in repr(one)


def test_credentials_are_of_the_environment_then_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("# mine\nexport HF_TOKEN='of the file'\nKAGGLE_KEY=\n")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("KAGGLE_KEY", raising=False)
    assert credential("HF_TOKEN", tmp_path) == "of the file"
    assert credential("KAGGLE_KEY", tmp_path) is None
    monkeypatch.setenv("HF_TOKEN", "of the environment")
    assert credential("HF_TOKEN", tmp_path) == "of the environment"


# Whole sets.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    for name in ("HF_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


def blob(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


@pytest.fixture
def hub(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A hub with one set: a large file, known by SHA-256, and small ones, known by git's digest."""
    train = b"text,label\n" + b"".join(
        b"good film %d,1\nbad film %d,0\n" % (n, n) for n in range(20)
    )
    test = b"text,label\na film,1\nno film,0\n"
    tree = [
        {
            "type": "file",
            "path": "data/train.csv",
            "oid": blob(b"pointer"),
            "size": len(train),
            "lfs": {"oid": hashlib.sha256(train).hexdigest()},
        },
        {"type": "file", "path": "data/test.csv", "oid": blob(test), "size": len(test)},
        {"type": "file", "path": "script.py", "oid": blob(b"x"), "size": 1},
        {"type": "directory", "path": "data"},
    ]
    home = "/datasets/me/films/resolve/main/data"
    host.files |= {
        "/api/datasets/me/films/tree/main": json.dumps(tree).encode(),
        f"{home}/train.csv": train,
        f"{home}/test.csv": test,
    }
    monkeypatch.setenv("HF_ENDPOINT", host.url)
    return host


def test_a_set_of_the_hub_is_fetched_checked_and_read(
    hub: Host, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert main(["data", "fetch", "huggingface/me/films"]) == 0
    assert {headers["Authorization"] for _, headers in hub.seen} == {"Bearer secret"}
    assert not list(folder.rglob("script.py"))
    hub.files.clear()
    found = HuggingFace(name="me/films", text=("text",), length=8).load()
    assert found.train.inputs.shape == (40, 3, 8)
    assert found.test.labels.tolist() == [1, 0]


def test_a_damaged_file_of_the_hub_is_noticed(hub: Host, folder: Path) -> None:
    hub.files["/datasets/me/films/resolve/main/data/test.csv"] = (
        b"text,label\na film,1\nno film,1\n"
    )
    with pytest.raises(BadData, match="its git is"):
        fetching.fetch("huggingface/me/films", lambda *_: None)
    assert not list(folder.rglob(".complete"))


def test_a_set_of_kaggle_is_fetched_and_unpacked(
    host: Host, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/b.csv", "x\n")
    host.files["/datasets/download/me/cats"] = packed.getvalue()
    monkeypatch.setenv("KAGGLE_ENDPOINT", host.url)
    with pytest.raises(UnsuitableSetting, match="KAGGLE_USERNAME and KAGGLE_KEY"):
        fetching.fetch("kaggle/me/cats", lambda *_: None)
    Path(".env").write_text("KAGGLE_USERNAME=me\nKAGGLE_KEY=mine\n")
    found = fetching.fetch("kaggle/me/cats", lambda *_: None)
    assert (found.place / "a" / "b.csv").read_text() == "x\n"
    said = host.seen[-1][1]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(said) == b"me:mine"
    assert sorted(p.name for p in (folder / "kaggle").iterdir()) == ["me--cats"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cifar1000", "did you mean `cifar100`"),
        ("glue/sst3", "did you mean `glue/sst2`"),
        ("imagenette/99", "160, 320 or full"),
        ("mnist/x", "has no parts"),
        ("kaggle/alone", "kaggle/OWNER/NAME"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(
    name: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "fetch", name]) == 2
    assert says in capsys.readouterr().err


def test_without_network_a_fetch_says_what_to_put_where(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert main(["data", "fetch", "cifar100"]) == 2
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert f"may also be put at {folder / 'cifar-100-binary.tar.gz'}" in said


def test_what_is_there_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "glue").mkdir(parents=True)
    (folder / "glue" / "RTE.zip").write_bytes(b"12345")
    assert main(["data", "ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["at_hand"] == [{"name": "glue/", "bytes": 5}]
    assert main(["data", "ls"]) == 0
    assert "5 B" in capsys.readouterr().out


def test_progress_says_how_long_it_will_take() -> None:
    watching = Watching()
    watching("file", 0, 100)
    assert watching.line(5_000_000, 10_000_000, 2.0) == (
        "file: 5.0 MB of 10.0 MB, 2.5 MB/s, 2 s left"
    )


def test_checksums_of_git_are_those_of_its_blobs(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello\n")
    assert checksum(tmp_path / "x", "git") == "ce013625030ba8dba906f756967f9e9ca394464a"
