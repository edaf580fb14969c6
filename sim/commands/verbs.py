"""What each verb of the command line does, its arguments parsed but not yet checked against each other."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import golden as gold
import sim
from golden import zoo as networks
from golden.types import IntArray
from rtlgen import ops_without_hardware
from sim.budget import ACCURACY_S, budget_cycles, samples_within
from sim.commands.checks import check_outputs, check_tools, checking
from sim.commands.design_argument import designed, hardware_words
from sim.commands.model_argument import Model, available, read_inputs
from sim.commands.output_argument import check_output_file, check_output_folder, write_arrays, write_bytes, write_design
from sim.commands.printing import progress, say, say_json, say_table, working
from sim.commands.profiled import profiled
from sim.commands.program import program
from sim.commands.user_error import UserError
from sim.regression import numerics
from sim.verify import ALL
from sim.witnesses import BULK, golden_outputs

PROFILE_SAMPLES = 256


def zoo(json: bool) -> None:
    """All built-in networks and how good they are, as measured when their weights were made."""
    entries = [networks.load(name) for name in networks.NAMES]
    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "task": entry.task,
            "data": entry.data.title,
            "data_installed": entry.data.is_installed,
            "parameters": entry.parameters,
            "macs": entry.macs,
            **asdict(entry.figures),
        }
        for entry in entries
    ]
    if json:
        say_json({"networks": rows})
        return
    columns = dict.fromkeys(("name", "task", "data set"), "left")
    columns |= dict.fromkeys(("parameters", "MACs", "float accuracy", "integer accuracy"), "right")
    for row in rows:
        row |= {kind: _percent(row[f"{kind}_accuracy"]) for kind in ("float", "integer")}
    names = ("name", "task", "data", "parameters", "macs", "float", "integer")
    say_table(columns, [[row[name] for name in names] for row in rows])
    missing = {entry.data.title: entry.data.installing for entry in entries if not entry.data.is_installed}
    if missing:
        say("\n" + "\n".join(f"{title} is not installed: {command}" for title, command in missing.items()))


def golden(model: str, input: Path, output: Path, arithmetic: str | None, json: bool) -> None:
    """Integer inputs to integer outputs."""
    network = Model.load(model, arithmetic)
    graph, target = network.graph, check_output_file(output)
    with working(f"running {network.name}"):
        y = graph.run(read_inputs(input, graph))
    write_arrays(target, y)
    types = {name: str(graph.types[name]) for name in graph.outputs}
    samples = len(next(iter(y.values())))
    if json:
        type = types[graph.outputs[0]] if len(types) == 1 else types
        say_json({"name": network.name, "output": str(output), "samples": samples, "type": type})
    else:
        told = types.values() if len(types) == 1 else (f"{name} {type}" for name, type in types.items())
        say(f"{output}: {samples} samples of {', '.join(told)}")


def profile(
    model: str,
    samples: int | None,
    seed: int,
    input: Path | None,
    html: Path | None,
    arithmetic: str | None,
    json: bool,
) -> None:
    """Ranges, saturation and noise of every layer, the one that hurts most first."""
    target = None if html is None else check_output_file(html, "--html")
    with working(f"profiling {Path(model).stem}"):
        network, made = profiled(model, PROFILE_SAMPLES if samples is None else samples, seed, input, arithmetic)
        found = numerics.as_plain(made)
    if target is not None:
        write_bytes(target, numerics.page(network.name, network.graph, found).encode(), "--html")
    if json:
        say_json({"name": network.name, **found})
        return
    say(f"{network.name}: {found['samples']} samples, noise measured against {found['reference']}\n")
    say_table(numerics.COLUMNS, numerics.rows(found))
    if html is not None:
        say(f"\n{html}: the same with histograms")


def generate(
    model: str, output: Path, multipliers: int | None, unrolled: bool, latency_intervals: float | None, json: bool
) -> None:
    """Verilog and port description."""
    network = Model.load(model)
    check_output_folder(output, network.name)
    design = designed(network, multipliers, unrolled, latency_intervals)
    verilog, ports = write_design(design, output)
    chosen = design.plan
    if json:
        say_json({"module": design.name, "verilog": str(verilog), "ports": str(ports), **chosen.as_json()})
        return
    say(f"{verilog}: Verilog, module {design.name}, {verilog.stat().st_size} bytes")
    say(f"{ports}: port description, {ports.stat().st_size} bytes")
    say(
        f"a sample every {chosen.ii_cycles} cycles, the first after {chosen.latency_cycles}; "
        f"{chosen.multipliers} multipliers"
    )


def verify(
    model: str,
    samples: int | None,
    seed: int,
    simulator: str,
    netlist: Sequence[str],
    cycles: int | None,
    multipliers: int | None,
    unrolled: bool,
    latency_intervals: float | None,
    thorough: bool,
    input: Path | None,
    json: bool,
) -> None:
    """The three witnesses on some samples, and netlists."""
    simulators = ALL if simulator == "all" else (simulator,)
    check_tools((*simulators, *(["icarus", "netlist"] if netlist else [])))
    network = Model.load(model)
    x = network.samples(samples, seed, input)
    design = designed(network, multipliers, unrolled, latency_intervals)
    words = [*program(), "verify", model, "--samples", str(len(x)), "--seed", str(seed), "--simulator", simulator]
    words += [word for name in netlist for word in ("--netlist", name)]
    words += hardware_words(multipliers, unrolled, latency_intervals)
    words += [] if cycles is None else ["--cycles", str(cycles)]
    words += ["--thorough"] * thorough
    words += [] if input is None else ["--input", str(input)]
    command = shlex.join(words)
    with checking(design.name, command, json) as folder, working(f"verifying {design.name} on {len(x)} samples"):
        result = sim.verify(
            design,
            x,
            simulators=simulators,
            netlists=netlist,
            seed=seed,
            build=folder,
            command=command,
            cycles=cycles,
            thorough=thorough,
        )
    if json:
        say_json(result.as_json())
    else:
        say(str(result))


def accuracy(model: str, samples: int | None, simulator: str, cycles: int | None, json: bool) -> None:
    """Float model, golden and, where there is hardware for every op, the emitted hardware on the test set."""
    check_tools([simulator])
    network = Model.load(model)
    if network.entry is None:
        raise UserError(
            f"MODEL {model!r}: a graph file has no task and no test set to measure accuracy on, MODEL must be one of "
            f"{', '.join(networks.NAMES)}"
        )
    started = time.monotonic()
    everything = network.entry.dataset["test"]
    count = available(samples, len(everything), f"in the test set of {model}")
    test = everything.take(range(count))
    lacking = sorted(ops_without_hardware(network.graph))
    names = ("rtl_accuracy", "rtl_samples", "golden_accuracy_on_rtl_samples", "simulator", "multipliers")
    hardware: dict[str, Any] = dict.fromkeys((*names, "budget_cycles"))
    if not lacking:
        design = designed(network, None, False)
        budget = cycles or budget_cycles(simulator, len(design.block.logic), ACCURACY_S)
        ran = samples_within(design.plan, budget, count)
        x, labels = network.graph.encode(test.x[:ran]), np.asarray(test.y)[:ran]
        expected = golden_outputs(design, x)
        words = [*program(), "accuracy", model, "--samples", str(count), "--simulator", simulator]
        command = shlex.join([*words, *([] if cycles is None else ["--cycles", str(cycles)])])
        with checking(design.name, command, json) as folder, progress(f"{model} under {simulator}", ran) as advance:
            outputs = check_outputs(design, x, expected, BULK[simulator], folder, advance)
        values = (_accuracy(outputs, labels), ran, _accuracy(expected, labels), simulator, design.plan.multipliers)
        hardware = {**dict(zip(names, values, strict=True)), "budget_cycles": budget}
    with working(f"measuring {model} on {count} samples"):
        result: dict[str, Any] = {
            "name": network.name,
            "samples": count,
            "float_accuracy": gold.accuracy(network.entry.model, test),
            "golden_accuracy": gold.accuracy(network.graph, test),
            **hardware,
            "ops_without_hardware": lacking,
            "time_s": round(time.monotonic() - started, 3),
        }
    if json:
        say_json(result)
        return
    say(f"{network.name}: {network.entry.task}, {count} test samples\n")
    witnesses = [("float", "float model"), ("golden", "integers")]
    if not lacking and hardware["rtl_samples"] < count:
        first = f"on the first {hardware['rtl_samples']:,}"
        witnesses += [("rtl", f"hardware under {simulator}, {first}"), ("golden_on_rtl", f"integers, {first}")]
        result["golden_on_rtl_accuracy"] = hardware["golden_accuracy_on_rtl_samples"]
    elif not lacking:
        witnesses.append(("rtl", f"hardware under {simulator}"))
    say_table(
        {"": "left", "accuracy": "right"},
        [(what, _percent(result[f"{witness}_accuracy"])) for witness, what in witnesses],
    )
    if not lacking and hardware["rtl_samples"] < count:
        say(f"\nmore samples would take more than {hardware['budget_cycles']:,} cycles; for more or fewer: --cycles N")
    if lacking:
        say(f"\nthere is no hardware for {' and '.join(lacking)} yet")


def _percent(fraction: float) -> str:
    return f"{fraction:.1%}"


def _accuracy(outputs: IntArray, labels: IntArray) -> float:
    """Fraction of samples whose class is the index, or the first largest of the logits, in ``outputs``."""
    classes = outputs.argmax(axis=1) if outputs.ndim == 2 else outputs
    return float((classes == labels).mean())
