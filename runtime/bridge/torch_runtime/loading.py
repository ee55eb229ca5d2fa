"""A compact file in a torch module, and a dense module of it."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .decoders import Weight, decoder_of
from .reading import BadExport, Contents, read
from .stored import Stored

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


class Made(nn.Module):
    """A parametrization: a weight that is computed from what was shipped.

    Always holds: it has no dense copy of the weight. `keeper`, where there is one, decides how long
    a computed weight is kept (`streaming`).
    """

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source
        self.keeper: Any = None
        self._in_place = False

    def forward(self, nothing: Tensor) -> Tensor:
        """The weight."""
        del nothing
        return self.source() if self.keeper is None else self.keeper.weight(self)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Nothing is kept of the weight that the module had before."""
        if self._in_place:
            raise BadExport("this weight is computed from codes: `fold` the module, then assign")
        self._in_place = True
        return weight.new_empty(0)


def build(network: Mapping[str, Any]) -> nn.Module:
    """A module of this package, `{"name": …, "arguments": {…}}`, with weights that mean nothing."""
    name = network["name"]
    if not _NAME.fullmatch(name):
        raise BadExport(f"`{name}` is no name of a network")
    try:
        made = import_module(f"..networks.{name}", f"{__package__}.decoders")
    except ModuleNotFoundError as error:
        raise BadExport(f"there is no network `{name}` here: give `load` a module") from error
    return made.build(**network["arguments"])


def load(path: str | Path, module: nn.Module | None = None) -> nn.Module:
    """A module with the weights of a compact file, ready to evaluate.

    Args:
        path: the `.safetensors` file of a compact export.
        module: of the architecture that was exported, whatever its weights; it is changed in place
            and returned. None where the network is one of this package.

    Raises `BadExport` where the file is damaged, or has not all weights of the module, or others.
    """
    contents = read(path)
    if module is None:
        network = contents.about["network"]
        if network is None:
            raise BadExport(f"{path} needs a module: load(path, module); its card says which")
        module = build(network)
    return filled(module, contents, path)


def filled(module: nn.Module, contents: Contents, path: str | Path) -> nn.Module:
    """A module with the weights that were read, ready to evaluate; `path` is for messages."""
    made = _made(contents)
    aliases: Mapping[str, str] = contents.about["aliases"]
    plain = {n: v for n, v in {**contents.plain, **made}.items() if isinstance(v, Tensor)}
    modules = {n: v for n, v in made.items() if isinstance(v, nn.Module)}
    for alias, name in aliases.items():
        if name in modules:
            modules[alias] = modules[name]
        elif name in plain:
            plain[alias] = plain[name]
    _demand_fit(module, {**_shapes_of(plain), **_shapes_made(modules, contents)}, path)
    for name, source in modules.items():
        _parametrize(module, name, source)
    module.load_state_dict(plain, strict=False)
    return module.eval()


def _made(contents: Contents) -> dict[str, nn.Module | Tensor]:
    """Weights that the method makes: a parametrization each, or a tensor."""
    method = contents.about["method"]
    if method is None:
        return {}
    decoder = decoder_of(method["component"])
    made: dict[str, nn.Module | Tensor] = {}
    for name, shape in contents.about["shapes"].items():
        found = decoder(Weight(name, tuple(shape), contents.streams, method["args"]))
        made[name] = found if isinstance(found, Tensor) else Made(found)
    return made


def _parametrize(module: nn.Module, name: str, source: nn.Module) -> None:
    owner, _, own = name.rpartition(".")
    holder = module.get_submodule(owner)
    parametrize.register_parametrization(holder, own, source, unsafe=True)
    holder.parametrizations[own].original.requires_grad_(False)


def _shapes_of(plain: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in plain.items()}


def _shapes_made(modules: Mapping[str, nn.Module], contents: Contents) -> dict:
    shapes, aliases = contents.about["shapes"], contents.about["aliases"]
    return {name: tuple(shapes[aliases.get(name, name)]) for name in modules}


def _demand_fit(module: nn.Module, found: Mapping[str, tuple[int, ...]], path: str | Path) -> None:
    """Every float of the module is in the file, in its shape, and nothing else is."""
    state = module.state_dict()
    # Whole-number buffers are tables that a module builds of its configuration.
    wanted = {name for name, values in state.items() if values.is_floating_point()}
    problems = [
        *(f"{name} is missing" for name in sorted(wanted - found.keys())),
        *(f"{name} is not in the module" for name in found if name not in state),
        *(
            f"{name} is {shape}, the module's is {tuple(state[name].shape)}"
            for name, shape in found.items()
            if name in state and tuple(state[name].shape) != shape
        ),
    ]
    if problems:
        more = f"; and {len(problems) - 8} more" if len(problems) > 8 else ""
        raise BadExport(f"{path} does not fit the module: {'; '.join(problems[:8])}{more}")


def made_in(module: nn.Module) -> Iterator[tuple[nn.Module, str, Made]]:
    """Weights of a module that are computed: their holders, their names, how they are made."""
    for holder in list(module.modules()):
        if parametrize.is_parametrized(holder):
            for name, chain in list(holder.parametrizations.items()):
                if isinstance(chain[0], Made):
                    yield holder, name, chain[0]


def fold(module: nn.Module) -> nn.Module:
    """The same module with dense weights in place of what computes them; changed in place."""
    with torch.no_grad():
        dense = [(holder, name, getattr(holder, name)) for holder, name, _ in made_in(module)]
        for holder, name, values in dense:
            parametrize.remove_parametrizations(holder, name, leave_parametrized=True)
            setattr(holder, name, nn.Parameter(values.detach().clone()))
    return module


def expand(module: nn.Module) -> nn.Module:
    """Codes in whole bytes instead of packed bits; a graph of operators then needs no bits."""
    for one in module.modules():
        if isinstance(one, Stored):
            one.expand()
    return module
