"""The folded engine: ``outputs x inputs`` multipliers that walk through a buffer and their weights.

One template for convolution, pointwise, depthwise and dense layers. At each position the outputs are computed
``outputs`` at a time (a fold), each fold in ``words`` cycles, ``inputs`` products a cycle and output; a depthwise layer
has one input for each output. A finished fold moves to the drain, which hands it on while the next one accumulates. ::

    x --> buffer --> word --+
            ^               +--> products --> adder tree --> accumulators --> drain --> + bias --> y
          walker --> weight store             (pipelined)    (outputs)     (lanes_out)

    cycle (from the one on which a position starts)
    1         first address of fold 0
    3         its word and weights, two registers later
    4         products                              (`tree` more cycles for the adder tree)
    5 + tree  accumulators after the first word
    words + 4 + tree  accumulators after the last word; one cycle later in the drain; one more with the bias: y

Nothing ever stands still between the start of a position and its last beat.
"""

from __future__ import annotations

import numpy as np
import pyrtl

from golden.types import IntArray, IntType, TensorType
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.drain import DRAIN_CYCLES, Drained, Pace, drained
from rtlgen.lowering import LayerPlan
from rtlgen.multiply import is_wiring, sum_in_logic, terms_in_logic, weighted
from rtlgen.state import Flags, counter, held_tensor
from rtlgen.stream import Stream, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Walk
from rtlgen.walker import walker
from rtlgen.weight_store import LATENCY, pack_words, weight_store

PRODUCT_CYCLES = 1
BIAS_CYCLES = 1


def tree_cycles(layer: LayerPlan, own: bool) -> int:
    """Registers inside the adder tree: one behind every two levels; the last levels add to the accumulator.

    A product that is made of adders has a tree of its own, with one.
    """
    if layer.logic:
        return 1
    return 0 if own else (layer.inputs - 1).bit_length() // 2


def beat_offsets(layer: LayerPlan, pace: Pace, own: bool) -> IntArray:
    """Cycles from the start of a position to each beat of its row."""
    first = READ_CYCLES + PRODUCT_CYCLES + tree_cycles(layer, own) + DRAIN_CYCLES + BIAS_CYCLES
    return np.array([(fold + 1) * layer.words + first + wait for fold, wait in pace.beats()], dtype=np.int64)


def folded(
    x: Stream,
    name: str,
    layer: LayerPlan,
    walk: Walk,
    pace: Pace,
    tiles: IntArray,
    bias: IntArray,
    out_type: TensorType,
    *,
    own: bool = False,
    padding: int = 0,
) -> Stream:
    """The engine in the working block.

    Args:
        x: the stream.
        name: of the layer.
        layer: its folding.
        walk: through the buffer.
        pace: of the results.
        tiles: weights in the order of the steps, shape (folds * words, outputs, inputs); zero where a fold goes past
            the matrix. For ``own`` there is one input for each output.
        bias: shape (outputs of the layer,).
        out_type: of the result.
        own: each output has an input of its own.
        padding: what lies around the tensor.
    """
    room = pyrtl.WireVector(1, f"{name}_room")
    width = layer.outputs if own else layer.inputs
    buffer = buffered(name, x, width, layer.buffer_words[0])
    steps = walker(name, walk, [buffer], room, x.reset)
    word = buffer.read(steps.addresses[0], steps.outside, padding)
    words = walk.position_cycles // layer.folds
    address = counter(f"{name}_weight_address", len(tiles), steps.valid, x.reset)
    weights = _weights(name, tiles, address.value)
    step = counter(f"{name}_step", words, steps.valid, x.reset)
    start = {
        "valid": steps.valid,
        "first": step.value == 0,
        "end": step.ends & steps.valid,
        "closes": steps.closes,
    }
    assert LATENCY == READ_CYCLES, "a word and its weights come together"
    flags = Flags(start, x.reset).after(f"{name}_fetch", LATENCY)

    tree = tree_cycles(layer, own)
    if layer.logic:
        weight = weights.reshape(-1)
        terms = terms_in_logic(word, weight).register(f"{name}_product")
        sums = sum_in_logic(terms, (word.dtype, weight.dtype)).reshape(1, 1).register(f"{name}_tree1")
    else:
        sums = weighted(word.reshape(-1, 1) if own else word, weights, x.type.dtype).register(f"{name}_product")
        for stage in range(tree):
            sums = _add_level(_add_level(sums)).register(f"{name}_tree{stage + 1}")
    flags = flags.after(f"{name}_product", PRODUCT_CYCLES).after(f"{name}_tree", tree)
    sums = sums.sum(axis=1)

    accumulators = held_tensor(f"{name}_acc", layer.outputs, _reach(tiles, x.type.dtype, layer.folds))
    low, high = accumulators.dtype.min, accumulators.dtype.max
    following = HDLTensor.where(flags["first"], sums, accumulators.value + sums).known_range(low, high)
    accumulators.drive(following, flags["valid"])
    out = drained(name, accumulators.value, pace, flags["end"], flags["closes"], x.reset)
    return _biased(out, name, pace, bias, out_type, steps.starts, room, x.reset)


