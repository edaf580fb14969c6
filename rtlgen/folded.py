"""The folded engine: a matrix-vector unit of ``outputs x inputs`` multipliers that walks through its weights.

A vector is written into one of two banks while the other one is read, so that no cycle is lost between vectors. The
outputs are computed ``outputs`` at a time (a fold), each fold in ``words`` cycles, ``inputs`` products a cycle and
output. A finished fold moves to the drain, which hands it on ``lanes_out`` a cycle while the next fold accumulates. ::

    x --> gather --> buffer --> x  --+
                     (2 banks)       +--> products --> adder tree --> accumulators --> drain --> + bias --> y
        address --> weight store ----+                  (pipelined)    (outputs)     (lanes_out)

    cycle (from the one on which the last input beat moves)
    0         last word is written
    1         first address of fold 0
    3         its word and weights, two registers later
    4         products                              (`tree` more cycles for the adder tree)
    5 + tree  accumulators after the first word
    words + 4 + tree  accumulators after the last word; one cycle later in the drain; one more with the bias: y

Everything behind the buffer advances together, or stands still when ``y`` has to wait.
"""

from __future__ import annotations

from math import ceil

import pyrtl

from golden.ops import Dense
from golden.types import IntType
from rtlgen.gather import gather
from rtlgen.lowering import LayerPlan
from rtlgen.multiply import multiply_in_logic
from rtlgen.state import Flags, counter, held_tensor, state
from rtlgen.stream import Stream, stream
from rtlgen.tensor import HDLTensor
from rtlgen.weight_store import LATENCY, pack_words, weight_store

BANKS = 2


def tree_cycles(inputs: int) -> int:
    """Registers inside the adder tree: one behind every two levels; the last levels add to the accumulator."""
    return (inputs - 1).bit_length() // 2


def first_output_cycles(layer: LayerPlan) -> int:
    """Cycles from the last input beat of a vector to the first output beat."""
    return layer.words + 6 + tree_cycles(layer.inputs)


