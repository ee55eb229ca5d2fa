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

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
