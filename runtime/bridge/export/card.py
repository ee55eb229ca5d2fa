"""The card of an export: a README that says what it is, what it scores, and how it is loaded."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import lab
from lab.runtime.bridge.export.networks import EXAMPLES, Network
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.bridge.export.written import Written

if TYPE_CHECKING:
    from lab.runtime.bridge.export.exporting import Exported

#: Longer arguments are cut in the card; `export.json` has all.
_LONGEST = 120


def card(subject: Subject, network: Network, written: Written, made: "Exported") -> str:
    """The text of the card, in Markdown."""
    parts = (
        _head(subject, made),
        _sizes(written, made),
        _loading(network, written),
        _numbers(subject),
        _making(subject),
        _limits(network, written, made),
    )
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(subject: Subject, made: "Exported") -> Iterator[str]:
    origin = subject.origin
    yield f"# {origin.name}, {made.format}"
    yield ""
    network = _component(subject.artifact.model)
    method = "plain weights" if subject.method_value is None else _component(subject.method_value)
    yield f"Network: `{network}`  "
    yield f"Weights: `{method}`"
    if origin.study:
        yield ""
        yield f"The arm `{origin.name}` of the study `{origin.study}`, its first replicate."


def _sizes(written: Written, made: "Exported") -> Iterator[str]:
    yield "## Bytes"
    yield ""
    yield "| file | bytes |"
    yield "|---|---|"
    for name in written.weights:
        yield f"| `{name}` | {made.files[name]:,} |"
    yield f"| parameters and buffers in float32 | {made.state_bytes:,} |"
    yield ""
    ratio = made.state_bytes / max(made.bytes, 1)
    yield f"The model takes {made.bytes:,} bytes: float32 takes {ratio:.3g} times that."
    if written.whole:
        yield f"{written.whole} arrays of codes are whole numbers in the file."
    if written.base:
        base = sum(made.files[name] for name in written.base)
        yield f"The base beside it takes {base:,} bytes more."


def _loading(network: Network, written: Written) -> Iterator[str]:
    yield "## Loading"
    yield ""
    yield f"In this folder, with {', '.join(written.needs)} and nothing of `lab`:"
    yield ""
    yield "```python"
    yield from written.code
    yield "```"
    yield ""
    for name, words in network.inputs.items():
        yield f"* `{name}`: {words}."


def _numbers(subject: Subject) -> Iterator[str]:
    yield "## Measured"
    yield ""
    if not subject.origin.numbers:
        yield "Nothing was measured of it."
        return
    yield "| metric | value | basis |"
    yield "|---|---|---|"
    for one in subject.origin.numbers:
        yield f"| {one.name} | {one.text} | {one.basis} |"


def _making(subject: Subject) -> Iterator[str]:
    origin = subject.origin
    yield "## How it was made"
    yield ""
    for place, stage in enumerate(origin.record.get("stages", ()), 1):
        yield f"{place}. {stage['label']}: {_arguments(stage)}"
    yield ""
    yield f"`lab` {lab.__version__}. Key of the last stage: `{origin.key or 'none'}`."
    for place, stage in enumerate(origin.record.get("stages", ()), 1):
        yield f"Stage {place}: code {stage['version']}, {_environment(stage)}."
    for key, why in origin.record.get("accepted", {}).items():
        yield f"Made by older code, which stands ({key[:8]}): {why}."
    yield "`export.json` has all arguments, and a checksum of every file."


def _limits(network: Network, written: Written, made: "Exported") -> Iterator[str]:
    yield "## Limits and license"
    yield ""
    for note in written.notes:
        yield f"* {note}"
    yield (
        f"* When it was written, the code above was run without `lab` and JAX on {EXAMPLES} random "
        f"examples; its logits differ from JAX's by {made.difference:.1e} of the largest."
    )
    yield f"* {network.license}"
    yield (
        "* Weights stand under the license of those that they were trained from, and of the data; "
        "`lab` adds none. The stages above name both."
    )


def _component(value: Mapping[str, Any]) -> str:
    """A component with its arguments, as a study would write it, long ones cut."""
    given = ", ".join(f"{n}: {_short(v)}" for n, v in value["args"].items() if v not in (None, []))
    return f"{value['component']}({given})"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "component" in value:
        return _component(value)
    if isinstance(value, Mapping) and "duration" in value:
        return f"{value['duration']:g} {value['unit']}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _arguments(stage: Mapping[str, Any]) -> str:
    given = stage.get("arguments", {})
    return "; ".join(f"{n}: `{_short(v)}`" for n, v in given.items() if v not in (None, []))


def _environment(stage: Mapping[str, Any]) -> str:
    found = stage.get("environment", {})
    jax = found.get("packages", {}).get("jax", "of an unknown version")
    return f"seed {stage.get('seed')}, {found.get('device', 'unknown device')}, jax {jax}"
