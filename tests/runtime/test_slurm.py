"""What jobs of Slurm do beyond other engines: they are requeued, and go on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_engines import batch, heard, order

from lab.runtime.engine import Opening
from lab.runtime.errors import LabError
from lab.runtime.mailbox import Correspondence, Mailbox

submitit = pytest.importorskip("submitit", reason="the extra `slurm` is not installed")

from lab.runtime.engines.slurm import Slurm  # noqa: E402 - it needs submitit

ATTEND = """
import sys
from pathlib import Path
from lab.runtime.mailbox import Posted, attend
attend(Posted(Path(sys.argv[1]), 1))
"""


def test_a_job_that_is_preempted_goes_on_with_what_it_was_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_SLURM", "local")
    engine = Slurm(Opening(tmp_path, widest=1))
    try:
        engine.start(0, batch(tmp_path, "work", "preempted", "work"))
        said = order(heard(engine, (0,))[0])
    finally:
        engine.stop()
    assert said == [
        ("started", "0-work"),
        ("done", "0-work"),
        ("started", "1-preempted"),
        ("started", "1-preempted"),
        ("done", "1-preempted"),
        ("started", "2-work"),
        ("done", "2-work"),
        ("idle", ""),
    ]


def test_without_slurm_the_engine_says_what_there_is_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_SLURM", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LabError, match="LAB_SLURM=local"):
        Slurm(Opening(tmp_path, widest=1))


def test_half_a_line_and_half_a_result_of_a_worker_that_was_ended_go(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    work = batch(tmp_path, "work", "work")
    letter = mailbox.post(work)
    output = Path(work.tasks[0].output)
    (output / "half").touch()
    started = json.dumps({"event": "started", "key": "0-work"})
    letter.posted.events.write_text(f'{started}\n{{"event": "progr', encoding="utf-8")
    subprocess.run([sys.executable, "-c", ATTEND, str(mailbox.folder)], check=True)
    assert not (output / "half").exists()
    said = order(Correspondence(letter.posted).news())
    assert said == [("started", "0-work"), *order_of_done("0-work", "1-work")]
    mailbox.close()
    assert not list(tmp_path.glob(".tmp-batches-*"))


def order_of_done(*keys: str) -> list[tuple[str, str]]:
    return [*((event, key) for key in keys for event in ("started", "done")), ("idle", "")]
