"""The hardware that trains: one weight memory, one set of multipliers, and passes that take turns with them.

    s_axis --> features --+            +--> sums --> drain --> hidden activations, logits --> m_axis
                          v            |      |       (pooled: which was the largest)  |
    weights ----------> products ------+      |                                        |
       ^                               +------|-> tree --> errors <------- loss -------+
       |                                      v               |
       +------------------------------ updated words <--------+

What is computed stands in ``golden/trainer/arithmetic.py``, ``dense.py`` and ``conv.py``; what passes there are in
``rtlgen/training/passes.py``; when they come in ``rtlgen/training/schedule.py``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pyrtl
from pyrtl import Input, MemBlock, Output, WireVector, select

from golden.serialize import write_atomically
from golden.trainer import IntegerTrainer
from golden.trainer.conv import TrainedConv
from rtlgen.state import Flags, state
from rtlgen.training.control import walker
from rtlgen.training.errors import backward, gathered, loss_of
from rtlgen.training.forward import forward, summed
from rtlgen.training.frames import frames_in
from rtlgen.training.operands import Memories, Write, operands
from rtlgen.training.pools import unpooled
from rtlgen.training.results import port, results_out
from rtlgen.training.schedule import Schedule
from rtlgen.training.shape import LayerShape
from rtlgen.training.stages import Stages
from rtlgen.training.update import updated
from rtlgen.verilog import check_name

SIGNATURE_BITS = 32


@dataclass(frozen=True)
class TrainerDesign:
    """A trainer as hardware.

    Args:
        name: of the Verilog module.
        block: the hardware.
        schedule: of a step, with its cycles.
    """

    name: str
    block: pyrtl.Block
    schedule: Schedule

    @property
    def verilog(self) -> str:
        """Verilog-2001 of it in one module."""
        with io.StringIO() as text:
            pyrtl.output_to_verilog(text, add_reset=False, block=self.block, module_name=self.name)
            return text.getvalue()

    def write_verilog(self, path: str | Path) -> Path:
        """Write the Verilog to ``path``, which is never half-written.

        Raises:
            ValueError: for a path that does not end in ``.v``.
        """
        target = Path(path)
        if target.suffix != ".v":
            raise ValueError(f"the Verilog must be written to a file that ends in .v, not to {str(path)!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, self.verilog.encode())
        return target


def generate_trainer(model: IntegerTrainer, lanes: int = 4, *, name: str = "trainer") -> TrainerDesign:
    """Hardware that computes what ``model`` does, with ``lanes`` multipliers; its weights are to be loaded.

    Args:
        model: the layers, which of them change, and how updates are rounded; not its present weights.
        lanes: master weights a word, 1 to 64.
        name: of the Verilog module.

    Raises:
        ValueError: for lanes out of range, more than 256 outputs, no trainable layer, or no name.
        NotImplementedError: for a convolution with a stride behind a layer that is trained; it is named.
    """
    check_name(name)
    if isinstance(lanes, bool) or not isinstance(lanes, int) or not 1 <= lanes <= 64:
        raise ValueError(f"lanes must be 1 to 64, not {lanes!r}")
    if not any(layer.trainable for layer in model.layers):
        raise ValueError("no layer is trainable: there is nothing to make a trainer for")
    if model.outputs > 256:
        raise ValueError(f"a label is a byte: at most 256 outputs can be trained in hardware, not {model.outputs}")
    lowest = [layer.trainable for layer in model.layers].index(True)
    for layer in model.layers[lowest + 1 :]:
        if isinstance(layer, TrainedConv) and layer.geometry.stride != (1, 1):
            raise NotImplementedError(
                f"layer {layer.name!r} has a stride of {layer.geometry.stride}, through which no error can go back in "
                f"hardware: the stride must be (1, 1), or {layer.name!r} the first layer that is trained"
            )
    shapes = tuple(LayerShape.of(layer, lanes) for layer in model.layers)
    schedule = Schedule(shapes, lanes, tuple(layer.trainable for layer in model.layers))
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        _build(model, schedule)
    block.sanity_check()
    return TrainerDesign(name, block, schedule)


def _build(model: IntegerTrainer, schedule: Schedule) -> None:
    reset = Input(1, "reset")
    memories = Memories.of(schedule)
    learns, has_error = WireVector(1, "learns"), WireVector(1, "has_error")
    walk = walker(schedule, learns, has_error, reset)
    stages = Stages(schedule.passes, Flags(walk.issue.flags, reset), walk.issue.number)
    out = port(schedule)
    frames = frames_in(schedule, walk, memories.features, out.room, out.busy, reset)
    learns <<= frames.learns

    fraction_bits = tuple((layer.input_fraction_bits, layer.weight_fraction_bits) for layer in model.layers)
    inputs, weights = zip(*fraction_bits, strict=True)
    weight_address = walk.issue.addresses["weight"][: memories.weights.addrwidth]
    address = select(out.reading, out.read_address, weight_address)
    read = operands(schedule, inputs, memories, walk.issue, stages, frames.bank, address)
    sums = summed(schedule, read.products, stages)
    logits = forward(schedule, fraction_bits, sums, stages, memories, reset)
    loss = loss_of(schedule, logits, frames.label, reset)
    has_error <<= loss.has_error
    back = backward(schedule, weights, read, stages, reset)
    other = unpooled(schedule, walk.issue, read, stages, memories, reset)
    gathered(schedule, loss.errors, back, stages, memories.errors, other, reset)
    changes = sums.value if schedule.convolves else read.products
    slower = tuple(layer.slower for layer in model.layers)
    write = updated(
        schedule, fraction_bits, slower, changes, model.random_state, read, stages, frames, weight_address, reset
    )
    loaded = Write(frames.load_enable, frames.load_address, frames.load_word)
    _store(memories.weights, write, loaded, reset)
    results_out(schedule, out, frames, logits, loss, read.weights_fetched, reset)


def _store(weights: MemBlock, write: Write, loaded: Write, reset: WireVector) -> None:
    """The one write port, and a signature of all that goes through it while the network learns."""
    word, address = select(write.enable, write.word, loaded.word), select(write.enable, write.address, loaded.address)
    weights[address] <<= MemBlock.EnabledWrite(word, write.enable | loaded.enable)
    signature, pin = state("signature_value", SIGNATURE_BITS), Output(SIGNATURE_BITS, "signature")
    turned = pyrtl.concat(signature.value[:-1], signature.value[-1])
    folded = turned ^ write.address.zero_extended(SIGNATURE_BITS)
    for start in range(0, len(write.word), SIGNATURE_BITS):
        folded = folded ^ write.word[start : start + SIGNATURE_BITS].zero_extended(SIGNATURE_BITS)
    signature.drive(folded, reset, enable=write.enable)
    pin <<= signature.value
