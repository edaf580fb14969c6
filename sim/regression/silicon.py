"""What networks take of a device beside what others published: the README's table of silicon.

``python -m sim.regression.silicon [FOLDER]`` simulates and synthesizes every row of ``ROWS``, and prints the table;
``--readme FILE`` puts it there. A folder holds third-party networks; without it the rows of the others are made. What
was synthesized before, with the same Verilog and programs, is not synthesized again. ``--only NETWORK`` makes the rows
of one network, ``--only NETWORK:MULTIPLIERS`` one row, and keeps the others of the file as they stand there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden
import rtlgen
from golden import zoo
from golden.graph import Graph
from rtlgen import Design, Plan
from sim.budget import DEFAULT_MULTIPLIERS
from sim.commands.model_argument import corner_samples
from sim.commands.module_name import module_name
from sim.difference import VerificationError
from sim.regression.in_bulk import check_in_bulk
from sim.regression.mobilenet import mobilenet
from sim.regression.readme import between_markers, put_between_markers
from sim.synthesis.fit import fitting
from sim.synthesis.result import SynthesisError
from sim.synthesis.synthesize import require_tools, synthesize_fastest, target_of
from sim.tools import ToolError

MARKER = "silicon"
TARGET = "ecp5-85k"
HEAD = (
    "network",
    "MACs",
    "multipliers",
    "II (cycles)",
    "latency (cycles)",
    "utilisation",
    "LUT + 2 carry",
    "block RAM",
    "clock (MHz)",
    "inferences/s",
    "published (multipliers)",
)
SAMPLES = 6
"""Extreme samples that are simulated, repeated if the pipeline needs more to become steady."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        network: of the zoo, a file without its suffix, or, with random weights, MobileNet or the sizes of a
            perceptron.
        multipliers: its budget; None for as many as fit on the device, up to the default.
        published: cycles and multipliers of others, for people.
        placements: of which the fastest counts.
    """

    network: str
    multipliers: int | None
    published: str = "-"
    placements: int = 3

    @property
    def is_file(self) -> bool:
        """Whether it has to be imported."""
        return self.network not in (*zoo.NAMES, MOBILENET) and not self.network[0].isdigit()

    def is_meant_by(self, only: str) -> bool:
        """Whether ``--only`` asks for it."""
        return only in (self.network, f"{self.network}:{self.multipliers or 'fit'}")


KWS, RESNET, DIGITS, MOBILENET = "kws_ref_model", "pretrainedResnet_quant", "digits", "mobilenet_025_96"
KWS_PUBLISHED = "269 k cycles (60), 46 k (188)"
RESNET_PUBLISHED = "394 k cycles (78), 59 k (211)"
MOBILENET_PUBLISHED = "1,053 k cycles (189), 144 k (564)"
DIGITS_PUBLISHED = "3,322 cycles (3), 9,340 LUT, 65 MHz"
ROWS = (
    Row(KWS, 64, KWS_PUBLISHED, placements=1),
    Row(KWS, 128, KWS_PUBLISHED, placements=1),
    Row(KWS, 188, KWS_PUBLISHED),
    Row(RESNET, 64, RESNET_PUBLISHED, placements=1),
    Row(RESNET, 128, RESNET_PUBLISHED, placements=1),
    Row(RESNET, 188, RESNET_PUBLISHED),
    Row(MOBILENET, 64, MOBILENET_PUBLISHED, placements=1),
    Row(MOBILENET, 128, MOBILENET_PUBLISHED, placements=1),
    Row(MOBILENET, 188, MOBILENET_PUBLISHED),
    Row("ad01_int8", None, placements=1),
    Row("micro_speech_quantized", 64, placements=1),
    Row("hello_world_int8", 64),
    Row("144-18-10", 20, "192 cycles (168), 7,846 LUT, 16 MHz"),
    Row(DIGITS, 2, DIGITS_PUBLISHED),
    Row(DIGITS, 16, DIGITS_PUBLISHED),
    Row(DIGITS, 64, DIGITS_PUBLISHED),
)


def graph_of(row: Row, folder: Path | None) -> Graph:
    """The network of a row.

    Raises:
        OSError, ValueError, NotImplementedError: if its file is missing or cannot be imported.
    """
    if row.network in zoo.NAMES:
        return zoo.load(row.network).graph
    if row.network == MOBILENET:
        return mobilenet()
    if row.is_file:
        return golden.from_tflite((folder or Path()) / f"{row.network}.tflite")
    inputs, hidden, outputs = map(int, row.network.split("-"))
    model = golden.Sequential(
        [golden.Linear(inputs, hidden, seed=0), golden.ReLU(), golden.Linear(hidden, outputs, seed=1)]
    )
    return golden.quantize(model, calibration=np.random.default_rng(0).normal(size=(256, inputs)))


def design_of(row: Row, graph: Graph) -> Design:
    """The hardware of a row.

    Raises:
        ValueError, NotImplementedError: if there is none, or none that fits.
    """
    name = module_name(row.network if row.network[0].isalpha() else f"mlp_{row.network}")
    if row.multipliers is None:
        return fitting(graph, target_of(TARGET), DEFAULT_MULTIPLIERS, name)
    return rtlgen.generate(graph, row.multipliers, name=name)


def measure(row: Row, folder: Path | None) -> str:
    """The line of a row: cycles from simulation, the rest from synthesis where the device has enough multipliers.

    Raises:
        VerificationError: if the Verilog gives another value, or on another cycle, than golden and the plan say.
        OSError, ValueError, NotImplementedError, ToolError: if it cannot be made.
        SynthesisError: if synthesis made something else than what was planned.
    """
    design = design_of(row, graph_of(row, folder))
    check_in_bulk(design, corner_samples(design.graph.input_type, SAMPLES, seed=0))
    device = target_of(TARGET)
    found: Mapping[str, Any] | None = None
    if design.plan.multipliers <= device.available["multiplier"]:
        found = synthesize_fastest(design, device, row.placements).as_json()
    return line(row, design.plan, found)


def line(row: Row, plan: Plan, found: Mapping[str, Any] | None) -> str:
    """The line of a row in Markdown.

    Args:
        row: what was asked for.
        plan: what was simulated.
        found: what was synthesized, as of ``Synthesis.as_json``; None if the device has too few multipliers.
    """
    cycles = [f"{plan.macs:,}", plan.multipliers, f"{plan.ii_cycles:,}", f"{plan.latency_cycles:,}"]
    share = plan.macs / plan.ii_cycles / plan.multipliers
    silicon = ["-"] * 4
    if found:
        sites = found["luts"] + 2 * found["carries"]
        silicon = [f"{sites:,}", found["block_rams"], found["clock_mhz"], f"{found['samples_per_s']:,}"]
    return f"| {' | '.join(map(str, [row.network, *cycles, f'{share:.0%}', *silicon, row.published]))} |"


def markdown(lines: Sequence[str]) -> str:
    """The table."""
    return "\n".join([f"| {' | '.join(HEAD)} |", f"|---|{'--:|' * (len(HEAD) - 2)}---|", *lines])


def kept(table: str, rows: Sequence[Row], only: Sequence[str]) -> dict[Row, str]:
    """The lines of a table that stay as they are, by row: those that ``only`` does not ask for.

    A line says how many multipliers there are, not how many were allowed: lines belong to rows by network and order.
    Of a network without lines there is nothing to keep.

    Raises:
        ValueError: if ``only`` asks for what is no row, or would leave a row with another's line.
    """
    unknown = [name for name in only if not any(row.is_meant_by(name) for row in rows)]
    if unknown:
        names = ", ".join(dict.fromkeys(row.network for row in rows))
        raise ValueError(f"--only takes a network of the table or NETWORK:MULTIPLIERS, not {unknown[0]!r}: {names}")
    found: dict[Row, str] = {}
    lines = [line for line in table.splitlines()[2:] if line]
    for network in dict.fromkeys(row.network for row in rows):
        of_network = [row for row in rows if row.network == network]
        there = [line for line in lines if line.split("|")[1].strip() == network]
        stay = [row for row in of_network if not any(map(row.is_meant_by, only))]
        if stay and there and len(there) != len(of_network):
            raise ValueError(
                f"{network} has {len(there)} lines in the file and {len(of_network)} rows: make all of them"
            )
        found |= {row: line for row, line in zip(of_network, there, strict=False) if row in stay}
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: exit status 0 for a table, 1 where hardware is not as it has to be, 2 for what cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.silicon", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="with third-party networks, NAME.tflite")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table into FILE, between its markers")
    help = "make only these rows; with --readme, the others stay as they are; may be repeated"
    parser.add_argument("--only", action="append", default=[], metavar="NETWORK[:MULTIPLIERS]", help=help)
    options = parser.parse_args(arguments)
    try:
        require_tools(target_of(TARGET))
        table = between_markers(options.readme, MARKER) if options.readme else ""
        stays = kept(table, ROWS, options.only) if options.only and options.readme else {}
        lines = []
        for row in ROWS:
            if row in stays:
                lines.append(stays[row])
                continue
            if options.only and not any(map(row.is_meant_by, options.only)):
                continue
            if options.folder is None and row.is_file:
                print(f"{row.network}: no folder was given to find it in", file=sys.stderr)
                continue
            lines.append(measure(row, options.folder))
            print(lines[-1], file=sys.stderr, flush=True)
        if options.readme:
            put_between_markers(options.readme, MARKER, markdown(lines))
    except (VerificationError, SynthesisError) as error:
        print(f"{row.network}: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError, NotImplementedError, ToolError) as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
