"""Records every top pin on every cycle, from the first cycle on, for replay by another simulator.

The file is a numpy ``.npz`` that needs nothing of ours to be read. For each pin ``p`` of ``b`` bits it holds ``p`` and
``p.unknown``, uint8 of shape (cycles, ceil(b / 8)): the bits of every cycle, little-endian bytes, and a one wherever
the bit was X or Z (the bit itself is then 0). ``pins`` lists the names, ``bits`` their widths, ``inputs`` which of
them are driven. A cycle is sampled in its middle, after its rising edge: registers already show their new state,
inputs are those which the next rising edge will see.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import numpy.typing as npt

Octets = npt.NDArray[np.uint8]
CHUNK_CYCLES = 4096


class Recorder:
    """Collects one line of binary digits per cycle: the pins one after the other, each from its highest bit down.

    Args:
        pins: width of each pin by name, in the order of the line.
        inputs: names of the pins that are driven.
    """

    def __init__(self, pins: Mapping[str, int], inputs: list[str]) -> None:
        self.cycles = 0
        self._pins = dict(pins)
        self._inputs = inputs
        self._lines: list[str] = []
        self._chunks: dict[str, list[Octets]] = {key: [] for name in pins for key in (name, f"{name}.unknown")}

    def add(self, line: str) -> None:
        """One more cycle."""
        self._lines.append(line)
        self.cycles += 1
        if len(self._lines) >= CHUNK_CYCLES:
            self._pack()

    def save(self, path: Path) -> None:
        """Write all cycles so far."""
        self._pack()
        arrays: dict[str, npt.NDArray[np.generic]] = {
            key: np.concatenate(chunks) if chunks else np.zeros((0, 0), np.uint8)
            for key, chunks in self._chunks.items()
        }
        arrays["pins"] = np.array(list(self._pins))
        arrays["bits"] = np.array(list(self._pins.values()))
        arrays["inputs"] = np.array(self._inputs)
        # What np.savez_compressed does, five times as fast.
        with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)

    def _pack(self) -> None:
        if not self._lines:
            return
        characters = np.frombuffer("".join(self._lines).encode(), np.uint8).reshape(len(self._lines), -1)
        start = 0
        for name, bits in self._pins.items():
            pin = characters[:, start : start + bits][:, ::-1]
            start += bits
            one = pin == ord("1")
            self._chunks[name].append(np.packbits(one, axis=1, bitorder="little"))
            self._chunks[f"{name}.unknown"].append(np.packbits(~one & (pin != ord("0")), axis=1, bitorder="little"))
        self._lines.clear()


class Recording:
    """A recording read back."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self._arrays: dict[str, Octets] = {key: file[key] for key in file.files}
        self.pins = {
            str(name): int(bits) for name, bits in zip(self._arrays["pins"], self._arrays["bits"], strict=True)
        }
        self.inputs = [str(name) for name in self._arrays["inputs"]]

    def words(self, pin: str) -> list[int]:
        """The pin on every cycle; unknown bits read 0."""
        return [int.from_bytes(row.tobytes(), "little") for row in self._arrays[pin]]

    def unknown(self, pin: str) -> list[int]:
        """On every cycle, a one for each bit that was X or Z."""
        return self.words(f"{pin}.unknown")
