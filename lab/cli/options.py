"""What a command was given, checked."""

from pathlib import Path

from lab.spec.records import record


@record(kw_only=True)
class Options:
    """The arguments of any command; each reads those it declares in the table."""

    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    profile: str | None = None
    sets: tuple[str, ...] = ()
    results: Path | None = None
    json: bool = False
    check: bool = False
    fix: bool = False
    diff: bool = False
    undo: bool = False
    yes: bool = False
    because: str | None = None
    jobs: int | None = None
    limit: int | None = None
    engine: str = "local"
    devices: int | None = None
    retry: bool = False
    no_aim: bool = False
    checkpoint: float | None = None
    memory: float | None = None
    port: int = 43800
    arm: str | None = None
    to: str | None = None
    shrink: bool = False
    dense: bool = False
    replace: bool = False
    output: Path | None = None
    only: str | None = None
    since: str | None = None
    probe: bool = False
    verbose: bool = False
    sample: int | None = None
