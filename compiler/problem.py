"""What only expansion can find: a diagnostic in the making."""

from lab.spec.source import Span


class Problem(Exception):
    """A study that checks but has no plan: where, what, and what to do.

    Raised inside the compiler only; its front door turns it into a diagnostic.
    """

    def __init__(self, code: str, message: str, span: Span, *help_lines: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help_lines = help_lines


class Absent(Exception):
    """A condition names something that the point lacks: the condition does not apply to it."""
