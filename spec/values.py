"""Resolved values: what an argument is once every choice is made.

Plain JSON, so that a plan round-trips and a key is a hash of text:

| written                  | value                                                            |
|--------------------------|------------------------------------------------------------------|
| `3`, `1e-3`, `80%`, `4 bits`, `"a"`, `sine`, `true`, `none` | number (base unit), string, bool, null |
| `2k steps`, `30%` where a duration is asked | `{"duration": 2000, "unit": "steps"}`         |
| `[a, b]`                 | list                                                             |
| `fourier(bands: 4)`      | `{"component": "fourier", "kind": "encoding", "args": {…}}`, all defaults filled in |
| `"weights/x.safetensors"` where a file is asked | `{"file": "weights/x.safetensors", "content": "sha256:…"}` |
| `linear(0 -> 1) for 30% then 1` | `{"schedule": "pieces", "pieces": [{"value": …, "for": {…} or null}]}`; a part is a number, a `schedule` component, or `{"schedule": "sum" or "product", "of": […]}` |
| an arm as an argument    | `{"arm": "<key of its last stage>"}`                              |
"""

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
