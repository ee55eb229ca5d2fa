"""Examples that do not fit on the device: the same numbers, from windows of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from lab.runtime import streaming, training
from lab.runtime.artifact import Artifact
from lab.runtime.asking import Ask
from lab.runtime.augmentations.crop import Crop
from lab.runtime.augmentations.flip import Flip
from lab.runtime.augmentations.mixup import Mixup
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.data.arrays import Arrays
from lab.runtime.data.digits import Digits
from lab.runtime.data.images import Images
from lab.runtime.dataset import Examples, carve, content_of
from lab.runtime.models.mlp import MLP
from lab.runtime.optimizers.adam import Adam
from lab.runtime.rows import Rows
from lab.runtime.selectors.ast import AST
from lab.runtime.stages.train import Train
from lab.runtime.streaming import Stream
from lab.runtime.work import Work
from lab.spec.units import Duration

STREAMS = ("init", "batches", "augment", "dropout")
#: So little memory that everything is streamed, and none that is held.
LITTLE = 1.0


class Killed(BaseException):
    """Ends a stage as a kill would: nothing catches it."""


def train(**fields: Any) -> Train:
    defaults: dict[str, Any] = {
        "model": MLP(width=16, layers=1),
        "data": Digits(validation=97),
        "by": Adam(lr=3e-3),
        "duration": Duration(2, "epochs"),
        "batch": 50,
    }
    return Train(**{**defaults, **fields})


def work(
    memory_bytes: float | None,
    *,
    checkpoints: Checkpoints | None = None,
    killed_at: int | None = None,
) -> Work:
    def progress(step: int, total: int, values: Mapping[str, float]) -> None:
        del total, values
        if killed_at is not None and step >= killed_at:
            raise Killed

    keys = dict(zip(STREAMS, jax.random.split(jax.random.key(3), 4), strict=True))
    return Work(
        {},
        keys.__getitem__,
        progress,
        Path(),
        checkpoints=checkpoints or Nowhere(),
        memory_bytes=memory_bytes,
    )


def same(one: Artifact, other: Artifact) -> bool:
    trees = ((a.split, dict(a.rest), dict(a.buffers)) for a in (one, other))
    arrays = zip(*map(jax.tree.leaves, trees), strict=True)
    return all(bool((a == b).all()) for a, b in arrays)


def set_window(monkeypatch: pytest.MonkeyPatch, *, bytes_of_window: int) -> None:
    monkeypatch.setattr(streaming, "WINDOW_BYTES", bytes_of_window)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 30 colored noises of 8 × 8 pixels."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, shift in (("dark", 0), ("light", 80)):
        (folder / name).mkdir()
        for number in range(30):
            pixels = random.integers(shift, shift + 170, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


#: Bytes of a batch of digits, in float32.
BATCH_BYTES = 50 * 8 * 8 * 4


@pytest.mark.parametrize("batches", [1, 7, 24, 1000])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"select": AST(target=0.5), "evaluate": Duration(5, "steps"), "watch": "validation"},
        {"micro_batch": 20, "average": 0.9},
    ],
    ids=["plain", "selected", "in pieces"],
)
def test_what_is_streamed_trains_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], batches: int
) -> None:
    set_window(monkeypatch, bytes_of_window=batches * BATCH_BYTES)
    held, streamed = (train(**fields).run(work(memory)) for memory in (None, LITTLE))
    assert same(held, streamed)
    assert streamed.notes == held.notes
    # Losses are added up window by window, in another order.
    for name, curve in held.history.items():
        np.testing.assert_allclose(streamed.history[name], curve, rtol=1e-5)


def test_images_are_changed_alike(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_window(monkeypatch, bytes_of_window=3 * 5 * 8 * 8 * 3)
    changes = (Crop(pad=2), Flip(), Mixup(alpha=1.0))
    data = Images(folder=str(pictures), validation=6, augment=changes)
    stage = train(
        data=data,
        model=MLP(inputs=192, width=8, layers=1, classes=2),
        batch=5,
        duration=Duration(3, "epochs"),
    )
    assert isinstance(data.loaded().train.inputs, Rows)
    assert same(stage.run(work(None)), stage.run(work(LITTLE)))


def test_steps_that_are_programs_of_their_own_are_the_same(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "loops_in_program", lambda _: False)
    set_window(monkeypatch, bytes_of_window=2 * 6 * 8 * 8 * 3)
    stage = train(
        data=Images(folder=str(pictures), augment=(Crop(pad=1),)),
        model=MLP(inputs=192, width=8, layers=1, classes=2),
        batch=6,
        duration=Duration(13, "steps"),
    )
    assert same(stage.run(work(None)), stage.run(work(LITTLE)))


@pytest.mark.parametrize("killed_at", [11, 24, 31])
def test_a_streamed_training_that_was_killed_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    set_window(monkeypatch, bytes_of_window=5 * BATCH_BYTES)
    stage = train(evaluate=Duration(7, "steps"))
    whole = stage.run(work(LITTLE))
    with pytest.raises(Killed):
        stage.run(work(LITTLE, checkpoints=Checkpoints(tmp_path, 0), killed_at=killed_at))
    resumed = stage.run(work(LITTLE, checkpoints=Checkpoints(tmp_path, 60)))
    assert same(resumed, whole)
    assert resumed.history == whole.history
    assert resumed.notes == whole.notes


def test_a_device_with_room_holds_all_and_one_with_little_asks_for_windows() -> None:
    def first(memory: float | None) -> Ask:
        going = train().going(work(memory))
        ask = next(going)
        going.close()
        return ask

    size = Digits(validation=97).loaded().train.inputs.nbytes
    assert not first(None).streamed
    assert not first(size * streaming.PARTS_FOR_EXAMPLES).streamed
    ask = first(size * streaming.PARTS_FOR_EXAMPLES - 1)
    assert ask.streamed
    assert ask.supply.inputs is None
    window = ask.leg(ask.last).window
    assert window is not None
    assert window.inputs.shape == (24 * 50, 8, 8, 1)


def test_a_window_has_the_rows_of_its_leg_and_no_more_are_read() -> None:
    read: list[int] = []

    class Watched(np.ndarray):
        def __getitem__(self, rows: Any) -> Any:
            read.append(len(rows))
            return np.asarray(super().__getitem__(rows))

    inputs = np.arange(40, dtype=np.int32).reshape(20, 2).view(Watched)
    orders = [np.random.default_rng(epoch).permutation(20) for epoch in range(2)]
    stream = Stream(inputs, batch=3, steps_per_epoch=6, order=orders.__getitem__)
    legs = [(0, 4), (4, 6), (6, 7)]
    windows = iter(stream.windows(legs))
    for (first, stop), window in zip(legs, windows, strict=True):
        epoch, step = divmod(first, 6)
        rows = orders[epoch][step * 3 : (step + stop - first) * 3]
        assert int(window.first) == first
        assert window.inputs.shape == (18, 2)
        np.testing.assert_array_equal(window.inputs[: len(rows)], np.asarray(inputs)[rows])
    assert read == [18, 18, 18]


def test_what_cannot_be_read_is_said_where_it_is_wanted() -> None:
    class Broken(np.ndarray):
        def __getitem__(self, rows: Any) -> Any:
            raise OSError(5, "Input/output error", "train.npy")

    stream = Stream(np.zeros((8, 2)).view(Broken), 2, 4, lambda _: np.arange(8))
    with pytest.raises(OSError, match=r"train\.npy"):
        next(iter(stream.windows([(0, 4)])))


def test_setting_examples_aside_reads_none_of_a_file(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    plain = Examples(random.integers(0, 255, (40, 3)).astype(np.uint8), np.arange(40))
    np.save(tmp_path / "inputs.npy", plain.inputs)
    filed = plain._replace(inputs=Rows(tmp_path / "inputs.npy"))
    for found, expected in zip(carve(filed, 7), carve(plain, 7), strict=True):
        assert isinstance(found.inputs, Rows)
        facts = (found.inputs.shape, found.inputs.dtype, found.inputs.ndim, found.inputs.nbytes)
        assert facts == (expected.inputs.shape, np.uint8, 2, expected.inputs.nbytes)
        assert len(found.inputs) == len(expected.inputs)
        np.testing.assert_array_equal(found.inputs[:], expected.inputs)
        np.testing.assert_array_equal(found.inputs[2:5], expected.inputs[2:5])
        np.testing.assert_array_equal(found.inputs[np.array([4, 1])], expected.inputs[[4, 1]])
        np.testing.assert_array_equal(found.labels, expected.labels)
    assert content_of(filed, filed) == content_of(plain, plain)


def test_arrays_that_are_in_memory_are_streamed_to_a_small_device_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_window(monkeypatch, bytes_of_window=2 * 10 * 6 * 4)
    random = np.random.default_rng(2)
    inputs = random.normal(size=(60, 6)).astype(np.float32)
    np.savez(tmp_path / "some.npz", inputs=inputs, labels=(inputs[:, 0] > 0).astype(np.int32))
    data = Arrays(file=str(tmp_path / "some.npz"), validation=9)
    stage = train(data=data, model=MLP(inputs=6, width=8, layers=1, classes=2), batch=10)
    assert same(stage.run(work(None)), stage.run(work(LITTLE)))
