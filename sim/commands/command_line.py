"""The verbs of ``tensorgate`` with their options and their help, and which exit status an error of theirs has."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from golden.trainer.drift import DRIFTS
from golden.trainer.tasks import TASKS
from sim.commands import verbs
from sim.commands.checks import CheckFailedError
from sim.commands.design_argument import AtLeast
from sim.commands.duration import Duration
from sim.commands.fuzz import fuzz as fuzz_verb
from sim.commands.group import Verbs, print_version
from sim.commands.mutate import mutate as mutate_verb
from sim.commands.options import (
    arithmetic_option,
    cycles_option,
    json_option,
    latency_option,
    model_argument,
    multipliers_option,
    path_option,
    samples_option,
    simulator_option,
)
from sim.commands.plan import plan as plan_verb
from sim.commands.printing import say, silence
from sim.commands.synth import synth as synth_verb
from sim.commands.train import train as train_verb
from sim.commands.user_error import UserError, joined, one_line
from sim.synthesis.targets import TARGETS
from sim.tools import ToolError
from sim.training.hardware import SIMULATORS as TRAINING_SIMULATORS
from sim.verify import NETLISTS, SIMULATORS

BROKEN_PIPE = 141
"""Exit status, as a shell sees it, of a program that a reader that went away has stopped."""


def run(args: Sequence[str]) -> int:
    """Run the command line ``args`` and return its exit status; an interruption is passed on."""
    try:
        return _run(list(args))
    except click.UsageError as error:
        place = f"; see '{error.ctx.command_path} --help'" if error.ctx else ""
        return _complain(f"{joined(error.format_message()).rstrip('.')}{place}", 2)
    except UserError as error:
        return _complain(one_line(error), 2)
    except ToolError as error:
        return _complain("\n".join([str(error), *getattr(error, "__notes__", [])]), 1)
    except BrokenPipeError:
        silence()
        return BROKEN_PIPE


def _run(args: list[str]) -> int:
    try:
        with tensorgate.make_context("tensorgate", args) as context:
            tensorgate.invoke(context)
    except click.exceptions.Exit as end:  # of --help and --version
        return end.exit_code
    except CheckFailedError as failure:
        say(str(failure))
        return 1
    return 0


def _complain(text: str, status: int) -> int:
    print(f"tensorgate: {text}", file=sys.stderr)
    return status


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version, help="Show the version."
)
@click.pass_context
def tensorgate(context: click.Context) -> None:
    """Turns neural networks into hardware, and proves that the hardware is right.

    MODEL is the name of a built-in network, see 'tensorgate zoo', or the path of a .tflite or .onnx file of integers,
    or of a graph that Graph.save wrote. Where both exist, './iris' is the file.

    \b
    Exit status:
      0  fine
      1  a check failed, what differs is printed; or a simulator crashed, and its log is printed
      2  bad input or usage, or a missing program; one line on standard error
    """
    if context.invoked_subcommand is None:
        say(context.get_help())


@tensorgate.command()
@json_option
def zoo(json: bool) -> None:
    """List the built-in networks and their accuracy.

    \b
    Examples:
      tensorgate zoo
      tensorgate zoo --json
    """
    verbs.zoo(json)


@tensorgate.command()
@model_argument
@path_option("--input", required=True, help="Integer inputs, shape (batch, ...), as numpy.save writes them.")
@path_option("--output", required=True, help="Where the integer outputs go; replaced if it exists.")
@arithmetic_option
@json_option
def golden(model: str, input: Path, output: Path, arithmetic: str | None, json: bool) -> None:
    """Run the golden model: what the hardware has to compute.

    \b
    Examples:
      tensorgate golden iris --input x.npy --output y.npy
      tensorgate golden model.tflite --input x.npy --output y.npy --arithmetic single
    """
    verbs.golden(model, input, output, arithmetic, json)


@tensorgate.command()
@model_argument
@multipliers_option
@latency_option
@click.option("--target", type=click.Choice(list(TARGETS)), help="A device that it has to fit on.")
@json_option
def plan(**options: Any) -> None:
    """Show the hardware of every layer, its cycles and buffers.

    \b
    Examples:
      tensorgate plan digits
      tensorgate plan mnist_lenet --target ecp5-25k
      tensorgate plan digits --multipliers 256 --json
      tensorgate plan mnist_lenet --latency-intervals 1.3
      tensorgate plan my.graph --unrolled
    """
    plan_verb(**options)


@tensorgate.command()
@model_argument
@path_option("-o", "--output", metavar="DIR", required=True, help="A new or empty folder, or one that this wrote.")
@multipliers_option
@latency_option
@json_option
def generate(**options: Any) -> None:
    """Write Verilog and a description of its ports.

    \b
    Examples:
      tensorgate generate iris -o iris_hardware
      tensorgate generate my.graph -o hardware --unrolled --json
    """
    verbs.generate(**options)


@tensorgate.command()
@model_argument
@samples_option("32, or all of --input")
@click.option("--seed", type=AtLeast(0), default=0, metavar="S", help="Of stalls, resets and random samples.")
@simulator_option([*SIMULATORS, "all"], "all")
@click.option("--netlist", type=click.Choice(NETLISTS), multiple=True, help="Also synthesize; may be repeated.")
@cycles_option("what takes about a minute")
@multipliers_option
@latency_option
@click.option("--thorough", is_flag=True, help="As many stalls and resets as 'mutate' tries; for a small network.")
@path_option("--input", help="Integer inputs, shape (batch, ...), as numpy.save writes them.")
@json_option
def verify(**options: Any) -> None:
    """Compare golden, PyRTL and Verilog bit by bit and cycle by cycle.

    The samples are those of --input, or else of the task's test set; for a graph file corner cases and random integers.
    'all' stands for pyrtl and icarus; under icarus the design is also stalled, reset and compared layer by layer.
    A netlist, the gates or cells that yosys makes of the Verilog, has to stand the same test under icarus.

    \b
    Examples:
      tensorgate verify iris
      tensorgate verify iris --netlist ecp5 --netlist ice40
      tensorgate verify digits --samples 100 --multipliers 256 --seed 7
      tensorgate verify my.graph --simulator pyrtl --unrolled --json
    """
    verbs.verify(**options)


@tensorgate.command()
@model_argument
@samples_option("256, or all of --input")
@click.option("--seed", type=AtLeast(0), default=0, metavar="S", help="Of random samples.")
@path_option("--input", help="Integer inputs, shape (batch, ...), as numpy.save writes them.")
@path_option("--html", help="Also write a page with histograms; replaced if it exists.")
@arithmetic_option
@json_option
def profile(**options: Any) -> None:
    """Show what rounding costs, the layer that hurts most first.

    Ranges, saturation and signal-to-quantization-noise ratio of every layer. The samples are those of --input, or else
    of the task's test set; for a file corner cases and random integers. Noise is measured against the float network, of
    built-in networks and of float .onnx files, which need --input with floats to be quantized by. Other files hold no
    float network: their noise is measured against their own integers without rounding.

    \b
    Examples:
      tensorgate profile digits
      tensorgate profile model.tflite --input x.npy --html profile.html
      tensorgate profile float.onnx --input floats.npy
    """
    verbs.profile(**options)


@tensorgate.command()
@model_argument
@samples_option("the whole test set")
@simulator_option(SIMULATORS, "icarus")
@cycles_option("what takes about two minutes")
@json_option
def accuracy(model: str, samples: int | None, simulator: str, cycles: int | None, json: bool) -> None:
    """Measure float, golden and hardware accuracy on a test set.

    If the whole test set would take the simulator too many cycles, the hardware runs its first samples, and the
    accuracy of the integers on the same ones is shown beside it. Verilator is a hundred times faster than the others.

    \b
    Examples:
      tensorgate accuracy iris
      tensorgate accuracy mnist --samples 100 --json
      tensorgate accuracy mnist_lenet --simulator verilator --cycles 100000000
    """
    verbs.accuracy(model, samples, simulator, cycles, json)


@tensorgate.command(epilog=f"TASK is one of {', '.join(TASKS)}.")
@click.argument("task")
@click.option("--hardware", is_flag=True, help="In simulated hardware, which has to agree with golden in every bit.")
@click.option(
    "--lanes", type=AtLeast(1), metavar="P", help="Multipliers of the trainer, 1 to 64.  [default: the task's]"
)
@click.option("--epochs", type=AtLeast(1), metavar="N", help="Passes over the training split.  [default: the task's]")
@click.option(
    "--learning-rate-shift", type=click.IntRange(2, 11), metavar="K", help="Learn at a rate of 2^-K.  [default: 5]"
)
@click.option("--seed", type=AtLeast(0), default=0, metavar="S", help="Of the first weights and the order of samples.")
@click.option("--dither", type=click.IntRange(1, 2**32 - 1), metavar="S", help="Round updates at random, by a seed.")
@click.option("--drift", type=click.Choice(list(DRIFTS)), help="Tune a deployed network after its world has changed.")
@click.option(
    "--simulator", type=click.Choice(TRAINING_SIMULATORS), help=f"Of --hardware.  [default: {TRAINING_SIMULATORS[0]}]"
)
@click.option("--target", type=click.Choice(list(TARGETS)), help="Also synthesize the trainer for a device.")
@path_option("-o", "--output", metavar="DIR", help="Network, Verilog, learning curves: a new folder, or one of ours.")
@json_option
def train(**options: Any) -> None:
    """Train a network in integers, as hardware on the device does.

    From random weights, beside the same network in floats from the same weights; with --drift a network that was
    trained on the host and deployed learns what has changed since. Verilator takes half a minute to build
    the hardware, and is then a hundred times faster than Icarus.

    \b
    Examples:
      tensorgate train iris --hardware
      tensorgate train digits --hardware --simulator verilator -o digits_trained
      tensorgate train digits --lanes 8 --target ecp5-25k
      tensorgate train digits --drift rotation --epochs 5 --json
    """
    train_verb(**options)


@tensorgate.command()
@model_argument
@click.option("--target", type=click.Choice(list(TARGETS)), required=True, help="The device.")
@multipliers_option
@latency_option
@click.option("--seed", type=AtLeast(0), default=1, show_default=True, metavar="S", help="Of placement.")
@click.option("--placements", type=AtLeast(1), default=1, show_default=True, metavar="N", help="Keep the fastest of N.")
@click.option("--timeout", type=AtLeast(1), metavar="SECONDS", help="For each program.  [default: none]")
@click.option("--no-route", is_flag=True, help="Stop after placement: a quick estimate of the clock.")
@path_option("-o", "--output", metavar="DIR", help="Keep netlist, reports and logs there.")
@json_option
def synth(**options: Any) -> None:
    """Synthesize for a device: cells, memories, multipliers, clock.

    The memories and multipliers have to be those of the plan. What has been done before with the same Verilog, options
    and programs is not done again.

    \b
    Examples:
      tensorgate synth iris --target ecp5-85k
      tensorgate synth digits --target ecp5-25k --multipliers 16 --json
      tensorgate synth iris --target xilinx --unrolled -o files
    """
    synth_verb(**options)


@tensorgate.command()
@click.option("--time", "time_s", type=Duration(), metavar="TIME", help="How long: 90s, 10m, 1h.  [default: 60s]")
@click.option("--seed", type=AtLeast(0), default=0, show_default=True, metavar="S", help="Of all that is drawn.")
@click.option("--networks", type=AtLeast(1), metavar="N", help="Stop after so many.  [default: when the time is up]")
@click.option(
    "--icarus",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="SHARE",
    help="Of the networks, those that are also stalled and reset under Icarus.",
)
@click.option(
    "--netlist",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Those that are also synthesized for ECP5.  [default: as many, if yosys is installed]",
)
@path_option("--output", metavar="DIR", default=Path("build/fuzz"), show_default=True, help="Where failures are kept.")
@path_option("--case", metavar="DIR", help="Check a kept failure again, and nothing else.")
@json_option
def fuzz(**options: Any) -> None:
    """Try random networks until one fails, and make that one small.

    Any ops with any parameters, joined in any way, in any folding: every layer of golden and PyRTL has to be equal, and
    every cycle as planned. A network without hardware has to be refused by the name of a layer. The smallest network
    and input that fail are kept in a folder, with the command that runs them again.

    \b
    Examples:
      tensorgate fuzz --time 10m --seed 7
      tensorgate fuzz --networks 500 --icarus 0 --json
      tensorgate fuzz --case build/fuzz/seed7-1
    """
    fuzz_verb(**options)


@tensorgate.command()
@model_argument
@click.option("--mutants", type=AtLeast(1), default=200, show_default=True, metavar="N", help="Faults to inject.")
@click.option("--seed", type=AtLeast(0), default=0, metavar="S", help="Of faults, samples, stalls and resets.")
@multipliers_option
@path_option(
    "--output", metavar="DIR", default=Path("build/mutants"), show_default=True, help="Where faults not found are kept."
)
@json_option
def mutate(**options: Any) -> None:
    """Inject faults into the Verilog: does the testbench find them?

    MODEL may also be an op kind such as 'dense': a small network of it is taken. Faults without effect are proven so,
    and do not count. What is not found, and there are inputs that show it, has survived; what is neither found nor
    proven is undecided: both count against the score, end in status 1, and leave a folder: with waves, if they can
    be shown.

    \b
    Examples:
      tensorgate mutate relu
      tensorgate mutate dense --mutants 400 --seed 7 --json
    """
    mutate_verb(**options)
