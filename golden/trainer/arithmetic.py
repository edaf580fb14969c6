"""The integers of training: fixed-point numbers with a sign, rounded once and saturated.

A tensor with ``f`` fraction bits stands for its integers times ``2**-f``; all scales are such powers of two. ::

    tensor                       integers      fraction bits
    features, a_0                int8          7 (pixels, 0..127) or 5 (standardised)
    master weights, W            int16         fw + 8; the last column is the bias
    inference weights, W >> 8    int8          fw: the upper byte, never stored
    hidden activations, a        0..127        5
    logits, z                    int16         6
    errors, e                    -127..127     7
"""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.types import IntArray

HIDDEN_FRACTION_BITS = 5
LOGIT_FRACTION_BITS = 6
ERROR_FRACTION_BITS = 7
MASTER_BITS = 16
LOW_BITS = 8
"""Bits of a master weight that only training sees."""
MOST_ACTIVATION = 127
MOST_ERROR = 127
DITHER_BITS = 32


def rounded(v: Any, shift: int) -> Any:
    """``(v + 2**(shift - 1)) >> shift``, half up; ``v << -shift`` without a positive shift."""
    return (v + (1 << shift >> 1)) >> shift if shift > 0 else v << -shift


def saturated(v: IntArray, bits: int) -> IntArray:
    """Into ``bits`` bits, two's complement."""
    return np.clip(v, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def symmetric(v: IntArray) -> IntArray:
    """Into -127..127: an error has no smallest value without a counterpart."""
    return np.clip(v, -MOST_ERROR, MOST_ERROR)


def output_error(logits: IntArray, label: int) -> IntArray:
    """One against all: ``e = sym8(2 (p - 64 [i = label]))`` with ``p = clamp((z >> 2) + 32, 0, 64)``.

    ``p`` is a sigmoid of three straight pieces, in 64ths: what is 0.5 at ``z = 0``, and 0 or 1 from 2.0 on.
    """
    likely = np.clip((logits >> 2) + 32, 0, 64)
    likely[label] -= 64
    return symmetric(2 * likely)


def update_shift(input_fraction_bits: int, weight_fraction_bits: int, learning_rate_shift: int) -> int:
    """From the fraction bits of ``e a`` to those of a master weight, times the learning rate ``2**-k``."""
    return ERROR_FRACTION_BITS + input_fraction_bits + learning_rate_shift - (weight_fraction_bits + LOW_BITS)


def bias_input(fraction_bits: int) -> int:
    """The constant behind the bias column, as near to one as seven bits allow: ``2**min(f, 6)``."""
    return 1 << min(fraction_bits, 6)


def xorshift32(state: int) -> int:
    """The next state, never 0: Marsaglia (2003), with the triple 13, 17, 5."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ ((state << 5) & 0xFFFFFFFF)
