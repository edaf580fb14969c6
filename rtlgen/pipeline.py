"""Registers between layers: a register slice, and a pipeline that stands still as a whole when it may not go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyrtl

from golden.types import TensorType
from rtlgen.gather import Gathered
from rtlgen.state import Flags, state
from rtlgen.stream import Stream, stream
from rtlgen.tensor import HDLTensor

Step = Callable[[HDLTensor], HDLTensor]


def register_slice(
    name: str,
    type: TensorType,
    data: HDLTensor,
    valid: pyrtl.WireVector,
    last: pyrtl.WireVector,
    reset: pyrtl.WireVector,
) -> tuple[Stream, pyrtl.WireVector]:
    """A stream behind two registers a bit, and the wire that is high when the slice takes ``data``.

    That wire is a register: no path runs from the ``ready`` of the stream to it (rule 4). A beat costs one cycle and
    one moves on every cycle. Data registers only load valid beats, so they are never undefined after a reset. ::

        data ----+---------------> out ----> stream
                 |                  ^
                 +----> spare ------+        spare holds the beat that arrived while out had to wait
    """
    spare_valid = state(f"{name}_spare_valid", 1)
    out_valid = state(f"{name}_slice_valid", 1)
    takes = pyrtl.WireVector(1, f"{name}_slice_takes")
    takes <<= ~spare_valid.value
    out_free = pyrtl.WireVector(1, f"{name}_slice_free")
    arrives = takes & valid
    to_spare = arrives & ~out_free

    beat = _with_last(data, last)
    spare = beat.register(f"{name}_spare", enable=to_spare, reset=reset)
    chosen = HDLTensor.where(spare_valid.value, spare, beat)
    out = chosen.register(f"{name}_slice", enable=out_free & (arrives | spare_valid.value), reset=reset)
    out_valid.drive(pyrtl.select(out_free, arrives | spare_valid.value, pyrtl.Const(1, 1)), reset)
    spare_valid.drive(pyrtl.select(out_free, pyrtl.Const(0, 1), spare_valid.value | arrives), reset)

    result = stream(name, type, out[:-1], out_valid.value, out.wires[-1], reset)
    out_free <<= ~out_valid.value | result.ready
    return result, takes


def _with_last(data: HDLTensor, last: pyrtl.WireVector) -> HDLTensor:
    """The lanes of a beat with its ``last`` as one more element, to travel through the same registers."""
    return HDLTensor.concat([data, HDLTensor.of([last], [0], [1])])


def pipeline(
    name: str,
    x: Stream,
    type: TensorType,
    steps: Sequence[Step],
    *,
    advance: pyrtl.WireVector,
    word: Gathered | None = None,
) -> Stream:
    """Lane-wise computation of ``x``, or of its gathered words, in ``len(steps)`` cycles: a register behind each step.

    All stages advance together, or none does: they advance when the register slice behind the last step takes a beat,
    or when there is none to give. ``last`` travels along.

    Args:
        advance: a wire without a driver, which will be high on the cycles on which the stages advance.
    """
    beat, valid = (word.word, word.full) if word else (x.data, x.valid)
    for position, step in enumerate(steps[:-1]):
        beat = step(beat).register(f"{name}_stage{position + 1}", enable=advance)
    flags = Flags({"valid": valid, "last": x.last}, x.reset, advance).after(f"{name}_stage", len(steps) - 1)
    result, takes = register_slice(name, type, steps[-1](beat), flags["valid"], flags["last"], x.reset)
    advance <<= takes | ~flags["valid"] if len(steps) > 1 else takes
    x.ready <<= advance
    return result


def wires(name: str, x: Stream, type: TensorType, data: HDLTensor, depth_cycles: int) -> Stream:
    """``data``, which is combinational in ``x``, on its way: with a register slice if ``depth_cycles`` is 1."""
    if depth_cycles:
        y, takes = register_slice(name, type, data, x.valid, x.last, x.reset)
        x.ready <<= takes
    else:
        y = stream(name, type, data, x.valid, x.last, x.reset)
        x.ready <<= y.ready
    return y
