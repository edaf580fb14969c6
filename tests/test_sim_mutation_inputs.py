"""All inputs of a small network at once: what they show is so, and what is said never to show does not."""

import numpy as np
import pytest
from netlist_cells import resetting

from golden.types import IntType, TensorType
from sim.effort import Effort
from sim.formal.control import Control
from sim.mutation.any_schedule import never_shows
from sim.mutation.campaign import (
    QUICK_RESETS,
    QUICK_SAMPLES,
    QUICK_STALLED_SAMPLES,
    _Bench,
)
from sim.mutation.every_input import Effect, effects, every_input
from sim.mutation.mutants import Fault, make_mutants
from sim.mutation.one_fault import FAULTY, aig_of, with_one_fault
from sim.mutation.pipe import Reach
from sim.mutation.transitions import Transitions
from sim.regression.small import SMALL_SAMPLES, small_design
from sim.regression.stimulus import extreme_samples


def control_of(aig):
    """Its registers of control, and what leads where."""
    design = with_one_fault(aig, 0)
    control = Control.of(design)
    return control.reset_to, Transitions(design, control)


@pytest.fixture(scope="module")
def total(tmp_path_factory):
    """The sum, its netlist's folder, and all of its inputs."""
    folder = tmp_path_factory.mktemp("total")
    design = small_design("sum")
    make_mutants(design, 1, 0, folder)
    x = every_input(design.graph.input_type)
    assert x is not None
    return design, folder, x


def test_every_input_is_there_once_if_there_are_not_too_many():
    x = every_input(TensorType((2, 2), IntType(2, True)))
    assert x is not None
    assert x.shape == (256, 2, 2)
    assert len(np.unique(x.reshape(256, -1), axis=0)) == 256
    assert (x.min(), x.max()) == (-2, 1)
    assert every_input(TensorType((17,), IntType(1, False))) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sum", "dense"])
def test_what_the_testbench_kills_shows_and_what_shows_is_killed(kind, tmp_path):
    design = small_design(kind)
    faults = make_mutants(design, 60, 0, tmp_path)
    aig = aig_of(faults, tmp_path)
    control, transitions = control_of(aig)
    x = every_input(design.graph.input_type)
    assert x is not None
    found = effects(design, aig, faults, x)
    hidden = [fault for fault in faults if never_shows(found[fault], control, transitions)]
    bench = _Bench(design, tmp_path, len(faults).bit_length(), 0)
    samples = extreme_samples(design.graph, QUICK_SAMPLES, 0)
    alive = bench.alive(faults, samples, None, QUICK_STALLED_SAMPLES, QUICK_RESETS)
    assert not set(hidden) - set(alive)
    shown = {fault: effect.shown_by for fault, effect in found.items() if effect.shown_by}
    # Many show with some input, in any order; and the testbench finds each with the two that are told.
    assert len(shown) > len(faults) // 2
    told = np.concatenate([x[places] for places in shown.values()])
    assert not bench.alive(list(shown), told, None, QUICK_STALLED_SAMPLES, QUICK_RESETS)


@pytest.mark.slow
def test_a_fault_of_when_a_word_is_loaded_is_not_hidden(tmp_path):
    """No input shows it in the schedules that are tried; with other pauses a word comes while another one is read."""
    design = small_design("pad")
    faults = [fault for fault in make_mutants(design, 200, 0, tmp_path) if "pad1_x_fetched of" in fault.signal]
    aig = aig_of(faults, tmp_path)
    control, transitions = control_of(aig)
    x = every_input(design.graph.input_type)
    assert x is not None
    found = effects(design, aig, faults, x)
    quiet = [fault for fault in faults if not found[fault].shown_by]
    assert quiet
    assert not any(never_shows(found[fault], control, transitions) for fault in quiet)
    bench = _Bench(design, tmp_path, (200).bit_length(), 5)
    samples = extreme_samples(design.graph, SMALL_SAMPLES, 5)
    effort = Effort.thorough(design)
    assert bench.alive(quiet, samples, None, effort.stalled, effort.resets) == []


@pytest.mark.slow
def test_nothing_is_hidden_that_reaches_control_or_was_shown(tmp_path):
    design = small_design("sum")
    faults = make_mutants(design, 60, 0, tmp_path)
    aig = aig_of(faults, tmp_path)
    control, transitions = control_of(aig)
    x = every_input(design.graph.input_type)
    assert x is not None
    reaches = [Reach.of(one, [one.inputs[FAULTY] >> 1]) for one in (with_one_fault(aig, f.mutant) for f in faults)]
    data = [reach for reach in reaches if reach.is_data(control)]
    assert 0 < len(data) < len(faults)
    hidden = [reach for reach in reaches if never_shows(Effect(reach), control, transitions)]
    assert all(reach in data for reach in hidden)
    assert hidden
    assert not any(never_shows(Effect(reach, shown_by=[0, 1]), control, transitions) for reach in hidden)


@pytest.mark.slow
def test_a_fault_is_not_hidden_that_keeps_a_reset_from_a_register(total):
    """What it holds after a reset is then anything; all inputs have been tried with one thing only."""
    design, folder, x = total
    cell = resetting((folder / "netlist.il").read_text(), "sum1_result")
    fault = Fault(1, rf"-mode const0 -module sum -cell {cell} -port \S -portbit 0")
    aig = aig_of([fault], folder)
    control, transitions = control_of(aig)
    effect = effects(design, aig, [fault], x)[fault]
    assert not effect.shown_by
    assert effect.reach.is_data(control)
    assert not never_shows(effect, control, transitions)
