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
        winners: a word says for each lane which of a pool was the largest; None without pools.
    """

    weights: MemBlock
    features: MemBlock
    hidden: MemBlock
    errors: MemBlock
    winners: MemBlock | None

    @classmethod
    def of(cls, schedule: Schedule) -> Memories:
        """For the layers of ``schedule``."""
        lanes = schedule.lanes

        def memory(name: str, bits: int, words: int) -> MemBlock:
            return MemBlock(bits, max(1, (words - 1).bit_length()), name, max_read_ports=1, asynchronous=True)

        return cls(
            memory("weights", 16 * lanes, schedule.weight_base[-1]),
            memory("features", 8, 2 << max(1, (schedule.features - 1).bit_length())),
            memory("hidden", 8, schedule.hidden_base[-1]),
            memory("errors", 8 * lanes, schedule.error_base[-1]),
            memory("winners", schedule.window_bits * lanes, schedule.winner_base[-1]) if schedule.has_pools else None,
        )


@dataclass(frozen=True)
class Write:
    """A word for a memory."""

    enable: WireVector
    address: WireVector
    word: WireVector


@dataclass(frozen=True)
class Operands:
    """What has been read.

    Args:
        products: of all lanes, in cycle 4.
        master: weights of all lanes, in cycle 2.
        activation: in cycle 2; an error of each lane, packed, too.
        weights_fetched: the word that was read in the cycle before.
    """

    products: HDLTensor
    master: HDLTensor
    activation: WireVector
    errors: WireVector
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
    activations = issue.addresses["activation"]
    hidden_place = _wide(activations, memories.hidden.addrwidth)
    error_place = _wide(issue.addresses["error"], memories.errors.addrwidth)
    feature_place = pyrtl.concat(bank, _wide(activations, memories.features.addrwidth - 1))

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
    right = HDLTensor.where(flags["backward"], own, shared)
    if not isinstance(issue.flags["outside"], pyrtl.Const):
        right = HDLTensor.where(flags["outside"], HDLTensor.constant([0] * lanes), right)
    products = (left * right.register("right_operand")).register("product")
    return Operands(products, HDLTensor.unpack(word, (lanes,), S16), activation, error, weights)


def _fetched(name: str, memory: MemBlock, address: WireVector) -> Register:
    return _register(f"{name}_fetched", memory[address])


def _register(name: str, wire: WireVector) -> Register:
    register = Register(len(wire), name)
    register.next <<= wire
    return register


def _wide(address: WireVector, bits: int) -> WireVector:
    return address.zero_extended(max(bits, len(address)))[:bits]
