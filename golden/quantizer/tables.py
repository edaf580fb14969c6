"""Tables of real functions over the integers of a tensor, correctly rounded, the same on every machine.

The platform's ``exp`` may differ in the last place from machine to machine, and with it a table's entry that lies next
to a tie. ``decimal`` computes to 50 digits and is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, localcontext

import numpy as np

from golden.encoding import Encoding
from golden.types import IntArray, IntType

Function = Callable[[Decimal], Decimal]

_DIGITS = 50
_HALF = Decimal("0.5")
_LARGEST = Decimal(1000)
"""Beyond, an exponential is zero to far more digits than there are; and ``decimal`` would underflow some day."""


def table(function: Function, x: IntType, x_encoding: Encoding, y: IntType, y_encoding: Encoding) -> IntArray:
    """``round(function(real) / scale) + zero_point`` for every value of ``x`` in order: halves up, saturated."""
    x_scale, y_scale = Decimal(float(x_encoding.scale)), Decimal(float(y_encoding.scale))
    x_zero, y_zero = int(x_encoding.zero_point), int(y_encoding.zero_point)
    entries = []
    with localcontext() as context:
        context.prec = _DIGITS
        for integer in range(x.min, x.max + 1):
            real = function(x_scale * (integer - x_zero))
            nearest = (real / y_scale + _HALF).to_integral_value(ROUND_FLOOR)
            entries.append(min(max(int(nearest) + y_zero, y.min), y.max))
    return np.asarray(entries, dtype=np.int64)


def sigmoid(x: Decimal) -> Decimal:
    """``1 / (1 + exp(-x))``"""
    small = (-min(abs(x), _LARGEST)).exp()
    return (Decimal(1) if x >= 0 else small) / (1 + small)


def tanh(x: Decimal) -> Decimal:
    """``(1 - exp(-2 |x|)) / (1 + exp(-2 |x|))`` with the sign of x."""
    small = (-2 * min(abs(x), _LARGEST)).exp()
    return ((1 - small) / (1 + small)).copy_sign(x)


def leaky_relu(slope: float) -> Function:
    """``x`` for ``x >= 0``, ``slope * x`` else."""
    factor = Decimal(slope)
    return lambda x: x if x >= 0 else factor * x
