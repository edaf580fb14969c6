"""Which survivors are no faults in any state that a reset leads to: ABC searches an invariant (property directed
reachability, Bradley 2011), or finds inputs that show the fault.

Registers are taken out of the design and of its mutant, and put around both. They begin as a reset leaves them, those
that it does not reach with anything, the same in both; then both take the same inputs, further resets among them, and a
pin that means something must never differ. (What a mutant did to the latter registers before is no matter: no promised
pin of the design depends on them, or the testbench would have seen undefined values.) If the registers too are equal in
every state that the design reaches, one copy of them is enough, and the proof is quick: that is tried first.
Then all states are, reached or not, by another solver.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.mutation.mutants import Fault
from sim.mutation.proof import is_equivalent, two_designs
from sim.synthesis.yosys import PROGRAM
from sim.tools import ToolError, run_tool

ABC = "berkeley-abc"
PROVEN, KILLABLE, UNDECIDED = "proven", "killable", "undecided"
SAME_STATE_S, OWN_STATE_S = 6, 24
"""Seconds for the search with one copy of the registers, and with two."""
_PROVED, _FAILED = "Property proved", "was asserted in frame"
_PINS = ("frame_error", "s_axis_tready", "m_axis_tvalid")
_DATA = ("m_axis_tlast", "m_axis_tdata")


@dataclass(frozen=True)
class Verdict:
    """What becomes of a fault after a reset.

    Args:
        kind: ``PROVEN`` to be without effect, ``KILLABLE`` or ``UNDECIDED``.
        words: of input beats, in the order of cycles, that show the fault if it is killable.
    """

    kind: str
    words: tuple[int, ...] = ()


def decide(top: str, fault: Fault, folder: Path) -> Verdict:
    """Search for a proof, or for inputs that show the fault.

    Args:
        top: module of the netlist that ``make_mutants`` has written.
        fault: which.
        folder: of that netlist.

    Raises:
        FileNotFoundError: if yosys or ABC is missing.
    """
    try:
        machine = _Machine.of(top, fault, folder)
        quick = _search(machine.miter(same_state=True), f"same{fault.mutant}", folder, SAME_STATE_S)
        if quick.kind == PROVEN:
            return quick
        if is_equivalent(top, fault, folder):
            return Verdict(PROVEN)
        return _search(machine.miter(same_state=False), f"own{fault.mutant}", folder, OWN_STATE_S)
    except ToolError:
        return Verdict(UNDECIDED)


@dataclass(frozen=True)
class _Machine:
    """A design and its mutant without their registers, the modules ``gold`` and ``gate`` of ``netlist``.

    Args:
        netlist: RTLIL.
        inputs, outputs: of the design, with bits.
        registers: bits by name; of each there are ports ``name.q``, ``name.d`` and ``name.c``.
        reset_to: their bits after a reset, the lowest first; ``x`` where it does not matter to them.
    """

    netlist: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    registers: dict[str, int]
    reset_to: dict[str, str]

    @classmethod
    def of(cls, top: str, fault: Fault, folder: Path) -> _Machine:
        netlist, description = f"machine{fault.mutant}.il", f"machine{fault.mutant}.json"
        lines = [
            *two_designs(top, fault),
            "expose -evert-dff gold; expose -evert-dff gate",
            f"write_rtlil {netlist}",
            "cd gold; connect -set reset 1'1; cd ..; opt -full gold",
            f"write_json {description}",
        ]
        _run(lines, f"machine{fault.mutant}", folder)
        ports: dict[str, Any] = json.loads((folder / description).read_text())["modules"]["gold"]["ports"]
        bits = {name: len(port["bits"]) for name, port in ports.items()}
        registers = {name[:-2]: bits[name] for name in ports if name.endswith(".q")}
        inputs = {
            name: bits[name]
            for name, port in ports.items()
            if port["direction"] == "input" and name.removesuffix(".q") not in registers and name != "clk"
        }
        reset_to = {
            name: "".join(bit if bit in ("0", "1") else "x" for bit in ports[f"{name}.d"]["bits"]) for name in registers
        }
        outputs = {name: bits[name] for name in (*_PINS, *_DATA)}
        return cls(netlist, inputs, outputs, registers, reset_to)

    def miter(self, *, same_state: bool) -> tuple[str, str]:
        """The netlist, and Verilog around it whose output ``bad`` tells a difference."""
        numbered = list(enumerate(self.registers.items()))
        ports = ["clk", "level", *(_declared(name, bits) for name, bits in self.inputs.items())]
        ports += [f"[{bits} - 1:0] first{n}" for n, (_, bits) in numbered]
        lines = [f"module miter({', '.join(f'input {port}' for port in ports)}, output bad);"]
        lines += ["    reg begins = 1;"]
        lines += [f"    wire [{bits} - 1:0] start{n} = {self._start(name, n)};" for n, (name, bits) in numbered]
        for side in ("gold", "gate"):
            lines += [f"    wire [{bits} - 1:0] {side}_{name};" for name, bits in self.outputs.items()]
            lines += [f"    wire [{bits} - 1:0] {side}_d{n}; wire {side}_c{n};" for n, (_, bits) in numbered]
            state = "gold" if same_state else side
            pins = [".clk(level)", *(f".\\{name} ({name})" for name in self.inputs)]
            pins += [f".\\{name} ({side}_{name})" for name in self.outputs]
            for n, (name, _) in numbered:
                pins += [f".\\{name}.q ({state}_q{n})", f".\\{name}.d ({side}_d{n})", f".\\{name}.c ({side}_c{n})"]
            if state == side:
                lines += [
                    f"    reg [{bits} - 1:0] {side}_q{n} = {bits}'b{self.reset_to[name][::-1].replace('x', '0')};"
                    for n, (name, bits) in numbered
                ]
                loads = "".join(f" {side}_q{n} <= begins ? start{n} : {side}_d{n};" for n, _ in numbered)
                lines += [f"    always @(posedge clk) begin{loads} end"]
            lines += [f"    {side} {side}_({', '.join(pins)});"]
        differs = [f"gold_c{n} != gate_c{n}" for n, _ in numbered]
        differs += [f"gold_{name} != gate_{name}" for name in _PINS]
        differs += [f"gold_m_axis_tvalid && gold_{name} != gate_{name}" for name in _DATA]
        if same_state:  # and then it stays the same
            differs += [f"gold_d{n} != gate_d{n}" for n, _ in numbered]
        lines += [
            "    always @(posedge clk) begins <= 0;",
            f"    assign bad = !begins && ({' || '.join(f'({term})' for term in differs)});",
            "endmodule",
        ]
        return self.netlist, "\n".join(lines) + "\n"

    def _start(self, name: str, number: int) -> str:
        """Of a register: the bits that a reset gives it, the others from an input."""
        bits = [f"first{number}[{i}]" if bit == "x" else f"1'b{bit}" for i, bit in enumerate(self.reset_to[name])]
        return f"{{{', '.join(reversed(bits))}}}"


def _declared(name: str, bits: int) -> str:
    return f"[{bits} - 1:0] {name}"


def _search(miter: tuple[str, str], name: str, folder: Path, time_s: int) -> Verdict:
    netlist, verilog = miter
    (folder / f"{name}.v").write_text(verilog)
    lines = [
        f"read_rtlil {netlist}; read_verilog {name}.v; hierarchy -check -top miter; proc; flatten; opt -full",
        "techmap; opt -fast; dffunmap; setundef -undriven -zero; aigmap; opt_clean",
        f"write_aiger -zinit -symbols {name}.aig",
    ]
    _run(lines, name, folder)
    log, witness = folder / f"{name}.log", folder / f"{name}.witness"
    commands = f"read_aiger {name}.aig; scorr; pdr -T {time_s}; write_cex -n {witness.name}"
    run_tool([ABC, "-c", commands], cwd=folder, log=log, timeout=4 * time_s)
    text = log.read_text(errors="replace")
    if _PROVED in text:
        return Verdict(PROVEN)
    return Verdict(KILLABLE, _words(witness.read_text())) if _FAILED in text else Verdict(UNDECIDED)


def _words(witness: str) -> tuple[int, ...]:
    """The words of the input beats in the cycles of a witness, a line a bit: ``s_axis_tdata[3]@7=1``."""
    words: dict[int, int] = {}
    for name, bit, cycle in re.findall(r"^(s_axis_tvalid|s_axis_tdata)(?:\[(\d+)\])?@(\d+)=1$", witness, re.MULTILINE):
        words.setdefault(2 * int(cycle) + (name == "s_axis_tvalid"), 0)
        words[2 * int(cycle) + (name == "s_axis_tvalid")] |= 1 << int(bit or 0)
    return tuple(words.get(key - 1, 0) for key in sorted(words) if key % 2)


def _run(lines: list[str], name: str, folder: Path) -> None:
    script = folder / f"{name}.ys"
    script.write_text("\n".join(lines) + "\n")
    run_tool([PROGRAM, "-q", "-s", script.name], cwd=folder, log=folder / f"{name}.out")
