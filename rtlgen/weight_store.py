"""The weight store: an address in, a word out ``LATENCY`` cycles later.

Everything that an engine knows of its constants is this interface, so that what lies behind it can be exchanged: today
a ROM. Two registers behind the array: the first is the block RAM's own, the second because a block RAM takes most of a
cycle from clock to output, and a multiplier needs one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyrtl

LATENCY = 2


def weight_store(name: str, words: Sequence[int], bits: int, address: pyrtl.WireVector) -> pyrtl.WireVector:
    """``words[address]``, ``LATENCY`` cycles later.

    A store of one word is a constant and no hardware.
    """
    if len(words) == 1:
        return pyrtl.Const(words[0], bits)
    address_bits = (len(words) - 1).bit_length()
    rom = pyrtl.RomBlock(
        bits, address_bits, list(words), name=f"{name}_rom", asynchronous=True, pad_with_zeros=True, max_read_ports=1
    )
    fetched = pyrtl.Register(bits, f"{name}_fetched")
    word = pyrtl.Register(bits, f"{name}_word")
    fetched.next <<= rom[address]
    word.next <<= fetched
    return word


def pack_words(values: Sequence[int], bits: int) -> int:
    """Values of ``bits`` each, two's complement, as one word: the first in the least significant bits."""
    mask = (1 << bits) - 1
    return sum((value & mask) << (bits * place) for place, value in enumerate(values))
