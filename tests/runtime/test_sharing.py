"""Owners, leases and claims: nothing is done twice, and the dead hold nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.runtime.leases import FOLDER, Leases, leases_in
from lab.runtime.owners import PATIENCE_SECONDS, Owner, Process, Watch, this_process
from lab.runtime.sharing import Sharing
from lab.runtime.store import Store

TAKE = """
import sys
from pathlib import Path
from lab.runtime.leases import Leases
from lab.runtime.owners import Owner
root = Path(sys.argv[1])
owner = Owner(root)
print(*sorted(Leases(root, owner).take(sys.argv[2].split(","))), flush=True)
sys.stdin.read()
import os
os._exit(0)
"""


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def another(root: Path, keys: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", TAKE, str(root), keys],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> set[str]:
    assert process.stdout is not None
    return set(process.stdout.readline().split())


def ended(process: "subprocess.Popen[str]") -> None:
    process.communicate()


def foreign(root: Path, name: str, **changes: object) -> Path:
    """The file of an owner on another machine, whose counter a test moves."""
    path = root / "owners" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    process = replace(this_process(), host="elsewhere", **changes)
    path.write_text(json.dumps(process.__dict__) + "\n" + "0" * 16 + "\n")
    return path


def test_two_processes_never_hold_one_key(tmp_path: Path) -> None:
    first = another(tmp_path, "a,b")
    assert said(first) == {"a", "b"}
    second = another(tmp_path, "b,c")
    assert said(second) == {"c"}
    assert set(leases_in(tmp_path)) == {"a", "b", "c"}
    assert all("process" in who for who in leases_in(tmp_path).values())
    ended(first)
    ended(second)


def test_leases_of_a_process_that_died_are_taken_over_at_once(tmp_path: Path) -> None:
    first = another(tmp_path, "a")
    assert said(first) == {"a"}
    ended(first)
    owner = Owner(tmp_path)
    leases = Leases(tmp_path, owner)
    assert leases_in(tmp_path) == {}
    assert leases.take(["a"]) == {"a"}
    owner.leave()


def test_a_number_that_another_process_has_now_is_not_the_process(tmp_path: Path) -> None:
    foreign(tmp_path, "old", started="1")
    path = tmp_path / "owners" / "old"
    path.write_text(json.dumps({**this_process().__dict__, "started": "1"}) + "\n" + "0" * 16)
    assert Watch(tmp_path).is_dead("old")


def test_an_owner_elsewhere_is_dead_when_its_counter_stood_still_long_enough(
    tmp_path: Path,
) -> None:
    path, clock = foreign(tmp_path, "far"), Clock()
    watch = Watch(tmp_path, clock)
    assert not watch.is_dead("far")
    clock.now = PATIENCE_SECONDS - 1
    assert not watch.is_dead("far")
    path.write_text(path.read_text().replace("0" * 16, "1".zfill(16)))
    clock.now = PATIENCE_SECONDS + 1
    assert not watch.is_dead("far")
    clock.now = 2 * PATIENCE_SECONDS + 2
    assert watch.is_dead("far")


def test_times_of_files_decide_nothing(tmp_path: Path) -> None:
    path = foreign(tmp_path, "far")
    for jump in (0, 4_000_000_000):
        os.utime(path, (jump, jump))
        assert not Watch(tmp_path).is_dead("far")


@pytest.mark.parametrize("text", ["", "{", "[]\n0", '{"host": 1}\n'])
def test_an_owner_that_cannot_be_read_is_watched_first(tmp_path: Path, text: str) -> None:
    clock = Clock()
    foreign(tmp_path, "odd").write_text(text)
    watch = Watch(tmp_path, clock)
    assert not watch.is_dead("odd")
    clock.now = PATIENCE_SECONDS
    assert watch.is_dead("odd")


def test_what_is_only_being_written_is_nobodys(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    leases = Leases(tmp_path, owner)
    foreign(tmp_path, "far")
    (tmp_path / FOLDER / ".far").write_text("a\nb\n")
    (tmp_path / FOLDER / "far").write_text("b\n")
    assert leases.take(["a", "b"]) == {"a"}
    owner.leave()


def test_two_that_write_for_one_owner_keep_what_the_other_holds(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    one, two = Leases(tmp_path, owner), Leases(tmp_path, owner)
    assert one.take(["a", "b"]) == {"a", "b"}
    assert two.take(["c"]) == {"c"}
    one.release(["a", "c"])
    assert set(leases_in(tmp_path)) == {"b", "c"}
    one.close()
    two.close()
    assert not list((tmp_path / FOLDER).glob("[!.]*"))
    owner.leave()


def test_what_is_given_back_is_free(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    leases = Leases(tmp_path, owner)
    assert leases.take(["a", "b"]) == {"a", "b"}
    leases.release(["a"])
    assert set(leases_in(tmp_path)) == {"b"}
    leases.close()
    assert leases_in(tmp_path) == {}
    owner.leave()


def test_a_lease_that_was_taken_over_is_not_given_back(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    leases = Leases(tmp_path, owner)
    leases.take(["a"])
    foreign(tmp_path, "far")
    (tmp_path / FOLDER / "far").write_text("a\n")
    leases.close()
    assert set(leases_in(tmp_path)) == {"a"}
    owner.leave()


def test_an_owner_that_leaves_is_no_owner(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    assert Watch(tmp_path).all() == [owner.identity]
    assert not Watch(tmp_path).is_dead(owner.identity)
    owner.leave()
    assert Watch(tmp_path).all() == []


def test_opening_a_store_forgets_the_dead_and_leaves_the_living(tmp_path: Path) -> None:
    process = another(tmp_path, "a")
    said(process)
    alive = Watch(tmp_path).all()
    Store(tmp_path)
    assert Watch(tmp_path).all() == alive
    ended(process)
    Store(tmp_path)
    assert Watch(tmp_path).all() == []


def test_a_claim_sees_what_others_did_since(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.record_failure("old", {"cause": "diverged"})
    sharing = Sharing(store)
    assert sharing.claims(["old"]) == {"old": "ours"}
    scratch = store.open_scratch("done")
    store.commit("done", scratch, {"values": {}})
    store.record_failure("lost", {"cause": "diverged"})
    assert sharing.claims(["done"]) == {"done": "done"}
    assert sharing.claims(["lost"]) == {"lost": "failed"}
    assert set(leases_in(tmp_path)) == {"old"}
    sharing.close()
    store.close()


def test_a_claim_on_what_another_does_is_elsewhere(tmp_path: Path) -> None:
    process = another(tmp_path, "a")
    assert said(process) == {"a"}
    store = Store(tmp_path)
    sharing = Sharing(store)
    assert sharing.claims(["a"]) == {"a": "elsewhere"}
    assert sharing.claims(["b"]) == {"b": "ours"}
    sharing.close()
    store.close()
    ended(process)


def test_a_process_is_known_by_when_it_started() -> None:
    here = this_process()
    assert here.is_of_this_machine
    assert here.runs()
    assert not replace(here, started="0").runs()
    assert not Process("elsewhere", "", "", 1, "").is_of_this_machine
