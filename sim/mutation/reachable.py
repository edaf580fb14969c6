"""Which survivors are no faults in any state that a reset leads to: ABC searches an invariant (property directed
reachability, Bradley 2011), or finds inputs that show the fault.

Registers are taken out of the design and of its mutant, and put around both. They begin as a reset leaves them, each
machine's own reset; a bit that is reset in the design but not in the mutant begins there with anything. Bits that the
design does not reset begin with anything, the same in both; then both take the same inputs, further resets among them,
and a pin that means something must never differ. (What a mutant did to those bits before is no matter: no promised pin
of the design depends on them, as ``sim.formal`` proves of some op kinds, and undefined values show in simulation.) If
the registers too are equal in every state that the design reaches, one copy of them is enough, and the proof is quick:
that is tried first, and then all states, reached or not, by another solver. Inputs that show a fault may begin in a
state that no run leads to: the testbench decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtlgen import Design
from sim.formal.prover import PROVEN, Verdict, run_yosys, search
from sim.mutation.mutants import NO_FAULT, Fault
from sim.mutation.proof import is_equivalent, two_designs

SAME_STATE_S, OWN_STATE_S, LEMMA_S = 4, 8, 20
"""Seconds for the search with one copy of the registers, with two, and for a lemma."""
_PINS = ("frame_error", "s_axis_tready", "m_axis_tvalid")
_DATA = ("m_axis_tlast", "m_axis_tdata")


def lemma_holds(design: Design, folder: Path) -> bool:
    """Whether this is proven of the design without a fault: its output FIFO never reads the word that is written.

    That follows from how full buffers are, and is hard to find anew in each search.
    """
    machine = _Machine.of(design, NO_FAULT, folder)
    miter = machine.miter(same_state=True, bad="!lemma")
    return _search(machine.netlist, miter, "lemma", folder, LEMMA_S).kind == PROVEN


def decide(design: Design, fault: Fault, folder: Path, lemma: bool = False) -> Verdict:
    """Search for a proof, or for inputs that show the fault.

    Args:
        design: that ``make_mutants`` has written a netlist of.
        fault: which.
        folder: of that netlist.
        lemma: whether ``lemma_holds``.

    Raises:
        FileNotFoundError: if yosys or ABC is missing.
        ToolError: if one of them fails.
    """
    machine, given = _Machine.of(design, fault, folder), "lemma && " if lemma else ""
    if machine.resets_alike:
        miter = machine.miter(same_state=True, bad=given + "(pins || states)")
        quick = _search(machine.netlist, miter, f"same{fault.mutant}", folder, SAME_STATE_S)
        if quick.kind == PROVEN or is_equivalent(design.name, fault, folder):
            return Verdict(PROVEN)
    miter = machine.miter(same_state=False, bad=given + "pins")
    return _search(machine.netlist, miter, f"own{fault.mutant}", folder, OWN_STATE_S)


def words_of(verdict: Verdict) -> tuple[int, ...]:
    """The words of the input beats in the cycles of a witness, a line a bit: ``s_axis_tdata[3]@7=1``."""
    words: dict[int, int] = {}
    pattern = r"^(s_axis_tvalid|s_axis_tdata)(?:\[(\d+)\])?@(\d+)=1$"
    for name, bit, cycle in re.findall(pattern, verdict.witness, re.MULTILINE):
        key = 2 * int(cycle) + (name == "s_axis_tvalid")
        words[key] = words.get(key, 0) | 1 << int(bit or 0)
    return tuple(words.get(key - 1, 0) for key in sorted(words) if key % 2)


@dataclass(frozen=True)
class _Machine:
    """A design and its mutant without their registers, the modules ``gold`` and ``gate`` of ``netlist``.

    Args:
        netlist: RTLIL.
        inputs, outputs: of the design, with bits.
        registers: bits by name; of each there are ports ``name.q``, ``name.d`` and ``name.c``.
        reset_to: by side their bits after a reset, the lowest first; ``x`` where it does not set them.
        written: the register or wire that says that a beat comes to the output FIFO.
    """

    netlist: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    registers: dict[str, int]
    reset_to: dict[str, dict[str, str]]
    written: str

    @classmethod
    def of(cls, design: Design, fault: Fault, folder: Path) -> _Machine:
        netlist, description = f"machine{fault.mutant}.il", f"machine{fault.mutant}.json"
        lines = [
            *two_designs(design.name, fault),
            "expose -evert-dff gold; expose -evert-dff gate",
            f"write_rtlil {netlist}",
            *(f"cd {side}; connect -set reset 1'1; cd ..; opt -full {side}" for side in ("gold", "gate")),
            f"write_json {description}",
        ]
        run_yosys(lines, f"machine{fault.mutant}", folder)
        modules = json.loads((folder / description).read_text())["modules"]
        ports: dict[str, Any] = modules["gold"]["ports"]
        bits = {name: len(port["bits"]) for name, port in ports.items()}
        registers = {name[:-2]: bits[name] for name in ports if name.endswith(".q")}
        inputs = {
            name: bits[name]
            for name, port in ports.items()
            if port["direction"] == "input" and name.removesuffix(".q") not in registers and name != "clk"
        }
        reset_to = {side: _reset_to(modules[side]["ports"], registers) for side in ("gold", "gate")}
        outputs = {name: bits[name] for name in (*_PINS, *_DATA)}
        written = f"{design.ports['streams'][-1]['prefix']}_valid"
        return cls(netlist, inputs, outputs, registers, reset_to, written)

    def miter(self, *, same_state: bool, bad: str) -> str:
        """Verilog around both whose output is ``bad``, an expression of ``lemma``, ``pins`` and ``states``.

        ``pins``: one that means something differs; ``states``: what a register becomes differs.
        """
        numbered = list(enumerate(self.registers.items()))
        ports = ["clk", "level", *(_declared(name, bits) for name, bits in self.inputs.items())]
        ports += [f"[{bits} - 1:0] {what}{n}" for n, (_, bits) in numbered for what in ("first", "other")]
        lines = [f"module miter({', '.join(f'input {port}' for port in ports)}, output bad);"]
        lines += ["    reg begins = 1;"]
        for side in ("gold", "gate"):
            lines += [f"    wire [{bits} - 1:0] {side}_{name};" for name, bits in self.outputs.items()]
            lines += [f"    wire [{bits} - 1:0] {side}_d{n}; wire {side}_c{n};" for n, (_, bits) in numbered]
            state = "gold" if same_state else side
            pins = [".clk(level)", *(f".\\{name} ({name})" for name in self.inputs)]
            pins += [f".\\{name} ({side}_{name})" for name in self.outputs]
            if self.written not in self.registers:
                lines += [f"    wire {side}_written;"]
                pins += [f".\\{self.written} ({side}_written)"]
            for n, (name, _) in numbered:
                pins += [f".\\{name}.q ({state}_q{n})", f".\\{name}.d ({side}_d{n})", f".\\{name}.c ({side}_c{n})"]
            if state == side:
                lines += [
                    f"    reg [{bits} - 1:0] {side}_q{n} = {bits}'b{self.reset_to[side][name][::-1].replace('x', '0')};"
                    for n, (name, bits) in numbered
                ]
                starts = [self._start(side, name, n) for n, (name, _) in numbered]
                loads = "".join(f" {side}_q{n} <= begins ? {start} : {side}_d{n};" for n, start in enumerate(starts))
                lines += [f"    always @(posedge clk) begin{loads} end"]
            lines += [f"    {side} {side}_({', '.join(pins)});"]
        clocks = [f"gold_c{n} != gate_c{n}" for n, _ in numbered]
        outside = [f"gold_{name} != gate_{name}" for name in _PINS]
        outside += [f"gold_m_axis_tvalid && gold_{name} != gate_{name}" for name in _DATA]
        inside = [f"gold_d{n} != gate_d{n}" for n, _ in numbered]
        lines += [
            f"    wire lemma = {self._lemma()};",
            f"    wire pins = {_any([*clocks, *outside])};",
            f"    wire states = {_any(inside)};",
            "    always @(posedge clk) begins <= 0;",
            f"    assign bad = !begins && ({bad});",
            "endmodule",
        ]
        return "\n".join(lines) + "\n"

    def _lemma(self) -> str:
        """The output FIFO is empty, or the word that is written is not the next one to be read."""
        places = {name: n for n, name in enumerate(self.registers)}
        names = [f"m_axis_{part}" for part in ("filled", "write_address", "read_address")]
        if any(name not in places for name in names):
            return "1'b1"
        filled, write, read = (f"gold_q{places[name]}" for name in names)
        written = f"gold_q{places[self.written]}" if self.written in places else "gold_written"
        return f"{filled} == 0 || !{written} || {write} != {read}"

    @property
    def resets_alike(self) -> bool:
        """Whether a reset leaves both in the same state, as far as it sets the design's."""
        pairs = ((own, self.reset_to["gate"][name]) for name, own in self.reset_to["gold"].items())
        return all(a in ("x", b) for own, other in pairs for a, b in zip(own, other, strict=True))

    def _start(self, side: str, name: str, number: int) -> str:
        """Of a register: the bits that a reset gives it, the others from inputs."""
        bits = []
        for i, (design, own) in enumerate(zip(self.reset_to["gold"][name], self.reset_to[side][name], strict=True)):
            if design == "x":
                bits.append(f"first{number}[{i}]")
            else:
                bits.append(f"other{number}[{i}]" if own == "x" else f"1'b{own}")
        return f"{{{', '.join(reversed(bits))}}}"


def _reset_to(ports: dict[str, Any], registers: Iterable[str]) -> dict[str, str]:
    return {
        name: "".join(bit if bit in ("0", "1") else "x" for bit in ports[f"{name}.d"]["bits"]) for name in registers
    }


def _any(terms: list[str]) -> str:
    return " || ".join(f"({term})" for term in terms) or "1'b0"


def _declared(name: str, bits: int) -> str:
    return f"[{bits} - 1:0] {name}"


def _search(netlist: str, miter: str, name: str, folder: Path, time_s: int) -> Verdict:
    (folder / f"{name}.v").write_text(miter)
    return search([f"read_rtlil {netlist}; read_verilog {name}.v"], "miter", name, folder, time_s)
