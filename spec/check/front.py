"""The order of a check."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TypeVar

from lab.spec import core, syntax
from lab.spec.check.arms import read_arm
from lab.spec.check.blocks import read_filters, read_grid
from lab.spec.check.circles import refuse_circles
from lab.spec.check.claims import read_claim
from lab.spec.check.components import read_component
from lab.spec.check.conditions import read_condition
from lab.spec.check.context import Context, Hint, Reader, Scope, suggestion
from lab.spec.check.definitions import agree, define, repeated
from lab.spec.check.edits import Budget, Edits, edited, read_budget, read_edit, read_profile
from lab.spec.check.figures import read_path, read_report
from lab.spec.check.gather import Load, beside, gather
from lab.spec.check.later import slots_set
from lab.spec.check.lengths import lint_lengths
from lab.spec.check.lints import lint
from lab.spec.check.losses import read_loss
from lab.spec.check.methods import read_stage
from lab.spec.check.metrics import read_metric
from lab.spec.check.origins import EditedBy, Origins, names_a_path
from lab.spec.check.quantities import read_number
from lab.spec.check.recorded import lint_recorded
from lab.spec.check.repeats import read_repeats
from lab.spec.check.schedules import read_schedule
from lab.spec.check.searches import read_search
from lab.spec.check.unread import lint_unread
from lab.spec.check.values import read_curve, read_text, read_value, read_word
from lab.spec.check.watch import Watch
from lab.spec.diagnostics import Diagnostic
from lab.spec.parser import Parsed, parse, parse_axis, parse_expression
from lab.spec.records import made_by, record, replaced
from lab.spec.signature import Catalog
from lab.spec.source import Source, Span

READERS: Mapping[str, Reader] = {
    "": read_value,
    "number": read_number,
    "word": read_word,
    "bool": read_word,
    "string": read_text,
    "file": read_text,
    "schedule": read_schedule,
    "loss": read_loss,
    "arm": read_arm,
    "stage": read_stage,
    "metric": read_metric,
    "path": read_path,
    "curve": read_curve,
    "condition": read_condition,
    "component": read_component,
}

Node = TypeVar("Node")


@record
class Checked:
    """A study, and what was found in it.

    Always holds: `diagnostics` are in source order; `catalog` is the one given, with the components
    of the files that the study uses. Where there are errors `study` is what could be understood of
    it, for counting what they touch, or None.
    """

    study: core.Study | None
    diagnostics: list[Diagnostic]
    catalog: Catalog
    origins: Origins = made_by(default_factory=Origins)

    @property
    def failed(self) -> bool:
        """Whether there are errors."""
        return any(one.severity == "error" for one in self.diagnostics)


def check(
    source: Source,
    catalog: Catalog,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    only: str | None = None,
    load: Load | None = None,
    watch: Watch | None = None,
) -> Checked:
    """Check a study.

    Args:
        source: its text. `catalog`: the components it can choose from.
        profile: the profile to apply; all of them are checked whatever it is.
        sets: texts `path=value`, applied after the profile.
        only: the text of a condition, as `keep` has it.
        load: reads a file that the study uses; by default from the folder of the source.
        watch: hears what is read as what, and what would fit.
    """
    parsed = parse(source)
    context = Context(source, catalog, readers=READERS, define=define, watch=watch)
    gather(context, parsed, source, load or beside(source))
    context.watch.begins(context, parsed)
    whole = _Study(context, parsed)
    study = whole.checked(profile, sets)
    kept = [] if only is None else list(whole.only(only))
    found = sorted(context.diagnostics, key=lambda one: _order(one, source))
    sources = {name: one.source for name, one in context.declared.items()}
    origins = Origins(sources, tuple(whole.edits), tuple(kept))
    return Checked(study, found, context.catalog, origins)


def _order(finding: Diagnostic, source: Source) -> tuple[bool, str, int]:
    here = finding.source.name == source.name
    return not here, finding.source.name, finding.labels[0].span.start


def _with_all_grids(study: core.Study, profiles: Iterable[Edits]) -> core.Study:
    """A study with the grids and claims of all its profiles."""
    grids, claims = study.grids, study.claims
    for one in profiles:
        grids, claims = (*grids, *one.grids), (*claims, *one.claims)
    return replaced(study, grids=grids, claims=claims)


class _Study:
    """One pass over the declarations of a study."""

    def __init__(self, context: Context, parsed: Parsed) -> None:
        self.context = context
        self.source = context.source
        self.nodes = parsed.module.declarations
        self.edits: list[EditedBy] = []

    def _of(self, kind: type[Node]) -> list[Node]:
        return [node for node in self.nodes if isinstance(node, kind)]

    def checked(self, profile: str | None, sets: Sequence[str]) -> core.Study | None:
        """The study with its edits; None where it runs nothing."""
        context, source = self.context, self.source
        for declared in context.declared.values():
            repeated(context, declared)
            if declared.kind != "let":
                context.define(declared)
        grids = tuple(read_grid(context, node, source) for node in self._of(syntax.Grid))
        searches = [read_search(context, node, source) for node in self._of(syntax.Search)]
        repeat = read_repeats(context, self._of(syntax.Repeat), Scope(source))
        claims = [read_claim(context, node, source) for node in self._of(syntax.Claim)]
        figures = [
            one for node in self._of(syntax.Report) for one in read_report(context, node, source)
        ]
        profiles = {
            node.name.text: read_profile(context, node, source) for node in self._of(syntax.Profile)
        }
        self.edits = [self._profile(profile, profiles), *self._sets(sets)]
        for declared in context.declared.values():
            context.define(declared)
            agree(context, declared)
        budget = self._budget()
        header = self._header()
        study = core.Study(
            name=header.name.text if header else PurePath(source.name).stem or "study",
            title=header.title.value if header and header.title else None,
            definitions={
                name: one.made for name, one in context.declared.items() if one.made is not None
            },
            grids=grids,
            repeat=repeat or core.Repeat((0,), (), Span(0, 0)),
            claims=tuple(one for one in claims if one is not None),
            report=tuple(figures),
            wall_seconds=budget.wall_seconds,
            memory_bytes=budget.memory_bytes,
            profile=profile,
            profiles=tuple(profiles),
            searches=tuple(one for one in searches if one is not None),
            budget_span=budget.span,
        )
        edits = [one.edits for one in self.edits]
        blocks = (*study.grids, *study.searches, *edits)
        context.later.given(slots_set(axis for block in blocks for axis in block.axes))
        context.later.unfit(context.declared.__getitem__)
        if not any(one.severity == "error" for one in context.diagnostics):
            lint(context, study, source)
            lint_lengths(context, study)
            lint_recorded(context, study, source)
            lint_unread(context, _with_all_grids(study, profiles.values()), source)
            for one in profiles.values():
                refuse_circles(context, study, [EditedBy("profile", source, one)], source)
            refuse_circles(context, study, self.edits, source)
        for one in self.edits:
            study = edited(study, one.edits, context.catalog)
        return study

    def _header(self) -> syntax.Study | None:
        headers = self._of(syntax.Study)
        for node in headers[1:]:
            scope = Scope(self.source)
            self.context.report("E0204", "the study is named twice", node.name.span, scope)
        return headers[0] if headers else None

    def _budget(self) -> Budget:
        nodes = self._of(syntax.Budget)
        for node in nodes[1:]:
            scope = Scope(self.source)
            self.context.report("E0509", "`budget` stands twice here", node.span, scope)
        return read_budget(self.context, nodes[0], Scope(self.source)) if nodes else Budget()

    def _profile(self, name: str | None, profiles: Mapping[str, Edits]) -> EditedBy:
        if name is None:
            return EditedBy("profile", self.source, Edits())
        if name not in profiles and name not in self.context.broken:
            asked = Source("--profile", name)
            here = Span(0, len(name))
            hint = Hint(suggestion(name, here, profiles).says)
            lines = [f"profiles are {', '.join(profiles)}"] if profiles else ["it has none"]
            message = f"this study has no profile `{name}`"
            self.context.report("E0201", message, here, Scope(asked), help_lines=lines, hint=hint)
        return EditedBy("profile", self.source, profiles.get(name, Edits()))

    def _sets(self, sets: Sequence[str]) -> list[EditedBy]:
        made: list[EditedBy] = []
        for text in sets:
            source = Source("--set", text.replace("=", ":", 1))
            node, findings = parse_axis(source)
            self.context.diagnostics += findings
            if node is not None:
                read = read_edit(self.context, node, Scope(source))
                edits = Edits() if read is None else Edits(axes=(read,))
                made.append(EditedBy("set", source, edits))
        return made

    def only(self, text: str) -> Iterator[core.Filter]:
        """What a condition keeps that is not written in the study; nothing after a finding."""
        source = Source("--only", text)
        node, findings = parse_expression(source)
        self.context.diagnostics += findings
        if node is not None:
            scope, kept = Scope(source), syntax.Filter("keep", node, None, node.span)
            for one in read_filters(self.context, [kept], scope):
                if not names_a_path(one.condition):
                    message = "runs are chosen by what they are set to, and this says nothing of it"
                    self.context.report("E0505", message, node.span, scope)
                yield one
