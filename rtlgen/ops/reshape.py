"""Hardware of the change of shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import pyrtl

from golden.ops import Reshape
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.buffer import READ_CYCLES, buffered
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk
from rtlgen.state import Flags
from rtlgen.stream import Stream, beats_of, passed_on, rows_of, stream
from rtlgen.tensor import HDLTensor
from rtlgen.walk import Loop, Reach, Walk
from rtlgen.walker import walker


@candidates.register
def _(op: Reshape, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    # A stream is row-major already; but a beat must not hold the end of one row and the start of the next.
    (x,) = xs
    inner, beats = op.out_type(x.type).inner, beats_of(x.type, x.lanes)
    if x.type.inner % x.lanes:
        return
    if inner % x.lanes == 0:
        yield LayerPlan("wires", x.lanes, x.lanes, beats, x.spacing_cycles)
        return
    for narrow in range(1, x.lanes):
        if x.lanes % narrow == 0 and inner % narrow == 0 and beats * x.lanes // narrow <= goal.ii_cycles:
            yield LayerPlan("buffered", x.lanes, narrow, beats * x.lanes // narrow, 1, words=x.lanes // narrow)


@walk.register
def _(op: Reshape, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk | None:
    if layer.engine == "wires":
        return None
    (x,) = xs
    beats, row_beats = beats_of(x, layer.lanes_in), x.inner // layer.lanes_in
    ends = np.arange(1, beats + 1)
    reach = Reach(beats, row_beats, 0, ends, ends // row_beats)
    return Walk((Loop(beats, (1,)), Loop(1, (0,))), (Loop(layer.words, (0,)),), (reach,))


@departures.register
def _(op: Reshape, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    (x,), (arriving,) = xs, arrivals
    if layer.engine == "wires":
        return arriving.only(slice(None), Fraction(rows_of(op.out_type(x)), rows_of(x)))
    beats = beats_of(x, layer.lanes_in)
    token = np.repeat(np.arange(beats), layer.words)
    offset = np.tile(np.arange(layer.words), beats) + READ_CYCLES + 2
    return Arrivals("", token, offset, beats, _token_rows(op, layer, x))


def _token_rows(op: Reshape, layer: LayerPlan, x: TensorType) -> Fraction:
    return Fraction(rows_of(op.out_type(x)), beats_of(x, layer.lanes_in))


@lower.register
def reshape(op: Reshape, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Nothing but names; or a buffer of wide beats, each of which leaves in parts."""
    (x,) = xs
    out_type = op.out_type(x.type)
    path = walk(op, layer, [x.type])
    if path is None:
        rows = Fraction(rows_of(out_type), rows_of(x.type))
        return passed_on(x, name, out_type, x.data, x.valid, x.last, rows)
    room = pyrtl.WireVector(1, f"{name}_room")
    buffer = buffered(name, x, layer.lanes_in, layer.buffer_words[0])
    steps = walker(name, path, [buffer], room, x.reset)
    word = buffer.read(steps.addresses[0])
    part = HDLTensor.of([steps.loops[0].value], [0], [layer.words - 1])
    for stage in range(READ_CYCLES):
        part = part.register(f"{name}_part{stage + 1}")
    flags = Flags({"valid": steps.valid, "last": steps.closes & steps.ends}, x.reset).after(f"{name}_read", READ_CYCLES)
    data = word[: layer.lanes_out]
    for place in range(1, layer.words):
        data = HDLTensor.where(part == place, word[place * layer.lanes_out : (place + 1) * layer.lanes_out], data)
    result = data.register(f"{name}_result", enable=flags["valid"], reset=x.reset)
    out = flags.after(f"{name}_result", 1)
    rows = _token_rows(op, layer, x.type)
    return stream(name, out_type, result, out["valid"], out["last"], steps.starts, x.reset, room=room, token_rows=rows)
