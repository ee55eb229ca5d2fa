"""`lab check`, `fmt`, `explain` and `docs`: the tools of the language."""

import difflib
import json
import sys
from pathlib import Path

from lab.cli import exits
from lab.cli.load import Loaded, findings, load, show_diagnostics
from lab.cli.options import Options
from lab.spec.catalog import builtin_catalog
from lab.spec.codes import explain as page_of
from lab.spec.diagnostics import Diagnostic
from lab.spec.files import decode, read_source
from lab.spec.render import fixed
from lab.spec.source import Source
from lab.spec.suggest import nearest


def check(options: Options) -> int:
    """Print everything that is wrong with studies."""
    worst = exits.DONE
    documents: list[dict[str, object]] = []
    for file in options.files:
        loaded = _fixed(file) if options.fix else load(file)
        if options.json:
            documents.append(findings(loaded))
        else:
            show_diagnostics(loaded, sys.stderr)
        errors = sum(one.severity == "error" for one in loaded.diagnostics)
        warnings = len(loaded.diagnostics) - errors
        if loaded.is_wrong:
            worst = exits.STUDY_IS_WRONG
        if not options.json:
            runs = "" if loaded.plan is None else f", {_count(len(loaded.plan.runs), 'run')}"
            print(f"{file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}{runs}")
    if options.json:
        whole = documents[0] if len(documents) == 1 else {"files": documents}
        print(json.dumps(whole, indent=2))
    return worst


def _fixed(file: Path) -> Loaded:
    """A study after every remedy that a machine can apply, as it is on disk then.

    A remedy can uncover another mistake that has one, so it goes on until the text is one that has
    been there already.
    """
    from lab.runtime.files import write_atomically

    loaded = load(file)
    seen: set[str] = set()
    while loaded.source.text not in seen:
        seen.add(loaded.source.text)
        mended = fixed(loaded.source, loaded.diagnostics)
        if mended not in seen:
            write_atomically(file, mended.encode())
            loaded = load(file)
    return loaded


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def explain(options: Options) -> int:
    """Print the page of each error code."""
    worst = exits.DONE
    for name in options.names:
        page = page_of(name.upper())
        if page is None:
            print(f"lab: there is no error code {name}", file=sys.stderr)
            worst = exits.COMMAND_IS_WRONG
        else:
            print(page)
    return worst


def docs(options: Options) -> int:
    """Describe components by name; all names where none is given."""
    from lab.spec.docs import describe

    signatures = builtin_catalog().signatures
    if not options.names:
        for kind in sorted({kind for kind, _ in signatures}):
            print(f"{kind}: {', '.join(sorted(n for k, n in signatures if k == kind))}")
        return exits.DONE
    worst = exits.DONE
    for name in options.names:
        found = [signature for (_, known), signature in signatures.items() if known == name]
        for signature in found:
            print(describe(signature))
        if not found:
            close = nearest(name, sorted(known for _, known in signatures))
            hint = f"; did you mean `{close}`?" if close else ""
            print(f"lab: no component is called `{name}`{hint}", file=sys.stderr)
            worst = exits.COMMAND_IS_WRONG
    return worst


def fmt(options: Options) -> int:
    """Write studies in canonical form."""
    return max((_format(file, options) for file in options.files), default=exits.DONE)


#: The file name that stands for standard input and output.
STREAM = Path("-")


def _format(file: Path, options: Options) -> int:
    from lab.spec.format import FormatError, format
    from lab.spec.render import render, render_all

    source = decode("<stdin>", sys.stdin.buffer.read()) if file == STREAM else read_source(file)
    if isinstance(source, Diagnostic):
        print(render(source), file=sys.stderr)
        return exits.STUDY_IS_WRONG
    try:
        text = format(source)
    except FormatError as problem:
        print(render_all(problem.diagnostics) or f"lab: {problem}", file=sys.stderr)
        return exits.STUDY_IS_WRONG
    return _formatted(file, source, text, options)


def _formatted(file: Path, source: Source, text: str, options: Options) -> int:
    """Show or write canonical text, as the options ask."""
    from lab.runtime.files import write_atomically

    is_new = text != source.text
    if options.diff:
        old, new = source.text.splitlines(True), text.splitlines(True)
        sys.stdout.writelines(difflib.unified_diff(old, new, source.name, source.name))
    elif file == STREAM and not options.check:
        sys.stdout.write(text)
    elif is_new and not options.check:
        write_atomically(file, text.encode())
    if is_new and options.check:
        print(f"would reformat {source.name}", file=sys.stderr)
        return exits.STUDY_IS_WRONG
    return exits.DONE
