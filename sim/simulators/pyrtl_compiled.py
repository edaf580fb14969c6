"""PyRTL's simulation as a C program: the same meaning, fifty times the speed once gcc is through with it.

PyRTL 1.0.3 can do it, but its ``run`` gives the first step's values for every step, it shows no wires inside, and its
compiler cannot be stopped. This takes the C code that it writes, and does the rest by itself.
"""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyrtl
from pyrtl.compilesim import CompiledSimulation

from sim.budget import SPEEDS
from sim.scratch import scratch_folder
from sim.tools import run_tool

Limbs = npt.NDArray[np.uint64]
"""Words of a wire, shape (cycles, limbs): 64 bits a limb, the lowest first."""

WATCHED = "watched_"
INTERPRETED_NET_CYCLES_PER_S = 13e6
"""Of ``pyrtl.FastSimulation``, which starts at once."""


def is_worth_compiling(block: pyrtl.Block, cycles: int) -> bool:
    """Whether compiling the block saves more time than it takes, by its size; and whether there is gcc."""
    speed, nets = SPEEDS["pyrtl"], len(block.logic)
    interpreted_s = cycles * nets / INTERPRETED_NET_CYCLES_PER_S
    return interpreted_s > 2 * speed.time_s(nets, cycles) and shutil.which("gcc") is not None


class CompiledBlock:
    """A block as a C program that steps through cycles; close it when it is not needed any more.

    Args:
        block: what to simulate; it is not changed.
        watched: names of wires to see besides the outputs.

    Raises:
        FileNotFoundError, ToolError: if there is no gcc, or it fails.
    """

    def __init__(self, block: pyrtl.Block, watched: Iterable[str] = ()) -> None:
        self._stack = ExitStack()
        # An output is seen anyway, and cannot be what another one is made of.
        names = set(watched) - {wire.name for wire in block.wirevector_subset(pyrtl.Output)}
        try:
            folder = self._stack.enter_context(scratch_folder("compiled"))
            self._program = _Program(_with_outputs(block, names) if names else block, folder)
        except BaseException:
            self._stack.close()
            raise
        self._start = {name: (place.start, place.length) for name, place in self._program._outputs_metadata.items()}
        self._start |= {name: self._start[WATCHED + name] for name in names}
        self._inputs = np.zeros(self._program._inputs_array_length, dtype=np.uint64)
        self._outputs = np.zeros(self._program._outputs_array_length, dtype=np.uint64)
        self._run = self._program._dll.sim_run_all
        self._run.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
        self._addresses = self._inputs.ctypes.data, self._outputs.ctypes.data

    def __enter__(self) -> CompiledBlock:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove its files."""
        self._stack.close()

    def step(self, pins: Mapping[str, int]) -> None:
        """One cycle; pins that are not named stay as they are."""
        for name, value in pins.items():
            place = self._program._inputs_metadata[name]
            for limb in range(place.length):
                self._inputs[place.start + limb] = value >> (64 * limb) & 0xFFFF_FFFF_FFFF_FFFF
        self._run(1, *self._addresses)

    def inspect(self, name: str) -> int:
        """An output or a watched wire in the cycle of the last step."""
        start, length = self._start[name]
        if length == 1:
            return int(self._outputs[start])
        return int.from_bytes(self._outputs[start : start + length].tobytes(), "little")

    def run(self, columns: Mapping[str, Limbs], names: Sequence[str]) -> dict[str, Limbs]:
        """Step through all cycles of ``columns``, one for each input; what ``names`` are on each of them."""
        cycles = len(next(iter(columns.values())))
        inputs = np.zeros((cycles, len(self._inputs)), dtype=np.uint64)
        outputs = np.zeros((cycles, len(self._outputs)), dtype=np.uint64)
        for name, words in columns.items():
            place = self._program._inputs_metadata[name]
            inputs[:, place.start : place.start + place.length] = words
        self._run(cycles, inputs.ctypes.data, outputs.ctypes.data)
        return {name: outputs[:, start : start + length] for name in names for start, length in [self._start[name]]}


class _Program(CompiledSimulation):  # type: ignore[misc]
    """PyRTL's C code, compiled in a folder of ours by a gcc that ends when we do."""

    def __init__(self, block: pyrtl.Block, folder: Path) -> None:
        self._folder = folder
        output = next(iter(block.wirevector_subset(pyrtl.Output)))
        super().__init__(tracer=pyrtl.SimulationTrace([output], block=block), block=block)

    def _create_dll(self) -> None:
        source, library = self._folder / "pyrtlsim.c", self._folder / "pyrtlsim.so"
        with source.open("w") as file:
            self._create_code(lambda line: file.write(f"{line}\n"))
        run_tool(["gcc", "-O1", "-std=c99", "-shared", "-fPIC", source.name, "-o", library.name], cwd=self._folder)
        self._dll: Any = ctypes.CDLL(str(library.absolute()))
        self._initialize_mems: Callable[[], None] = self._dll.initialize_mems


def _with_outputs(block: pyrtl.Block, names: Iterable[str]) -> pyrtl.Block:
    """A copy of the block in which the named wires are outputs, too, called ``watched_...``."""
    copy = pyrtl.copy_block(block, update_working_block=False)
    with pyrtl.set_working_block(copy, no_sanity_check=True):
        for name in sorted(names):
            wire = copy.wirevector_by_name[name]
            output = pyrtl.Output(len(wire), name=WATCHED + name)
            output <<= wire
    return copy
