"""Torchvision and its dependents import beside a torch for CPUs, in a process of their own."""

import subprocess
import sys

import pytest

IMPORTS = """
import warnings
warnings.simplefilter("ignore")
from lab.runtime.bridge.torchvision_schemas import declare
first = declare()
assert declare() == first
import {library}
print({expression})
"""

USES = {
    "torchvision": "torchvision.models.resnet18(num_classes=3).fc.out_features",
    "timm": "timm.create_model('resnet10t', num_classes=3).num_classes",
    "transformers": "transformers.AutoConfig.for_model('bert', num_labels=3).num_labels",
}


@pytest.mark.parametrize("library", USES)
def test_a_library_imports_after_the_declaration(library):
    code = IMPORTS.format(library=library, expression=USES[library])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "3"
