"""What a check found: data first, text, JSON and editor shapes later."""

from typing import Literal

from lab.spec.records import record
from lab.spec.source import Source, Span

Severity = Literal["error", "warning"]


@record
class Label:
    """A place in the source and what to say beside its carets."""

    span: Span
    text: str = ""


@record
class Edit:
    """A machine-applicable remedy: replace `span` by `replacement`."""

    span: Span
    replacement: str


@record
class Diagnostic:
    """One finding.

    Always holds: `code` has a page in `lab.spec.codes`; the first label is the primary place;
    `message` is one sentence without a full stop. `subject` names the definition or block that the
    finding spoils, from which the number of runs it touches (`reach`) is counted after expansion.
    """

    severity: Severity
    code: str
    message: str
    source: Source
    labels: tuple[Label, ...]
    help: tuple[str, ...] = ()
    edit: Edit | None = None
    subject: str | None = None
    reach: str | None = None
