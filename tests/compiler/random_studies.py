"""Random studies that check and mean something, over `small_catalog`: one seed makes one text.

A study is written from the arms upwards: each arm knows the paths that reach into it and what may
stand there, so that axes, filters, calls and profiles are valid by construction. Alternatives are
spent from a purse, so that brute force can expand every study.
"""

from dataclasses import dataclass, field
from random import Random

#: What may stand where a value of some kind is asked; `by` and `encoding` are built below.
PLAIN: dict[str, tuple[str, ...]] = {
    "width": ("4", "8", "16", "2 * 8", "32", "64"),
    "layers": ("1", "2", "3", "4"),
    "w0": ("10", "30.0", "2.5e1", "1", "30"),
    "activation": ("sine", "relu", "gelu"),
    "lr": ("1e-3", "0.001", "1e-2", "cosine(1e-2 -> 0)", "linear(0 -> 0.1)", "3e-4"),
    "momentum": ("0", "0.5", "0.9"),
    "nesterov": ("true", "false"),
    "b1": ("0.9", "0.8"),
    "for": ("10 steps", "20 steps", "2 epochs", "1 epochs + 1 epochs", "0.1k steps", "2 * 5 steps"),
    "batch": ("16", "32", "64", "128"),
    "bits": ("2", "3 bits", "4", "8", "8 bits"),
    "per": ("channel", "tensor"),
    "min_size": ("0", "100", "1k", "10 * 10"),
    "sparsity": ("50%", "80%", "0.8", "90%", "1/2"),
    "bands": ("1", "2", "4", "8"),
    "scale": ("0.5", "1", "2.0"),
    "in": ('["**"]', '"a.*"', '["a.*", "b.*"]', '["a.*" | "b.*"]'),
    "depth": ("1", "2", "3"),
    "validation": ("0", "10", "100"),
    "count": ("100", "1k", "1000"),
    "channels": ("8", "16"),
}
RANGES: dict[str, tuple[str, ...]] = {
    "width": ("8 .. 24 by 8", "8 .. 10", "16 .. 32 by 3 points"),
    "layers": ("1 .. 3", "2 .. 3"),
    "w0": ("10.0 .. 30.0 by 3 points", "10 .. 30 by 10", "log 1.0 .. 100.0 by 3 points"),
    "lr": ("log 1e-4 .. 1e-2 by 3 points",),
    "batch": ("32 .. 96 by 32",),
    "bits": ("2 .. 4",),
    "sparsity": ("50% .. 90% by 3 points",),
    "bands": ("2 .. 4",),
    "for": ("10 steps .. 30 steps by 10 steps",),
    "depth": ("1 .. 3",),
}
NUMERIC = frozenset({"width", "layers", "batch", "bits", "bands", "w0", "for"})
#: What shared values and parameters are of.
SHARED = ("width", "for", "layers", "lr", "bits", "activation", "batch", "by", "encoding")
STAGES = {
    "train": ("by", "for", "batch"),
    "finetune": ("by", "for", "batch"),
    "inwf": ("width", "layers", "w0", "activation", "encoding", "in", "by", "for", "batch"),
    "quantize": ("bits", "per", "min_size"),
    "prune": ("sparsity", "min_size"),
}
#: What is inside of an argument: not to be set beside it.
WITHIN = {"by": ("lr", "momentum", "b1"), "encoding": ("bands", "scale")}


@dataclass
class Written:
    """A method: its name, its parameters and the paths into it, by what may stand there."""

    name: str
    text: str
    parameters: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    #: What a call may set: paths whose place does not depend on another.
    calls: dict[str, str] = field(default_factory=dict)


