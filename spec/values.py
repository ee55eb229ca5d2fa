"""Resolved values: what an argument is once every choice is made.

Plain JSON, so that a plan round-trips and a key is a hash of text:

- `3`, `1e-3`, `80%`, `4 bits`, `"a"`, `sine`, `true`, `none`: a number (in the base unit), string,
  bool or null.
- `2k steps`, or `30%` where a duration is asked: `{"duration": 2000, "unit": "steps"}`.
- `[a, b]`: a list.
- `fourier(bands: 4)`: `{"component": "fourier", "kind": "encoding", "args": {…}}`, with all
  defaults filled in.
- `"weights/x.safetensors"` where a file is asked: `{"file": "weights/x.safetensors", "content":
  "sha256:…"}`.
- `linear(0 -> 1) for 30% then 1`: `{"schedule": "pieces", "pieces": [{"value": …, "for": {…} or
  null}]}`. A part is a number, a `schedule` component, or `{"schedule": "sum" or "product", "of":
  […]}`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]


def components_in(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of every component in a value, however deep."""
    if isinstance(value, list):
        for item in cast(list[Any], value):
            yield from components_in(item)
    elif isinstance(value, Mapping):
        fields = cast(Mapping[str, Any], value)
        if "component" in fields:
            yield str(fields["kind"]), str(fields["component"])
        for item in fields.values():
            yield from components_in(item)
