from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lab.runtime import packed
from lab.runtime.bits import from_bytes, kind_of, packed_bytes, to_bytes
from lab.runtime.errors import CorruptFile, MissingFile
from lab.runtime.reparameterization import Stream

MODEL = {"component": "mlp", "kind": "model", "args": {"width": 8, "weights": {"file": "/x/y.pt"}}}
METHOD = {"component": "quantize", "kind": "reparameterization", "args": {"bits": 3}}
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)


@st.composite
def integer_streams(draw: st.DrawFn) -> Stream:
    bits = draw(st.integers(1, 32))
    signed = draw(st.booleans())
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    dtype = np.int64 if signed else np.uint64
    values = draw(hnp.arrays(dtype, draw(SHAPES), elements=st.integers(low, high)))
    return Stream(values, bits)


@st.composite
def float_streams(draw: st.DrawFn) -> Stream:
    bits = draw(st.sampled_from([16, 32]))
    return Stream(draw(hnp.arrays(f"f{bits // 8}", draw(SHAPES))), bits)


@st.composite
def boolean_streams(draw: st.DrawFn) -> Stream:
    return Stream(draw(hnp.arrays(np.bool_, draw(SHAPES))), 1)


STREAMS = integer_streams() | float_streams() | boolean_streams()


def contents_of(streams: dict[str, Stream]) -> packed.Contents:
    return packed.Contents(
        model=MODEL,
        method=METHOD,
        shapes={"a.weight": (2, 3)},
        packed={"a.weight": streams},
        rest={"a.bias": np.arange(3, dtype=np.float32)},
        buffers={"a.mean": np.ones(3, np.float32), "a.count": np.array(7, np.int32)},
    )


@settings(deadline=None)
@given(STREAMS)
def test_a_stream_survives_its_bytes(stream: Stream) -> None:
    content = to_bytes(stream)
    assert len(content) == packed_bytes(stream.values.size, stream.bits)
    back = from_bytes(content, kind=kind_of(stream), bits=stream.bits, shape=stream.values.shape)
    np.testing.assert_array_equal(back, stream.values)
    assert back.shape == stream.values.shape


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(max_size=5), STREAMS, max_size=4))
def test_a_file_holds_what_was_written(streams: dict[str, Stream]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        packed.write(path, contents_of(streams))
        back = packed.read(path)
        assert [entry.name for entry in Path(folder).iterdir()] == ["model"]
    assert back.method == METHOD
    assert back.shapes == {"a.weight": (2, 3)}
    assert back.buffers["a.count"].dtype == np.int32
    assert back.buffers["a.count"] == 7
    np.testing.assert_array_equal(back.rest["a.bias"], [0, 1, 2])
    found = back.packed.get("a.weight", {})
    assert list(found) == list(streams)
    for name, stream in streams.items():
        np.testing.assert_array_equal(found[name].values, stream.values)
        assert found[name].bits == stream.bits


def test_a_file_names_no_other_file(tmp_path: Path) -> None:
    packed.write(tmp_path / "model", contents_of({}))
    assert packed.read(tmp_path / "model").model["args"] == {"width": 8, "weights": None}


EXAMPLE = {"levels": Stream(np.arange(-4, 4), 3), "scales": Stream(np.ones(2, np.float16), 16)}


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_every_flipped_bit_is_detected(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        packed.write(path, contents_of(EXAMPLE))
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        with pytest.raises(CorruptFile, match="run the study again"):
            packed.read(path)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_a_file_cut_off_or_longer_is_detected(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        packed.write(path, contents_of(EXAMPLE))
        content = path.read_bytes()
        cut = content[: data.draw(st.integers(0, len(content) - 1))]
        path.write_bytes(data.draw(st.sampled_from([cut, content + b"\0"])))
        with pytest.raises(CorruptFile):
            packed.read(path)


@given(st.binary(max_size=200))
def test_noise_is_not_a_packed_model(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(packed.MAGIC[:3] + content)
        with pytest.raises(CorruptFile):
            packed.read(path)


def test_another_version_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "model"
    packed.write(path, contents_of({}))
    content = path.read_bytes()
    path.write_bytes(content[:6] + (9).to_bytes(2, "little") + content[8:])
    with pytest.raises(CorruptFile, match="format version 9, and this program reads version 1"):
        packed.read(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no packed model at"):
        packed.read(tmp_path / "model")


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        (np.array([4]), 3),
        (np.array([-5]), 3),
        (np.array([8], np.uint8), 3),
        (np.array([True]), 2),
        (np.zeros(1, np.float32), 16),
        (np.zeros(1, np.float64), 64),
        (np.zeros(1, np.int64), 33),
        (np.zeros(1, np.int64), 0),
        (np.array(["a"]), 8),
    ],
)
def test_numbers_that_do_not_fit_their_bits_are_refused(values: np.ndarray, bits: int) -> None:
    with pytest.raises(ValueError, match=r"bits|numbers"):
        to_bytes(Stream(values, bits))


def test_sizes_are_the_file_the_state_the_bits_and_the_entropy(tmp_path: Path) -> None:
    streams = {
        "levels": Stream(np.array([0, 0, 0, 1]), 8),
        "same": Stream(np.zeros(10, np.int8), 2),
        "scale": Stream(np.ones(2, np.float16), 16),
    }
    path = tmp_path / "model"
    written = packed.write(path, contents_of(streams))
    assert written == packed.sizes(path)
    assert written.file_bytes == path.stat().st_size
    # Six weights, three biases, three means and a count.
    assert written.state_bytes == 4 * (6 + 3 + 3 + 1)
    floats = 2 * 16 + (3 + 3) * 32
    assert written.nominal_bits == 4 * 8 + 10 * 2 + floats + 32
    one_in_four = 4 * (0.25 * 2 + 0.75 * np.log2(4 / 3))
    assert written.entropy_bits == pytest.approx(one_in_four + floats)


def test_the_file_of_a_dense_network_is_its_state_within_half_a_percent(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rest, buffers = {}, {}
    for block in range(20):
        width = 16 * 2 ** (block // 7)
        for name in ("weight", "bias"):
            rest[f"layer{block // 6}.{block % 3}.bn{block % 2}.{name}"] = rng.normal(size=width)
        rest[f"layer{block // 7}.{block}.conv.weight"] = rng.normal(size=(width, width, 3, 3))
        buffers[f"layer{block // 7}.{block}.bn.running_mean"] = rng.normal(size=width)
        buffers[f"layer{block // 7}.{block}.bn.running_var"] = rng.normal(size=width)
    rest = {name: values.astype(np.float32) for name, values in rest.items()}
    buffers = {name: values.astype(np.float32) for name, values in buffers.items()}
    dense = packed.Contents(
        model=MODEL, method=None, shapes={}, packed={}, rest=rest, buffers=buffers
    )
    written = packed.write(tmp_path / "model", dense)
    assert 1 / 1.005 <= written.ratio <= 1
