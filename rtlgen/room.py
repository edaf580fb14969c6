"""Room for tokens: what a buffer tells its maker, so that whatever is started also finds its place (rule 5)."""

from __future__ import annotations

from dataclasses import dataclass

import pyrtl

from rtlgen.element import net
from rtlgen.state import state
from rtlgen.stream import Stream, rows_of

LEFT = "_room_left"
"""How the names of the registers end that count the room in buffers: below zero where there is none for a token."""
VISIBLE_CYCLES = 2
"""From the cycle on which rows are done with to the first one on which ``room`` can be high for it."""


@dataclass(frozen=True)
class Units:
    """Rows and tokens in a common unit, of which each is a whole number.

    Args:
        token, row: units of a token and of a row.
    """

    token: int
    row: int


def units_of(x: Stream) -> Units:
    """The largest unit for the tokens of ``x`` and the rows of its tensor."""
    return Units(x.token_rows.numerator, x.token_rows.denominator)


def keep_room(name: str, x: Stream, rows: int, freed_rows: pyrtl.WireVector) -> None:
    """Drives ``x.room`` for a buffer of ``rows``; ``freed_rows`` have been done with on this cycle.

    An up and down counter of what is left once the next token has come: its sign bit is the answer.
    """
    units = units_of(x)
    spare = rows * units.row - units.token
    assert spare >= 0, f"{name}: a buffer of {rows} rows has no room for one token"
    # Rows may be done with before they come, if nothing needs them: they count as room already.
    most = spare + rows_of(x.type) * units.row
    bits = max(most, units.token).bit_length() + 1
    left = state(f"{name}{LEFT}", bits, spare)
    freed = state(f"{name}_freed", len(freed_rows))
    freed.drive(freed_rows, x.reset)
    back = freed.value if units.row == 1 else _times(freed.value, units.row)
    start = pyrtl.select(x.starts, pyrtl.Const(-units.token & ((1 << bits) - 1), bits), pyrtl.Const(0, bits))
    fewer = net("+", (left.value, start), bits)
    left.drive(net("+", (fewer, back.zero_extended(bits)), bits), x.reset)
    x.room <<= left.value[-1] ^ 1


def _times(value: pyrtl.WireVector, factor: int) -> pyrtl.WireVector:
    """A product with a constant, of shifts and adds: this is control, not worth a multiplier."""
    bits = len(value) + factor.bit_length()
    total = pyrtl.Const(0, bits)
    for place in range(factor.bit_length()):
        if factor >> place & 1:
            total = (total + pyrtl.concat(value, pyrtl.Const(0, place)) if place else total + value)[:bits]
    return total
