"""The checker: a study's text to its checked form, and everything that is wrong with it.

`check` reads every definition once, on first use, with the type its place asks for (`values`),
turns paths into slots (`paths`), blocks into axes (`blocks`), and applies a profile's edits
(`edits`). It returns all findings in source order; what depends on a mistake is not reported again.
"""

from lab.spec.check.front import Checked, check

__all__ = ["Checked", "check"]
