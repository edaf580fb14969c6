"""Layers that compute on the way: a beat in, a beat out some cycles later, and nothing ever stands still (rule 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from golden.types import TensorType
from rtlgen.gather import Gathered
from rtlgen.state import Flags
from rtlgen.stream import Stream, passed_on
from rtlgen.tensor import HDLTensor

Step = Callable[[HDLTensor], HDLTensor]


def pipeline(name: str, x: Stream, type: TensorType, steps: Sequence[Step], *, word: Gathered | None = None) -> Stream:
    """Lane-wise computation of ``x``, or of its gathered words, in ``len(steps)`` cycles: a register behind each step.

    ``last`` travels along. The last register only loads what is valid, so that it is never undefined after a reset.
    """
    beat, valid = (word.word, word.full) if word else (x.data, x.valid)
    for position, step in enumerate(steps[:-1]):
        beat = step(beat).register(f"{name}_stage{position + 1}")
    flags = Flags({"valid": valid, "last": x.last}, x.reset).after(f"{name}_stage", len(steps) - 1)
    data = steps[-1](beat).register(f"{name}_result", enable=flags["valid"], reset=x.reset)
    out = flags.after(f"{name}_result", 1)
    return passed_on(x, name, type, data, out["valid"], out["last"])