def folded(op: Dense, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """The engine for ``op`` in the working block, folded as ``layer`` says."""
    out_type = op.out_type(x.type)
    advance = pyrtl.WireVector(1, f"{name}_advance")

    # Buffer: the writer fills one bank while the reader walks through the other one, once for every fold.
    word = gather(name, x, layer.inputs)
    filled = state(f"{name}_filled", 2)
    x.ready <<= filled.value != BANKS
    reads = pyrtl.WireVector(1, f"{name}_reads")
    reads <<= (filled.value != 0) & advance
    step = counter(f"{name}_step", layer.words, reads, x.reset)
    fold = counter(f"{name}_fold", layer.folds, reads & step.ends, x.reset)
    vector_written = word.full & word.place.ends
    vector_read = reads & step.ends & fold.ends
    write_bank = counter(f"{name}_write_bank", BANKS, vector_written, x.reset)
    read_bank = counter(f"{name}_read_bank", BANKS, vector_read, x.reset)
    change = pyrtl.concat(~vector_written & vector_read, vector_written ^ vector_read)  # -1, 0 or +1
    filled.drive((filled.value + change)[:2], x.reset)

    address_bits = 1 + (layer.words - 1).bit_length()
    buffer = pyrtl.MemBlock(
        layer.inputs * x.type.dtype.bits, address_bits, f"{name}_buffer", max_read_ports=1, asynchronous=True
    )
    write_address = _bank_address(write_bank.value, word.place.value, layer.words)
    read_address = _bank_address(read_bank.value, step.value, layer.words)
    buffer[write_address] <<= pyrtl.MemBlock.EnabledWrite(word.word.pack(x.type.dtype), word.full)
    # The two banks are never the same while both are in use. Saying so here lets synthesis see it, and spares the
    # block RAM the logic for reading what is just being written.
    apart = ~word.full | (write_bank.value != read_bank.value)
    read_data = buffer[read_address]
    fetched = pyrtl.Register(len(read_data), f"{name}_x_fetched")
    fetched.next <<= pyrtl.select(advance & apart, read_data, fetched)
    current = pyrtl.Register(len(read_data), f"{name}_x_word")
    current.next <<= pyrtl.select(advance, fetched, current)
    x_word = HDLTensor.unpack(current, (layer.inputs,), x.type.dtype)

    weight_address = counter(f"{name}_weight_address", layer.folds * layer.words, reads, x.reset)
    weights = _weights(op, layer, name, weight_address.value, advance)
    start = {"valid": reads, "first": step.value == 0, "end": step.ends & reads, "tail": fold.ends}
    flags = Flags(start, x.reset, advance).after(f"{name}_fetch", LATENCY)

    products = _multiply(weights, x_word, layer.logic).register(f"{name}_product", enable=advance)
    flags = flags.after(f"{name}_product", 1)
    sums = products
    for stage in range(tree_cycles(layer.inputs)):
        sums = _add_level(_add_level(sums)).register(f"{name}_tree{stage + 1}", enable=advance)
    flags = flags.after(f"{name}_tree", tree_cycles(layer.inputs))
    sums = sums.sum(axis=1)

    accumulators = held_tensor(f"{name}_acc", layer.outputs, _reach(op, x.type.dtype))
    low, high = accumulators.dtype.min, accumulators.dtype.max
    following = HDLTensor.where(flags["first"], sums, accumulators.value + sums).known_range(low, high)
    accumulators.drive(following, advance & flags["valid"])

    return _drain(op, layer, accumulators.value, flags, x, name, out_type.dtype)


def _drain(
    op: Dense, layer: LayerPlan, accumulators: HDLTensor, flags: Flags, x: Stream, name: str, dtype: IntType
) -> Stream:
    """Hands a finished fold on, ``lanes_out`` a cycle, and adds the bias."""
    advance, reset = flags.advance, flags.reset
    lanes, fold_beats = layer.lanes_out, layer.outputs // layer.lanes_out
    beats = ceil(op.outputs / lanes)
    tail_beats = beats - (layer.folds - 1) * fold_beats

    # The sequence of beats starts one cycle ahead of the accumulators, because the bias takes as long to come.
    if fold_beats == 1:
        starts = flags["end"]
    else:
        left = state(f"{name}_drain_left", fold_beats.bit_length())
        starts = flags["end"] | (left.value != 0)
        bits = len(left.value)
        fold_left = pyrtl.select(flags["tail"], pyrtl.Const(tail_beats - 1, bits), pyrtl.Const(fold_beats - 1, bits))
        fewer = pyrtl.select(left.value != 0, (left.value - 1)[:bits], left.value)
        left.drive(pyrtl.select(flags["end"], fold_left, fewer), reset, enable=advance)
    beat = counter(f"{name}_drain_beat", beats, starts & advance, reset)
    sequence = Flags({"valid": starts, "last": beat.ends, "load": flags["end"]}, reset, advance)
    loading = sequence.after(f"{name}_load", 1)
    draining = loading.after(f"{name}_drain", 1)

    bias_type = IntType.holding(min(0, int(op.bias.min())), max(0, int(op.bias.max())))
    padded = [*op.bias.tolist(), *[0] * (beats * lanes - op.outputs)]
    words = [pack_words(padded[start : start + lanes], bias_type.bits) for start in range(0, len(padded), lanes)]
    bias_word = weight_store(f"{name}_bias", words, bias_type.bits * lanes, beat.value, advance)
    bias = HDLTensor.unpack(bias_word, (lanes,), bias_type)

    drain = held_tensor(f"{name}_drain", layer.outputs, accumulators.dtype)
    shifted = HDLTensor.concat([drain.value[lanes:], drain.value[:lanes]])
    drain.drive(HDLTensor.where(loading["load"], accumulators, shifted), advance)

    result = (drain.value[:lanes] + bias).known_range(dtype.min, dtype.max)
    data = result.register(f"{name}_result", enable=advance & draining["valid"], reset=reset)
    out = draining.after(f"{name}_result", 1)
    y = stream(name, op.out_type(x.type), data, out["valid"], out["last"], reset)
    advance <<= ~out["valid"] | y.ready
    return y


def _weights(op: Dense, layer: LayerPlan, name: str, address: pyrtl.WireVector, advance: pyrtl.WireVector) -> HDLTensor:
    """The (outputs, inputs) weights of a step, zero where the fold goes past the matrix."""
    dtype = op.weight_type
    padded = [[0] * (layer.words * layer.inputs) for _ in range(layer.folds * layer.outputs)]
    for row, values in zip(padded, op.weight.tolist(), strict=False):
        row[: op.inputs] = values
    words = []
    for top in range(0, len(padded), layer.outputs):
        for left in range(0, len(padded[0]), layer.inputs):
            tile = [row[left : left + layer.inputs] for row in padded[top : top + layer.outputs]]
            words.append(pack_words([weight for row in tile for weight in row], dtype.bits))
    word = weight_store(f"{name}_weight", words, dtype.bits * layer.outputs * layer.inputs, address, advance)
    return HDLTensor.unpack(word, (layer.outputs, layer.inputs), dtype)


def _multiply(weights: HDLTensor, x: HDLTensor, logic: bool) -> HDLTensor:
    """All products of a step; of adders instead of multipliers for ``logic``."""
    return weights * x if not logic else multiply_in_logic(x, weights.reshape(-1)).reshape(1, 1)


def _add_level(sums: HDLTensor) -> HDLTensor:
    """Adds neighbours along the second axis, one level of the adder tree."""
    count = sums.shape[1]
    if count == 1:
        return sums
    pairs = sums[:, 0 : count - 1 : 2] + sums[:, 1:count:2]
    return pairs if count % 2 == 0 else HDLTensor.concat([pairs, sums[:, -1:]], axis=1)


def _reach(op: Dense, x: IntType) -> IntType:
    """Every value that an accumulator can hold, whatever part of the products it has seen: no bias yet."""
    lows, highs = [0], [0]
    for row in op.weight.tolist():
        extremes = [(min(0, w * x.min, w * x.max), max(0, w * x.min, w * x.max)) for w in row]
        lows.append(sum(low for low, _ in extremes))
        highs.append(sum(high for _, high in extremes))
    return IntType.holding(min(lows), max(highs))


def _bank_address(bank: pyrtl.WireVector, place: pyrtl.WireVector, words: int) -> pyrtl.WireVector:
    return bank if words == 1 else pyrtl.concat(bank, place)
