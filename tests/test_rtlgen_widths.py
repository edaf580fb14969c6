"""How wide requantisers have to be, and the figures of trained networks."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np
import pytest
from requantizer_widths import Fit, Width, widths

import golden
from golden import IntType, Requantize
from rtlgen.staircase import narrowed

pytestmark = pytest.mark.slow  # it plans whole networks

S8 = IntType(8, True)
MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
NETWORKS = pytest.mark.skipif(not MODELS.is_dir(), reason=f"needs trained TensorFlow Lite files in {MODELS}")


def requantizers(name: str) -> list[tuple[Requantize, list[int], list[int]]]:
    """Those behind accumulators, each with the reach of its channels."""
    path = MODELS / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"needs {path}")
    graph = golden.from_tflite(path)
    sums = [(node.op, graph.node(node.inputs[0])) for node in graph.nodes if isinstance(node.op, Requantize)]
    return [(op, *made.op.reach(graph.types[made.inputs[0]])) for op, made in sums]


def test_a_channel_alone_is_as_wide_as_its_staircase() -> None:
    rng = np.random.default_rng(0)
    for arithmetic in ("tflm", "single"):
        op = Requantize(rng.integers(1 << 30, 1 << 31, 20), np.full(20, 42), -7, S8, arithmetic)
        for channel, width in enumerate(widths(op, -(1 << 19), 1 << 19)):
            alone = Requantize(op.multiplier[channel], op.shift[channel], -7, S8, arithmetic)
            found = narrowed(alone, -(1 << 19), 1 << 19)
            assert width is not None
            assert (width.multiplier_bits, width.shift) == (found.multiplier_bits, found.shift)
            assert width.offsets == 1 + found.signed
            assert width.unmoved_window_bits == found.window.bits
            assert width.input_bits == 21


def test_constant_channels_have_no_width() -> None:
    op = Requantize(np.array([1, 1]), np.array([4, 4]), 0, S8, "half_up")
    found = widths(op, [0, 0], [7, 16])
    assert found == (None, Width(6, 1, 5, 1, 4, 1))  # one threshold, at 8
    fit = Fit.of(found)
    assert (fit.live, fit.constant, fit.one_18x18) == (1, 1, 1)


def test_ties_to_even_have_no_form() -> None:
    (width,) = widths(Requantize(np.array(5), np.array(3), 0, S8, "float32"), -128, 127)
    assert width is not None
    assert width.offsets == 0
    assert not width.fits(64, 64)


@NETWORKS
@pytest.mark.parametrize(
    ("name", "two_offsets_percent", "at_most_17_bits_percent"),
    [("kws_ref_model", 2, 23), ("pretrainedResnet_quant", 62, 14), ("ad01_int8", 38, 25)],
)
def test_the_published_figures(name: str, two_offsets_percent: int, at_most_17_bits_percent: int) -> None:
    """Of all live channels: those without a line for both signs, and those with a multiplier of at most 17 bits."""
    live = [width for layer in requantizers(name) for width in widths(*layer) if width is not None]
    assert round(100 * sum(width.offsets == 2 for width in live) / len(live)) == two_offsets_percent
    assert round(100 * sum(width.multiplier_bits <= 17 for width in live) / len(live)) == at_most_17_bits_percent
    assert all(width.offsets for width in live)
    assert max(width.multiplier_bits for width in live) <= 25
    assert max(width.window_bits for width in live) <= 19


@NETWORKS
@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("ad01_int8", Fit(1672, 0, 1032, 640, 411, 1672, 1672)),
        ("hello_world_int8", Fit(29, 4, 28, 1, 22, 29, 29)),
        ("kws_ref_model", Fit(588, 0, 576, 12, 135, 588, 588)),
        ("micro_speech_quantized", Fit(12, 0, 8, 4, 0, 1, 1)),
        ("pretrainedResnet_quant", Fit(346, 0, 132, 214, 48, 341, 341)),
    ],
)
def test_what_fits_the_multipliers_of_an_fpga(name: str, fit: Fit) -> None:
    assert Fit.of(width for layer in requantizers(name) for width in widths(*layer)) == fit


@NETWORKS
@pytest.mark.parametrize("name", ["kws_ref_model", "pretrainedResnet_quant", "ad01_int8"])
def test_a_network_is_narrowed_in_a_moment(name: str) -> None:
    layers = requantizers(name)
    start = process_time()
    found = [narrowed(*layer) for layer in layers]
    assert process_time() - start < 2  # a tenth to a third of a second
    assert max(staircase.multiplier_bits for staircase in found) <= 25
    rng = np.random.default_rng(0)
    for staircase, (op, lows, highs) in zip(found, layers, strict=True):
        assert staircase.window.bits <= 19
        x = rng.integers(lows, highs, (1000, len(lows)), endpoint=True)
        np.testing.assert_array_equal(staircase(x), op(x))
