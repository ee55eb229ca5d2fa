"""A training on four devices is the one on one device, but for the order of additions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import pytest

from lab.runtime import artifact, registry
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.loss import terms_of
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.reparameterizations.quantize import Quantize
from lab.runtime.selectors.all import All
from lab.runtime.selectors.random import Random
from lab.runtime.sharding import cores_that_pay
from lab.runtime.stages import train

SCRIPT = Path(__file__).with_name("spread_training.py")
#: Sums of float32 in another order: a few units in the last place after 20 steps.
NEAR = 1e-5
#: Batch statistics and their derivatives add up more terms, through 20 layers.
NEAR_NORMALIZED = 1e-4


def found(*arguments: str, **variables: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return found()


@pytest.mark.parametrize("case", ["plain", "in pieces", "averaged", "selected"])
def test_four_devices_train_what_one_does(plain: dict[str, Any], case: str) -> None:
    assert plain["places"] == 4
    assert plain[case] <= NEAR


def test_what_was_trained_is_on_one_device(plain: dict[str, Any]) -> None:
    assert plain["afterwards"] == 1


def test_four_devices_repeat_to_the_bit(plain: dict[str, Any]) -> None:
    assert plain["same bits"]


def test_a_batch_that_devices_cannot_share_evenly_is_refused(plain: dict[str, Any]) -> None:
    assert "90 examples" in plain["uneven"]
    assert "multiple of 4" in plain["uneven"]


def test_more_devices_than_there_are_are_refused(plain: dict[str, Any]) -> None:
    assert "--devices 5" in plain["too many"]
    assert "4 devices" in plain["too many"]


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_cores_share_what_pays(monkeypatch: pytest.MonkeyPatch, devices: int) -> None:
    monkeypatch.setattr("jax.device_count", lambda: devices)
    assert cores_that_pay(128, macs=41e6, trained=270_000) == devices
    assert cores_that_pay(126, macs=41e6, trained=270_000) == {1: 1, 2: 2, 4: 3}[devices]
    assert cores_that_pay(128, macs=41e6, trained=270_000, again=1e9) == 1
    assert cores_that_pay(4, macs=4.1e9, trained=25_600_000) == 1
    assert cores_that_pay(128, macs=1e5, trained=100) == 1


@pytest.mark.parametrize(
    ("through", "select", "expected"),
    [
        (None, All(), 4),
        (Quantize(bits=4), All(), 4),
        (INWF(width=64, min_size=0), All(), 1),
        (None, Random(rate=0.37), 1),
    ],
)
def test_cores_share_by_what_a_training_is(
    monkeypatch: pytest.MonkeyPatch, through: Any, select: Any, expected: int
) -> None:
    monkeypatch.setattr("jax.device_count", lambda: 4)
    network, data = ResNet20(), Cifar10Sample()
    begin = artifact.plain(registry.value_of(network), *network.init(jax.random.key(0)))
    if through is not None:
        begin = artifact.reparametrize(begin, through, key=jax.random.key(1))
    stage = train.Train(model=network, data=data, select=select, batch=200)
    recipe = train._recipe(stage, begin, data.loaded(), terms_of(stage.loss), teachers=())
    assert train._cores(begin, recipe) == expected


@pytest.mark.parametrize("network", ["vit", pytest.param("resnet20", marks=pytest.mark.verify)])
def test_cores_share_without_being_asked(tmp_path: Path, network: str) -> None:
    made = found("shared", network, LAB_COMPILATION_CACHE=str(tmp_path))
    assert made["places"] == 4
    assert made["shared"] <= NEAR_NORMALIZED
    assert made["at"] == [2, 2], "it did not go on from the checkpoint"
    assert made["gone on with"] == 0
    assert made["by one"] <= NEAR_NORMALIZED


@pytest.mark.verify
def test_batch_statistics_are_of_the_whole_batch() -> None:
    assert found("normalized")["normalized"] <= NEAR_NORMALIZED