class _Author:
    """One study in the making."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.purse = self.random.choice([3, 4, 5, 6])
        self.lets: dict[str, str] = {}
        self.methods: list[Written] = []
        self.models: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.has_wave = self.chance(0.2)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # Values

    def value(self, kind: str, scope: dict[str, str] | None = None, *, spend: bool = False) -> str:
        """An expression of a kind; with alternatives where the purse allows."""
        if self.purse > 0 and (spend or self.chance(0.15)):
            self.purse -= 1
            if kind in RANGES and self.chance(0.35):
                return self.random.choice(RANGES[kind])
            count = self.random.choice([2, 2, 3])
            options = [self.single(kind, scope, bare=kind in WITHIN) for _ in range(count)]
            text = " | ".join(options)
            return f"({text})" if not spend and self.chance(0.3) else text
        return self.single(kind, scope)

    def single(self, kind: str, scope: dict[str, str] | None = None, *, bare: bool = False) -> str:
        """One value; `bare`: no name stands for it, so that all alternatives have one place."""
        names = [n for n, of in {**self.lets, **(scope or {})}.items() if of == kind]
        if kind in WITHIN:
            if names and not bare and self.chance(0.5):
                return self.random.choice(names)
            return self.optimizer(scope) if kind == "by" else self.encoding(scope)
        if kind == "lr" and self.has_wave and self.chance(0.25):
            return f"wave({self.random.choice(['1e-2', 'peak: 0.1', '2 * 1e-3'])})"
        if names and self.chance(0.5):
            name = self.random.choice(names)
            if kind in NUMERIC and kind != "bits" and self.chance(0.3):
                return self.random.choice([f"2 * {name}", f"{name} + {name}", f"({name})"])
            return name
        return self.random.choice(PLAIN[kind])

    def arguments(self, kinds: dict[str, str], scope: dict[str, str] | None, share: float) -> str:
        said = [
            f"{name}: {self.value(kind, scope)}"
            for name, kind in kinds.items()
            if self.chance(share)
        ]
        self.random.shuffle(said)
        return f"({', '.join(said)})" if said else self.random.choice(["", "()"])

    def optimizer(self, scope: dict[str, str] | None) -> str:
        name = self.random.choice(["adam", "sgd"])
        inside = {"lr": "lr", "b1": "b1"}
        if name == "sgd":
            inside = {"lr": "lr", "momentum": "momentum", "nesterov": "nesterov"}
        return name + self.arguments(inside, scope, 0.5)

    def encoding(self, scope: dict[str, str] | None) -> str:
        name = self.random.choice(["fourier", "gaussian", "none"])
        if name == "none":
            return name
        inside = {"bands": "bands"} if name == "fourier" else {"bands": "bands", "scale": "scale"}
        return name + self.arguments(inside, scope, 0.6)

    # Declarations

    def shared(self) -> str:
        lines = ""
        for i in range(self.random.choice([0, 1, 1, 2])):
            kind = self.random.choice(
                ["width", "for", "layers", "lr", "bits", "activation", "batch"]
            )
            lines += f"let shared{i} = {self.value_at(f'shared{i}', kind, spend=False)}\n"
            self.lets[f"shared{i}"] = kind
        return lines

    def roots(self) -> str:
        lines = ""
        for i in range(self.random.choice([1, 1, 1, 2])):
            name, kind = self.random.choice([("mlp", "depth"), ("conv", "channels")])
            said = f'weights: "w{i}.safetensors", {kind}: {self.value(kind)}'
            lines += f"model net{i} = {name}({said})\n"
            self.models[f"net{i}"] = kind
        for i in range(self.random.choice([1, 1, 1, 2])):
            name, kind = self.random.choice([("digits", "validation"), ("blobs", "count")])
            lines += f"data data{i} = {name}({kind}: {self.value(kind)})\n"
            self.sources[f"data{i}"] = kind
        return lines

    def parameters(self, method: Written) -> None:
        for i in range(self.random.choice([0, 0, 1, 2])):
            kind = self.random.choice([*SHARED, "bands"])
            name = f"of_{method.name}_{i}"
            method.parameters[name] = kind
            method.paths[f"{method.name}.{name}"] = kind
            method.calls[name] = kind

    def definition(self, method: Written, body: str) -> str:
        """A method, without the parameters that its body never mentions."""
        for name in [one for one in method.parameters if one not in body]:
            del method.parameters[name], method.paths[f"{method.name}.{name}"], method.calls[name]
        said = ", ".join(f"{name}: {self.value(k)}" for name, k in method.parameters.items())
        self.methods.append(method)
        return f"method {method.name}{f'({said})' if said else ''} = {body}\n"

    def stage(self, name: str, method: Written, *, alone: bool) -> str:
        """A stage, and the paths into it; one of several goes by the stage's name too."""
        kinds = {one: one for one in STAGES[name]}
        if name == "train" and len(self.models) > 1 and self.chance(0.1):
            text = f"train(model: {self.random.choice(list(self.models))})"
        elif name == "train" and self.chance(0.2):
            text = f"train(through: quantize({self.value('bits', method.parameters)}))"
            method.paths[f"{method.name}.bits"] = "bits"
        elif name == "quantize" and self.chance(0.2):
            text = f"quantize({self.value('bits', method.parameters)}, per: tensor)"
        else:
            text = name + self.arguments(kinds, method.parameters, 0.4)
            if name == "inwf" and self.chance(0.25):
                inner = {one: one for one in STAGES[name][:6]}
                outer = {one: one for one in STAGES[name][6:]}
                through = "through: inwf" + self.arguments(inner, method.parameters, 0.4)
                rest = self.arguments(outer, method.parameters, 0.4)[1:-1]
                text = f"fit({', '.join(one for one in (through, rest) if one)})"
        shown = "fit" if text.startswith("fit") else name
        start = method.name if alone else f"{method.name}.{shown}"
        for one in kinds:
            method.paths[f"{start}.{one}"] = one
            if alone and one not in WITHIN:
                method.calls[one] = one
        names = {*self.lets, *method.parameters}
        if "by" in kinds and not any(f"by: {one}" in text for one in names):
            method.paths[f"{start}.lr"] = "lr"
        if name == "inwf" and "encoding" not in text and self.chance(0.5):
            method.paths[f"{start}.bands"] = "bands"
        return text

    def pipeline(self, method: Written) -> str:
        """What a method is: an arm before it, and what comes then."""
        kinds = ["field", "bits", "zeros", "nested", "called"]
        kinds += ["either", "maybe", "whole"] * (self.purse > 0)
        kind = self.random.choice(kinds)
        self.purse -= kind in ("either", "maybe", "whole")
        if kind == "called":
            return self.call(self.random.choice(self.methods), method)
        base = self.random.choice(self.methods).name
        names = {
            "field": ["inwf"],
            "bits": ["quantize"],
            "zeros": ["prune", "finetune"],
            "nested": ["prune", "finetune", "quantize"],
            "either": ["quantize", "prune"],
            "maybe": ["prune", "inwf"],
            "whole": ["quantize", "inwf"],
        }[kind]
        made = [self.stage(one, method, alone=len(names) == 1) for one in names]
        return {
            "field": "{0} then {1}",
            "bits": "{0} then {1}",
            "zeros": "{0} then {1} then {2}",
            "nested": "{0} then ({1} then {2}) then {3}",
            "either": "{0} then ({1} | {2})",
            "maybe": "{0} then (none | {1}) then {2}",
            "whole": "{0} then {1} | {0} then {2}",
        }[kind].format(base, *made)

    def call(self, called: Written, method: Written | None = None) -> str:
        """An arm with some of its values set; where it is a definition, paths reach them."""
        names = [name for name in called.calls if self.chance(0.4)]
        scope = method.parameters if method else None
        said = [f"{name}: {self.value(called.calls[name], scope)}" for name in names]
        for name in names:
            if method is not None and name not in method.parameters:
                method.paths[f"{method.name}.{name}"] = called.calls[name]
                method.calls[name] = called.calls[name]
        return called.name + (f"({', '.join(said)})" if said else "")

    def arms(self) -> str:
        first = Written("arm0", "")
        self.parameters(first)
        is_loaded = self.chance(0.2)
        body = "pretrained" if is_loaded else self.stage("train", first, alone=True)
        lines = self.definition(first, body)
        for i in range(1, self.random.choice([2, 3, 4, 5])):
            method = Written(f"arm{i}", "")
            self.parameters(method)
            lines += self.definition(method, self.pipeline(method))
        return lines

    # Blocks

    def repeat(self, share: float) -> str:
        if not self.chance(share):
            return ""
        count = self.random.choice(["1", "2", "3", "[7]", "[42, 3]"])
        vary = self.random.choice(
            ["", "", "", " vary init", " vary batches", " vary init, batches"]
        )
        return f"repeat {count} as seed{vary}\n"

    def grid(self, name: str, taken: frozenset[str] = frozenset()) -> str:
        chosen = self.random.sample(self.methods, self.random.randint(1, len(self.methods)))
        arms = [self.call(one) if self.chance(0.2) else one.name for one in chosen]
        lines = [f"method: {' | '.join(arms)}"]
        lines += [f"model: {self.some(self.models)}"] if len(self.models) > 1 else []
        lines += [f"data: {self.some(self.sources)}"] if len(self.sources) > 1 else []
        paths = self.paths(taken)
        axes = self.random.sample(sorted(paths), min(len(paths), self.random.choice([0, 1, 2, 3])))
        axes = [one for one in axes if not _is_shadowed(one, axes)]
        pairs = len(axes) > 1 and not {paths[one] for one in axes[:2]} & set(WITHIN)
        if pairs and self.purse > 1 and self.chance(0.4):
            lines.append(self.paired(axes[0], axes[1], paths))
            axes = axes[2:]
        lines += [f"{one}: {self.value_at(one, paths[one])}" for one in axes]
        self.random.shuffle(lines)
        lines += self.filters(paths, axes)
        lines.append(self.repeat(0.3).strip())
        return f"grid {name} {{\n  " + "\n  ".join(one for one in lines if one) + "\n}\n"

    def value_at(self, path: str, kind: str, *, spend: bool = True) -> str:
        """What is set at a path; a shared value is not set to something that mentions it."""
        is_shared = "." not in path
        shared, self.lets = self.lets, {} if is_shared else self.lets
        made = self.value(kind, spend=spend and self.chance(0.9))
        self.lets = shared
        return made

    def some(self, names: dict[str, str]) -> str:
        return " | ".join(self.random.sample(list(names), self.random.randint(1, len(names))))

    def paths(self, taken: frozenset[str]) -> dict[str, str]:
        found = {path: kind for one in self.methods for path, kind in one.paths.items()}
        lets = {name: kind for name, kind in self.lets.items() if kind != "lr"}
        found |= {f"{name}.{kind}": kind for name, kind in self.models.items()}
        found |= {f"{name}.{kind}": kind for name, kind in self.sources.items()}
        return {path: kind for path, kind in {**found, **lets}.items() if path not in taken}

    def paired(self, one: str, two: str, paths: dict[str, str]) -> str:
        self.purse -= 1
        rows = [
            f"({self.random.choice(PLAIN[paths[one]])}, {self.random.choice(PLAIN[paths[two]])})"
            for _ in range(self.random.choice([2, 3]))
        ]
        return f"({one}, {two}): {' | '.join(rows)}"

    def filters(self, paths: dict[str, str], axes: list[str]) -> list[str]:
        if not self.chance(0.4):
            return []
        known = [
            one for one in (*axes, *paths) if paths[one] in ("width", "layers", "bits", "batch")
        ]
        words = [one for one in (*axes, *paths) if paths[one] in ("activation", "per")]
        parts = [
            f"{one} {self.random.choice(['<', '<=', '==', '!=', '>', '>='])} "
            f"{self.random.choice(['2', '4', '8', '16', '32'])}"
            for one in known[:2]
        ]
        parts += [f"{one} in [{PLAIN[paths[one]][0]}]" for one in words[:1]]
        named = [one for one in (*axes, *paths) if paths[one] in WITHIN]
        if named and self.chance(0.3):
            parts.append(f"{named[0]} == {'adam' if paths[named[0]] == 'by' else 'none'}")
        parts += [f"method == {self.random.choice(self.methods).name}"] * self.chance(0.3)
        parts += [f"model != {self.random.choice(list(self.models))}"] * self.chance(0.2)
        if not parts:
            return []
        parts = [f"not {one}" if self.chance(0.2) else one for one in parts]
        condition = self.random.choice([" and ", " or "]).join(parts)
        kind = self.random.choice(["skip", "skip", "keep"])
        return [f'{kind} {condition} because "so"']

    def profile(self) -> str:
        paths = {p: k for p, k in self.paths(frozenset()).items() if k not in WITHIN and k != "lr"}
        paths = {p: k for p, k in paths.items() if k not in ("bands", "scale")}
        edits = self.random.sample(sorted(paths), min(len(paths), self.random.choice([0, 1, 2])))
        self.purse += 1
        lines = [f"{one}: {self.value_at(one, paths[one], spend=False)}" for one in edits]
        lines.append(self.repeat(0.4).strip())
        block = "profile other {\n  " + "\n  ".join(one for one in lines if one) + "\n"
        if self.chance(0.4):
            block += (
                "  " + self.grid("more", frozenset(edits)).replace("\n", "\n  ").rstrip() + "\n"
            )
        return block + "}\n"

    def study(self) -> str:
        shared, roots, arms = self.shared(), self.roots(), self.arms()
        for name in sorted(self.lets, reverse=True):
            if shared.count(name) + roots.count(name) + arms.count(name) == 1:
                del self.lets[name]
                lines = shared.splitlines(keepends=True)
                shared = "".join(one for one in lines if f"let {name} " not in one)
        wave = "schedule wave(peak) = linear(0 -> peak) for 10% then cosine(peak -> 0)\n"
        shared += wave if "wave" in shared + roots + arms else ""
        self.has_wave = self.has_wave and "wave" in shared
        parts = ["study random\n", shared, roots, arms, self.repeat(0.6)]
        parts += [self.grid(f"grid{i}") for i in range(self.random.choice([1, 1, 2, 3]))]
        parts.append(self.report())
        parts.append(self.profile() if self.chance(0.5) else "")
        order = [one for one in parts[1:] if one]
        if self.chance(0.3):
            self.random.shuffle(order)
        return parts[0] + "".join(order)

    def report(self) -> str:
        if not self.chance(0.4):
            return ""
        table = self.random.choice(["table(ratio, by: method)", "table(bytes, accuracy)"])
        metric = "metric ratio = bytes(arm0) / bytes(method)\n" if "ratio" in table else ""
        return f"{metric}report {{ {table} }}\n"


def _is_shadowed(path: str, axes: list[str]) -> bool:
    """Whether an axis sets something that stands around this path, or the same by another name."""
    start, _, name = path.rpartition(".")
    return any(f"{start}.{outer}" in axes and name in inner for outer, inner in WITHIN.items())


def random_study(seed: int) -> str:
    """A study of its own for every number."""
    return _Author(seed).study()
