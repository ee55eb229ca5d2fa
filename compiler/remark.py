"""A warning that only a plan can give."""

from dataclasses import dataclass

from lab.spec.source import Span


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning: the driver makes it a diagnostic."""

    code: str
    message: str
    span: Span
    subject: str
    help_lines: tuple[str, ...] = ()
