"""Files to sources. A file that cannot be read is a finding like any other."""

import stat
from pathlib import Path

from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.source import Source, Span

#: Bytes that a study may have: hundreds of times more than anybody writes.
LARGEST = 4_000_000
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def read_source(path: Path, *, name: str | None = None) -> Source | Diagnostic:
    """The text of a file, or what is wrong with it."""
    shown = name or str(path)
    try:
        reason = _unfit(path) or ""
        if not reason:
            return decode(shown, path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    return _refused("E0701", f"`{shown}` cannot be read: {reason}", Source(shown, ""))


def _unfit(path: Path) -> str | None:
    """Why a path is not read at all: what has no end would be read forever."""
    facts = path.stat()
    for fits, kind in _KINDS:
        if fits(facts.st_mode):
            return f"it is {kind}, and a study is a file"
    if facts.st_size > LARGEST:
        size = f"{facts.st_size / 1e6:,.1f} MB"
        return f"it has {size}, and a study has at most {LARGEST / 1e6:g} MB"
    return None


def decode(name: str, data: bytes) -> Source | Diagnostic:
    """The text that bytes hold, or what is wrong with them.

    Example:
        >>> decode("a.lab", b"study a")
        Source(name='a.lab', text='study a')
    """
    if b"\0" in data:
        return _refused("E0702", f"`{name}` is not text: it holds NUL bytes", Source(name, ""))
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        whole = data.decode("utf-8", errors="replace")
        good = data[: error.start].decode("utf-8", errors="replace")
        place = Span(len(good), len(good) + 1)
        found = f"0x{data[error.start]:02X}"
        message = f"`{name}` is not text in UTF-8: byte {error.start} is {found}"
        return _refused("E0702", message, Source(name, whole), place)


def _refused(code: str, message: str, source: Source, place: Span | None = None) -> Diagnostic:
    helps = {"E0702": ("save the file as UTF-8",)}.get(code, ())
    return Diagnostic("error", code, message, source, (Label(place or Span(0, 0)),), help=helps)
