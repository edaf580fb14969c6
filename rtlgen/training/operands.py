"""What the multipliers get: weights, activations, errors, by the kind of the pass.

forward    w8[lane] * a            summed up by each lane
backward   w8[lane] * e[lane]      summed up over the lanes
update     e[lane] * a             what the weight changes by
"""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl
from pyrtl import MemBlock, Register, WireVector, select

from golden.trainer.arithmetic import bias_input
from golden.types import IntType
from rtlgen.tensor import HDLTensor
from rtlgen.training.control import Issue
from rtlgen.training.schedule import Schedule
from rtlgen.training.stages import Stages

S8, S16 = IntType(8, True), IntType(16, True)


@dataclass(frozen=True)
class Memories:
    """Of a trainer.

    Args:
        weights: a word holds a master weight of each lane.
        features: two banks, a byte a feature.
        hidden: a byte an activation.
        errors: a word holds an error of each lane.
    """

    weights: MemBlock
    features: MemBlock
    hidden: MemBlock
    errors: MemBlock

    @classmethod
    def of(cls, schedule: Schedule) -> Memories:
        """For the layers of ``schedule``."""
        layers, lanes = schedule.layers, schedule.lanes

        def memory(name: str, bits: int, words: int) -> MemBlock:
            return MemBlock(bits, max(1, (words - 1).bit_length()), name, max_read_ports=1, asynchronous=True)

        return cls(
            memory("weights", 16 * lanes, sum(layer.words for layer in layers)),
            memory("features", 8, 2 << max(1, (layers[0].inputs - 1).bit_length())),
            memory("hidden", 8, sum(layer.outputs for layer in layers[:-1])),
            memory("errors", 8 * lanes, sum(layer.blocks for layer in layers)),
        )


@dataclass(frozen=True)
class Operands:
    """What has been read.

    Args:
        products: of all lanes, in cycle 4.
        master: weights of all lanes, in cycle 2.
        activation: in cycle 2.
        weights_fetched: the word that was read in the cycle before.
    """

    products: HDLTensor
    master: HDLTensor
    activation: WireVector
    weights_fetched: WireVector


def operands(
    schedule: Schedule,
    input_fraction_bits: tuple[int, ...],
    memories: Memories,
    issue: Issue,
    stages: Stages,
    bank: WireVector,
    weight_address: WireVector,
) -> Operands:
    """Reads in cycle 0 of a word, chooses in cycle 2, multiplies in cycle 3.

    Args:
        schedule: of a step.
        input_fraction_bits: of each layer.
        memories: to be read.
        issue, stages: of the word.
        bank: of the features.
        weight_address: of the weights.
    """
    lanes = schedule.lanes
    hidden_bases = [schedule.hidden_base[layer - 1] if layer else 0 for layer in range(len(schedule.layers))]
    hidden_place = _sum(issue.column, stages.constant(0, hidden_bases), memories.hidden.addrwidth)
    error_place = _sum(issue.block, stages.constant(0, schedule.error_base), memories.errors.addrwidth)
    bits = memories.features.addrwidth - 1
    feature_place = pyrtl.concat(bank, issue.column.zero_extended(max(bits, len(issue.column)))[:bits])

    weights = _fetched("weights", memories.weights, weight_address)
    hidden = _fetched("hidden", memories.hidden, hidden_place)
    features = _fetched("features", memories.features, feature_place)
    errors = _fetched("errors", memories.errors, error_place)
    ones = stages.constant(1, [bias_input(bits) for bits in input_fraction_bits], 8)
    is_first = stages.constant(1, [int(layer == 0) for layer in range(len(schedule.layers))], 1)
    chosen = select(stages.flags(1)["bias"], ones, select(is_first, features, hidden))
    word, error, activation = (
        _register("weights_word", weights),
        _register("errors_word", errors),
        _register("activation_word", chosen),
    )

    upper = pyrtl.concat_list([word[16 * lane + 8 : 16 * lane + 16] for lane in range(lanes)])
    inference, own = HDLTensor.unpack(upper, (lanes,), S8), HDLTensor.unpack(error, (lanes,), S8)
    shared = HDLTensor.concat([HDLTensor.unpack(activation, (1,), S8)] * lanes)
    flags = stages.flags(2)
    # Registers of their own: between them and those of the products there is nothing but the multipliers.
    left = HDLTensor.where(flags["update"], own, inference).register("left_operand")
    right = HDLTensor.where(flags["backward"], own, shared).register("right_operand")
    products = (left * right).register("product")
    return Operands(products, HDLTensor.unpack(word, (lanes,), S16), activation, weights)


def _fetched(name: str, memory: MemBlock, address: WireVector) -> Register:
    return _register(f"{name}_fetched", memory[address])


def _register(name: str, wire: WireVector) -> Register:
    register = Register(len(wire), name)
    register.next <<= wire
    return register


def _sum(a: WireVector, b: WireVector, bits: int) -> WireVector:
    total = a + b
    return total.zero_extended(max(bits, len(total)))[:bits]
