"""What streams, resets and buffers have to have shown: declared here, collected by the testbench.

Of every stream, and of every buffer:

flow
    ``moves``: a beat; ``starved``: its taker waits amid a tensor; ``held up``: there is no room behind it. A port is
    held up where valid waits for ready.
reset
    It came when the stream had carried nothing yet, amid a tensor, or between two of them, while there was work to do;
    and when it was held up.
buffer
    ``full``: no room for what its maker makes next; ``drained``: empty again after something was inside.
buffer at a reset
    When a reset came while there was work to do: nothing was inside, something, or there was no room as above.

Of every sample that came out right, whether anybody paused meanwhile, and what was before it: ``CONTEXTS``.

What happens on some cycle or other, and no test of it on that cycle, is collected in Verilog: it costs Python nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from verif.ports import Ports, StreamPort
from verif.stream import MOVES, STALLED, Monitor

FLOW, RESET, BUFFER, BUFFER_AT_RESET = "flow", "reset", "buffer", "buffer at a reset"
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    FLOW: ("moves", "starved", "held up"),
    RESET: ("before its first beat", "amid a tensor", "between tensors", "held up"),
    BUFFER: ("full", "drained"),
    BUFFER_AT_RESET: ("empty", "filled", "full"),
}
"""The bins of each property."""

FULL_SPEED, STALLED_CONTEXT, BEHIND_RESET = "at full speed", "under stalls", "behind a reset"
CONTEXTS = (FULL_SPEED, STALLED_CONTEXT, BEHIND_RESET)
"""How a sample went through the network: whether source or sink paused since the one before it came out; and, besides,
that the last reset before it broke something off, of which some beat was inside."""

Found = dict[str, dict[str, dict[str, int]]]
"""By stream or layer, property and bin: how often; 1 for what is only known to have happened."""

_TEMPLATE = """\
  // Sticky: there was no room behind a stream; a buffer was full; it was empty again after something was inside.
  wire [{streams} - 1:0] crowded = {{{crowded}}};
  reg [{streams} - 1:0] was_crowded = 0;
  reg [{buffers} - 1:0] was_full = 0, was_drained = 0, filled = 0;
  wire [{buffers} - 1:0] full = {{{full}}};
  wire [{buffers} - 1:0] busy = {{{busy}}};
{declared}  reg was_reset = 1'b0;
  always @(posedge clk) was_reset <= control[3];
  always @(negedge clk) begin
    if (control[3]) begin
      filled <= 0;
      if (was_reset) begin  // what a register of room holds behind a reset is the room of an empty buffer
{captured}      end
    end else begin
      was_crowded <= was_crowded | crowded;
      was_full <= was_full | full;
      filled <= filled | busy;
      was_drained <= was_drained | (filled & ~busy);
    end
  end

"""


def verilog(ports: Ports) -> str:
    """What the bench adds around a design with these ports, to be put after its instance ``dut``."""
    buffers = ports.buffers
    return _TEMPLATE.format(
        streams=max(1, len(roomy(ports))),
        buffers=max(1, len(buffers)),
        # The first one is the lowest bit. A wire that is not known is not low, and says nothing.
        crowded=_bits(f"dut.{port.room} === 1'b0" for port in roomy(ports)),
        full=_bits(f"dut.{buffer.left}[{buffer.bits - 1}] === 1'b1" for buffer in buffers),
        busy=_bits(
            f"($signed(dut.{buffer.left}) < $signed(empty_{place})) === 1'b1" for place, buffer in enumerate(buffers)
        ),
        declared="".join(f"  reg [{buffer.bits - 1}:0] empty_{place};\n" for place, buffer in enumerate(buffers)),
        captured="".join(f"        empty_{place} <= dut.{buffer.left};\n" for place, buffer in enumerate(buffers)),
    )


def _bits(terms: Any) -> str:
    return ", ".join(f"({term})" for term in reversed(list(terms))) or "1'b0"


def roomy(ports: Ports) -> list[StreamPort]:
    """The streams that say whether there is room behind them; a port of the top says it by ready."""
    return [port for port in ports.streams if port.room]


class Collector:
    """Collects the bins of a run.

    Args:
        dut: handle of the bench module.
        ports: of the design.
        watched: whether the bench has what ``verilog`` adds.
    """

    def __init__(self, dut: Any, ports: Ports, watched: bool) -> None:
        self._ports, self._dut, self._watched = ports, dut, watched
        self._found: Found = {}

    def reset(self, monitors: list[Monitor]) -> None:
        """A reset comes while there is work to do."""
        crowded = self._read("crowded", len(roomy(self._ports)))
        held = {port.prefix for port, bit in zip(roomy(self._ports), crowded, strict=True) if bit}
        for monitor in monitors:
            prefix = monitor.port.prefix
            if monitor.beat:
                _add(self._found, prefix, RESET, "amid a tensor")
            else:
                bin = "between tensors" if monitor.tensors else "before its first beat"
                _add(self._found, prefix, RESET, bin)
            if prefix in held or (monitor.port.top and monitor.handshake == STALLED):
                _add(self._found, prefix, RESET, "held up")
        buffers = self._ports.buffers if self._watched else []
        full, busy = (self._read(wire, len(buffers)) for wire in ("full", "busy"))
        for buffer, is_full, is_busy in zip(buffers, full, busy, strict=True):
            _add(self._found, buffer.layer, BUFFER_AT_RESET, "full" if is_full else "filled" if is_busy else "empty")

    def found(self, monitors: list[Monitor]) -> Found:
        """All bins so far, with their counts."""
        found = copy.deepcopy(self._found)
        for monitor in monitors:
            prefix = monitor.port.prefix
            _add(found, prefix, FLOW, "moves", monitor.counts[MOVES])
            _add(found, prefix, FLOW, "starved", monitor.starved)
            if monitor.port.top:
                _add(found, prefix, FLOW, "held up", monitor.counts[STALLED])
        for port, bit in zip(roomy(self._ports), self._read("was_crowded", len(roomy(self._ports))), strict=True):
            _add(found, port.prefix, FLOW, "held up", bit)
        for wire, bin in (("was_full", "full"), ("was_drained", "drained")):
            for buffer, bit in zip(self._ports.buffers, self._read(wire, len(self._ports.buffers)), strict=True):
                _add(found, buffer.layer, BUFFER, bin, bit)
        return found

    def _read(self, wire: str, count: int) -> list[int]:
        """Bits of a wire of the bench, the lowest first; zeros where it is not watched."""
        if not self._watched:
            return [0] * count
        digits = str(getattr(self._dut, wire).get())[::-1]
        return [int(digits[place] == "1") for place in range(count)]


def _add(found: Found, place: str, property: str, bin: str, count: int = 1) -> None:
    """A stream or layer has hit a bin so often more."""
    if count:
        bins = found.setdefault(place, {}).setdefault(property, {})
        bins[bin] = bins.get(bin, 0) + count
