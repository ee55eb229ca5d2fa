"""`lab models` and `lab doctor MODEL`."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import lab

WITHOUT_NUMERICS = """
import sys
from lab.cli.main import main
code = main(["models", "deit_tiny*"])
print(code, sorted(set(sys.modules) & {"torch", "timm", "numpy", "jax"}))
"""


def test_models_are_listed_without_numerics() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMERICS], capture_output=True, text=True, check=True
    )
    *names, last = ran.stdout.splitlines()
    assert 'timm("deit_tiny_patch16_224")   pretrained: fb_in1k' in names
    assert last == "0 []"


def test_without_a_pattern_the_ways_to_name_a_model_are_listed() -> None:
    said = lab("models").stdout
    assert "vit " in said
    assert "timm (1371 names)" in said


def test_a_name_that_is_not_there_has_its_nearest() -> None:
    ran = lab("models", "deit_tiny_patch16_225")
    assert ran.returncode != 0
    assert "did you mean `deit_tiny_patch16_224`?" in ran.stderr


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("vit(depth: 1, width: 64)", "parameters   "),
        (
            'timm("vit_tiny_patch16_224", patch_size: 4, embed_dim: 16, depth: 2, num_heads: 2, '
            "size: 16 px)",
            "converts     yes: ",
        ),
    ],
)
def test_the_doctor_tells_what_a_model_is(model: str, says: str) -> None:
    ran = lab("doctor", model)
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stdout
    assert "head" in ran.stdout


def test_the_doctor_tells_a_wrong_name_with_its_nearest() -> None:
    ran = lab("doctor", "torchvision/resnet51")
    assert ran.returncode != 0
    assert 'did you mean "resnet50"?' in ran.stderr


ODD = """
import torch
from torch import nn

class Bessel(nn.Module):
    def forward(self, x):
        return torch.special.bessel_j0(x)

def make(classes):
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, classes))
    net.add_module("strange", Bessel())
    return net
"""


def test_the_doctor_names_the_operators_that_are_missing_and_their_modules(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD, "utf-8")
    ran = lab("doctor", 'torch("odd.py:make", size: 4 px)', cwd=tmp_path)
    assert ran.returncode == 2
    assert "special_bessel_j0" in ran.stderr
    assert " in strange" in ran.stderr
    assert "Traceback" not in ran.stderr
