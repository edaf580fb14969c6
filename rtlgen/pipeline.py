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
    data, out = staged(name, beat, Flags({"valid": valid, "last": x.last}, x.reset), steps)
    return passed_on(x, name, type, data, out["valid"], out["last"])


def staged(name: str, beat: HDLTensor, flags: Flags, steps: Sequence[Step]) -> tuple[HDLTensor, Flags]:
    """``beat`` after ``steps`` with a register behind each, and ``flags``, ``valid`` among them, as late as it."""
    for position, step in enumerate(steps[:-1]):
        beat = step(beat).register(f"{name}_stage{position + 1}")
    flags = flags.after(f"{name}_stage", len(steps) - 1)
    data = steps[-1](beat).register(f"{name}_result", enable=flags["valid"], reset=flags.reset)
    return data, flags.after(f"{name}_result", 1)
