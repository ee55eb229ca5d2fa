"""`lab export`: a model for people without `lab`, or its weights and how they were made."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import exits
from lab.cli.arguments import FORMATS
from lab.cli.options import Options
from lab.cli.origins import Origin, origin_of
from lab.runtime.errors import LabError, NotExportable

if TYPE_CHECKING:
    from lab.runtime.bridge.export.exporting import Exported


def export(options: Options) -> int:
    """Write the first replicate of an arm, or what a key stands for, in a format."""
    if len(options.names) != 1:
        raise LabError("name one study, or one key")
    _demand_output(options)
    origin = origin_of(options.names[0], options)
    if origin is None:
        return exits.STUDY_IS_WRONG
    if origin.note:
        print(f"lab: {origin.note}", file=sys.stderr)
    if options.to is None:
        _write_weights(origin, options.output or Path())
    else:
        _show(_exported(origin, options.to, options))
    return exits.DONE


def export_model(  # noqa: PLR0913 - as the command line has them
    source: str | Path,
    *,
    to: str = "torch",
    arm: str | None = None,
    output: str | Path | None = None,
    results: str | Path | None = None,
    profile: str | None = None,
    sets: Sequence[str] = (),
    replace: bool = False,
    dense: bool = False,
    shrink: bool = False,
) -> "Exported":
    """Export a model for people without `lab`: `lab.export("study.lab", arm="eight", to="onnx")`.

    Args:
        source: a study's file, or a key of its store.
        to: `torch`, `compact`, `pt2`, `onnx`, `peft` or `transformers`.
        arm: of the study; its first replicate is exported.
        output: the folder to write; by default named after arm and format, in the current one.
        results: the folder of results; by default beside the study's folder.
        profile, sets: as for `lab run`.
        replace: whether an export that is there is replaced.
        dense: whether codes are folded into float32 where a format would keep them.
        shrink: whether channels that pruning left at zero are taken out.

    Raises `LabError` where the format does not fit the model, and where what was written does not
    answer as the model does; nothing is left then.
    """
    options = Options(
        names=(str(source),),
        arm=arm,
        to=to,
        output=None if output is None else Path(output),
        results=None if results is None else Path(results),
        profile=profile,
        sets=tuple(sets),
        replace=replace,
        dense=dense,
        shrink=shrink,
    )
    origin = origin_of(str(source), options)
    if origin is None:
        raise LabError(f"{source} has mistakes: `lab check` shows them")
    return _exported(origin, to, options)


def _demand_output(options: Options) -> None:
    """A place that fits what is asked for, said before anything is loaded."""
    output = options.output
    if options.to is None and (options.shrink or options.dense):
        raise LabError("say a format with --to: " + ", ".join(FORMATS))
    if options.to is not None:
        return
    if output is None:
        raise LabError("name the file to write with -o, or a format with --to")
    if output.suffix == ".json":
        raise LabError(f"{output}: the record goes there; name the weights .safetensors")


def _exported(origin: Origin, to: str, options: Options) -> "Exported":
    choices = {"replace": options.replace, "dense": options.dense, "shrink": options.shrink}
    folder = options.output or Path(f"{origin.name}-{to}")
    try:
        from lab.runtime.bridge.export import exporting

        return exporting.export(origin.subject(), to, folder, exporting.Choices(**choices))
    except ModuleNotFoundError as error:
        raise NotExportable(
            f"`--to {to}` needs {error.name}, which is not installed: install the extras `models` "
            "and `onnx`"
        ) from error


def _show(made: "Exported") -> None:
    ratio = made.state_bytes / max(made.bytes, 1)
    print(
        f"{made.folder}: {made.bytes:,} bytes, float32 takes {made.state_bytes:,} "
        f"({ratio:.3g} times that)"
    )
    print(f"loaded without lab and JAX: logits differ by {made.difference:.1e} of the largest")
    print(f"how to load it: {made.folder / 'README.md'}")


def _write_weights(origin: Origin, output: Path) -> None:
    """Weights by name in one file, and how they were made beside it."""
    from lab.runtime.bridge.export.weights import write_weights
    from lab.runtime.files import write_atomically

    write_weights(origin.subject().artifact, output)
    text = json.dumps(origin.record, indent=1)
    write_atomically(output.with_suffix(".json"), text.encode() + b"\n")
    print(f"{output}: {output.stat().st_size} bytes")
