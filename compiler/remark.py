"""A warning that only a plan can give."""

from lab.spec.records import record
from lab.spec.source import Span


@record
class Remark:
    """A warning: the driver makes it a diagnostic."""

    code: str
    message: str
    span: Span
    subject: str
    help_lines: tuple[str, ...] = ()
