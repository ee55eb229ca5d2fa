"""Lists of names are those of the libraries, and are read without any of them."""

import importlib.util
import json
import subprocess
import sys

import pytest

from lab.spec.catalog import builtin_catalog
from lab.spec.known import FOLDER, lists, names

ASKED = """
import json
from lab.runtime.bridge.names import found, text
print(json.dumps({name: text(name, one) for name, one in found().items()}))
"""


def test_every_list_that_a_parameter_asks_for_ships() -> None:
    parameters = [p for s in builtin_catalog().signatures.values() for p in s.parameters]
    assert {one.known for one in parameters if one.known is not None} == set(lists())


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ("torchvision", "resnet50"),
        ("torchvision", "resnet50.IMAGENET1K_V2"),
        ("timm", "deit_tiny_patch16_224"),
        ("timm", "deit_tiny_patch16_224.fb_in1k"),
        ("transformers", "bert"),
    ],
)
def test_a_name_is_known_with_and_without_a_tag(known: str, name: str) -> None:
    assert name in names(known)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("deit_tiny_patch16_225", "deit_tiny_patch16_224"),
        ("deit_tiny_patch16_224.fb_in1", "deit_tiny_patch16_224.fb_in1k"),
        ("deit_tiny_patch16_224.none_of_these", "deit_tiny_patch16_224"),
        ("rensnet18", "resnet18"),
    ],
)
def test_the_nearest_name_is_found(written: str, meant: str) -> None:
    assert written not in names("timm")
    assert names("timm").nearest(written) == meant


def test_lists_are_those_of_the_installed_libraries() -> None:
    missing = [one for one in lists() if importlib.util.find_spec(one) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASKED], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    found = json.loads(asked.stdout.splitlines()[-1])
    for known, text in found.items():
        kept = (FOLDER / f"{known}.json").read_text("utf-8")
        assert kept == text, f"{known} changed: run python -m lab.runtime.bridge.names"