def _biased(
    out: Drained,
    name: str,
    pace: Pace,
    bias: IntArray,
    out_type: TensorType,
    starts: pyrtl.WireVector,
    room: pyrtl.WireVector,
    reset: pyrtl.WireVector,
) -> Stream:
    bias_type = IntType.holding(min(0, int(bias.min())), max(0, int(bias.max())))
    padded = [*bias.tolist(), *[0] * (pace.row_beats * pace.lanes - pace.inner)]
    rows = [padded[start : start + pace.lanes] for start in range(0, len(padded), pace.lanes)]
    words = [pack_words(row, bias_type.bits) for row in rows]
    word = weight_store(f"{name}_bias", words, bias_type.bits * pace.lanes, out.beat.value)
    biases = HDLTensor.unpack(word, (pace.lanes,), bias_type)
    dtype = out_type.dtype
    result = (out.data + biases).known_range(dtype.min, dtype.max)
    data = result.register(f"{name}_result", enable=out.flags["valid"], reset=reset)
    flags = out.flags.after(f"{name}_result", BIAS_CYCLES)
    return stream(name, out_type, data, flags["valid"], flags["last"], starts, reset, room=room)


def _weights(name: str, tiles: IntArray, address: pyrtl.WireVector) -> HDLTensor:
    """The (outputs, inputs) weights of a step."""
    dtype = IntType.signed_holding(int(tiles.min()), int(tiles.max()))
    words = [pack_words(tile, dtype.bits) for tile in tiles.reshape(len(tiles), -1).tolist()]
    word = weight_store(f"{name}_weight", words, dtype.bits * tiles[0].size, address)
    weights = HDLTensor.unpack(word, tiles.shape[1:], dtype)
    if len(tiles) > 1:
        return weights
    # Constants are multiplied all the same: what takes no multiplier is known, and said by the plan.
    elements = zip(tiles[0].reshape(-1).tolist(), weights.reshape(-1), strict=True)
    known = [HDLTensor.constant([value]) if is_wiring(np.array(value)) else x.reshape(1) for value, x in elements]
    return HDLTensor.concat(known).reshape(tiles.shape[1:])


def _add_level(sums: HDLTensor) -> HDLTensor:
    """Adds neighbours along the second axis, one level of the adder tree."""
    count = sums.shape[1]
    if count == 1:
        return sums
    pairs = sums[:, 0 : count - 1 : 2] + sums[:, 1:count:2]
    return pairs if count % 2 == 0 else HDLTensor.concat([pairs, sums[:, -1:]], axis=1)


def _reach(tiles: IntArray, x: IntType, folds: int) -> IntType:
    """Every value that an accumulator can hold, whatever part of the products it has seen: no bias yet."""
    ends = tiles * x.min, tiles * x.max
    lows, highs = np.minimum(0, np.minimum(*ends)), np.maximum(0, np.maximum(*ends))
    by_output = [part.reshape(folds, -1, *tiles.shape[1:]).sum(axis=(1, 3)) for part in (lows, highs)]
    return IntType.holding(int(by_output[0].min()), int(by_output[1].max()))


def tiled(matrix: IntArray, outputs: int, inputs: int, words: int) -> IntArray:
    """Weights of a full layer in the order of its steps.

    Args:
        matrix: shape (groups, outputs of a group, taps, channels of a group).
        outputs, inputs: of a step.
        words: words of the channels of a group.
    """
    groups, share, taps, channels = matrix.shape
    folds, columns = -(-share // outputs), words
    padded = np.zeros((groups, folds * outputs, taps, columns * inputs), dtype=np.int64)
    padded[:, :share, :, :channels] = matrix
    split = padded.reshape(groups, folds, outputs, taps, columns, inputs)
    return split.transpose(0, 1, 3, 4, 2, 5).reshape(-1, outputs, inputs)
