"""The check of a case: golden, PyRTL and what else is asked agree on every layer, and the plan on every cycle."""

from __future__ import annotations

import numpy as np

import rtlgen
from golden.graph import Graph
from golden.types import IntArray
from rtlgen import Design
from rtlgen.occupancy import steady_samples
from sim import witnesses
from sim.difference import Difference, VerificationError, first_difference, first_layer_difference, in_network
from sim.fuzzing.case import Case
from sim.scratch import scratch_folder
from sim.simulators.pyrtl_simulator import run_with_taps
from sim.synthesis.netlist_simulator import NetlistIcarus
from sim.synthesis.targets import ECP5
from sim.synthesis.yosys import run_yosys
from sim.verify import verify

MOST_STEADY_SAMPLES, MOST_AHEAD_SAMPLES = 24, 200
"""That the pipeline is filled with at most; that catch up with a late one, after which two more are looked at."""


class RefusedError(Exception):
    """There is no hardware for a network, and that is said of a layer by its name."""


def check(case: Case) -> Design:
    """The design, which is equal.

    Raises:
        RefusedError: where there is no hardware.
        VerificationError: where witnesses differ.
        Exception: whatever else goes wrong is wrong, too.
    """
    tensors = case.graph.trace(case.x)
    for name, values in tensors.items():
        case.graph.types[name].check(values, f"the tensor {name!r}")
    try:
        design = rtlgen.generate(case.graph, **case.folding)
    except NotImplementedError as error:
        if not names_a_layer(error, case.graph):
            raise
        raise RefusedError(str(error)) from error
    try:
        _ask(case, design, tensors[case.graph.outputs[0]])
    except VerificationError as error:
        raise VerificationError(in_network(design, error.difference)) from error
    return design


def names_a_layer(error: BaseException, graph: Graph) -> bool:
    """Whether message or notes of an error have the name of a layer in quotes."""
    said = "\n".join([str(error), *getattr(error, "__notes__", [])])
    return any(repr(node.name) in said for node in graph.nodes)


def _ask(case: Case, design: Design, output: IntArray) -> None:
    with scratch_folder(design.name) as folder:
        if case.witness == "netlist":
            run_yosys(design, ECP5, folder)
            witnesses.check_bulk(design, NetlistIcarus(ECP5, folder), case.x, output, folder / "bench")
        elif case.witness == "icarus":
            verify(design, case.x, seed=case.seed, build=folder)
        else:
            _ask_pyrtl(case, design, output)


def _ask_pyrtl(case: Case, design: Design, output: IntArray) -> None:
    """Every output and its cycle, every layer; the samples again and again, so that the pipeline is full."""
    ahead = min(MOST_AHEAD_SAMPLES, len(design.plan.ahead_cycles) + 3)
    count = max(len(case.x), ahead, min(MOST_STEADY_SAMPLES, steady_samples(design.plan)))
    again = np.resize(np.arange(len(case.x)), count)
    x = case.x[again]
    try:
        run, seen = run_with_taps(design, x)
    except (TimeoutError, ValueError) as error:
        raise VerificationError(Difference("pyrtl", str(error))) from error
    difference = (
        first_layer_difference(design, seen, design.plan.live.trace(x), 0)
        or first_difference(design, "pyrtl", run, output[again])
        or witnesses.cycle_difference(design, "pyrtl", run)
    )
    if difference:
        raise VerificationError(difference)
