"""A plan's multipliers are the products of the circuit, one by one, and products of any width are exact."""

import numpy as np
import pyrtl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import corners, integers
from op_cases import CASES, Case
from op_chains import random_chain
from op_graphs import GRAPHS, random_graph

import rtlgen
from golden import Dense, Graph, IntType, Node, Requantize, TensorType, zoo
from golden.ops import Conv, Multiply
from rtlgen import HDLTensor
from rtlgen.multiply import (
    NARROW_BITS,
    constant_product_steps,
    is_wiring,
    limb_types,
    multipliers_for,
    partial_products,
    sum_of_partials,
    weight_multipliers,
    weighted,
)
from rtlgen.verilog import is_signed
from sim.simulators.pyrtl_simulator import Pyrtl

pytestmark = pytest.mark.slow  # it simulates hundreds of circuits

SLOWEST = ("fashion_resnet", "fashion_dscnn")
TYPES = st.builds(IntType, st.integers(1, 40), st.booleans())


def products(design: rtlgen.Design) -> int:
    return len(design.block.logic_subset("*"))


def assert_counted(graph: Graph, multipliers: int) -> None:
    design = rtlgen.generate(graph, multipliers)
    assert products(design) == design.plan.multipliers <= multipliers


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_of_every_op(case: Case) -> None:
    for multipliers in (1, 9, 70):
        assert_counted(case.graph, multipliers)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 150))
def test_of_any_chain(seed: int, multipliers: int) -> None:
    assert_counted(random_chain(seed, convolutions=True), multipliers)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), multipliers=st.integers(1, 150))
def test_of_any_graph(seed: int, multipliers: int) -> None:
    assert_counted(random_graph(seed), multipliers)


@pytest.mark.parametrize("name", ["squeeze and excite", "around 2 with stride", "broadcast lanes"])
def test_of_joins(name: str) -> None:
    for multipliers in (5, 60, 300):
        assert_counted(GRAPHS[name], multipliers)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.exhaustive] * (n in SLOWEST)) for n in zoo.NAMES])
def test_of_every_network_that_is_built_in(name: str) -> None:
    for multipliers in (3, 16, 64, 200):
        assert_counted(zoo.load(name).graph, multipliers)


def one_step(weight: list[list[int]]) -> Graph:
    """A layer whose weights never change where all its products have a multiplier."""
    return Graph.chain(
        TensorType((len(weight[0]),), IntType(8, True)),
        Dense(np.array(weight), np.arange(len(weight))),
        Requantize(np.array(3), np.array(7), 0, IntType(8, True)),
    )


def test_weights_that_are_wiring_take_no_multiplier() -> None:
    graph = one_step([[0, 1, -2, 4], [64, -128, 3, 5], [-3, 0, 0, 127]])
    design = rtlgen.generate(graph, 100)
    assert design.plan.ii_cycles == 1
    assert products(design) == design.plan.multipliers == 4
    x = corners(graph.input_type, 20)
    np.testing.assert_array_equal(Pyrtl().run(design, x, None).outputs, graph(x))


def test_what_is_wiring() -> None:
    every = np.arange(-128, 128)
    powers = {0, *(1 << place for place in range(7)), *(-(1 << place) for place in range(8))}
    assert set(every[is_wiring(every)].tolist()) == powers


def simulated(x: np.ndarray, y: np.ndarray, types: tuple[IntType, IntType]) -> tuple[np.ndarray, int]:
    """The products of numbers of these types, and the multipliers that they take."""
    with pyrtl.set_working_block(pyrtl.Block()) as _:
        tensors = [
            HDLTensor(1, value="input", bits=type.bits, signed=type.signed, name=name)
            for name, type in zip("xy", types, strict=True)
        ]
        made = sum_of_partials(partial_products(*tensors, types), types)
        word = pyrtl.Output(made.dtype.bits, "product")
        word <<= made.pack(made.dtype)
        count = len(pyrtl.working_block().logic_subset("*"))
        simulation, found = pyrtl.Simulation(tracer=None), []
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            simulation.step({"x": a & ((1 << types[0].bits) - 1), "y": b & ((1 << types[1].bits) - 1)})
            value = simulation.inspect("product")
            negative = made.dtype.signed and value >> (made.dtype.bits - 1)
            found.append(value - (1 << made.dtype.bits) if negative else value)
    return np.array(found, dtype=object), count


@settings(max_examples=150, deadline=None, derandomize=True)
@given(types=st.tuples(TYPES, TYPES), seed=st.integers(0, 1 << 32))
def test_products_of_any_width(types: tuple[IntType, IntType], seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = (np.concatenate([[type.min, type.max, type.min, type.max], integers(type, (6,), random)]) for type in types)
    y[2:4] = y[3:1:-1]
    found, count = simulated(x, y, types)
    assert found.tolist() == [a * b for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    assert count == multipliers_for(*types)


def test_limbs_are_what_a_multiplier_takes() -> None:
    assert limb_types(IntType(8, True)) == [IntType(8, True)]
    assert limb_types(IntType(18, True)) == [IntType(18, True)]
    assert limb_types(IntType(18, False)) == [IntType(17, False), IntType(1, False)]
    assert limb_types(IntType(20, True)) == [IntType(17, False), IntType(3, True)]
    assert multipliers_for(IntType(36, True), IntType(18, True)) == 2
    assert multipliers_for(IntType(17 + NARROW_BITS, False), IntType(8, True)) == 1
    assert multipliers_for(IntType(18 + NARROW_BITS, False), IntType(8, True)) == 2
    assert multipliers_for(IntType(NARROW_BITS, True), IntType(30, True)) == 0


@pytest.mark.parametrize("bits", [16, 17, 18, 24, 33])
@pytest.mark.parametrize("signed", [True, False])
def test_inputs_wider_than_a_multiplier(bits: int, signed: bool) -> None:
    type = IntType(bits, signed)
    random = np.random.default_rng(bits)
    graph = Graph.chain(TensorType((6,), type), Dense(integers(IntType(8, True), (4, 6), random), np.arange(4)))
    for multipliers in (1, 4, 13, 100):
        design = rtlgen.generate(graph, multipliers)
        assert products(design) == design.plan.multipliers <= multipliers
        x = corners(graph.input_type, 12)
        np.testing.assert_array_equal(Pyrtl().run(design, x, None).outputs, graph(x))
    assert weight_multipliers(type) == len(limb_types(type)) - (limb_types(type)[-1] == IntType(1, False))


def test_a_bit_times_a_weight_takes_no_multiplier() -> None:
    graph = Graph.chain(TensorType((9,), IntType(1, False)), Dense(np.full((5, 9), 77), np.zeros(5, np.int64)))
    design = rtlgen.generate(graph, 45)
    assert (products(design), design.plan.multipliers, design.plan.ii_cycles) == (0, 0, 1)


def test_products_of_signed_operands_are_signed_in_the_text() -> None:
    image = TensorType((4, 4, 2), IntType(8, True))
    weight = integers(IntType(8, True), (3, 3, 3, 2), np.random.default_rng(0))
    design = rtlgen.generate(Graph.chain(image, Conv(weight, np.zeros(3, np.int64))), 9)
    signed = [net for net in design.block.logic_subset("*") if is_signed(net)]
    assert len(signed) == design.plan.multipliers > 0
    assert design.verilog.count("$signed(") == 2 * len(signed)
    square = Node("square", Multiply((0, 0), 1 << 30, 36, 0, IntType(8, False), "tflm"), ("x", "x"))
    positive = rtlgen.generate(Graph({"x": TensorType((2,), IntType(8, False))}, (square,), ("square",)), 4)
    assert positive.plan.multipliers > 0
    assert "$signed(" not in positive.verilog


def test_a_product_with_a_wide_number_is_the_sum_of_its_limbs() -> None:
    type = IntType(30, True)
    with pyrtl.set_working_block(pyrtl.Block()):
        x = HDLTensor(1, value="input", bits=30, name="x")
        made = weighted(x, HDLTensor.constant([-77]), type)
        assert made.dtype.min <= -77 * type.max
        assert made.dtype.max >= -77 * type.min


@pytest.mark.parametrize("values", [(1 << 63, 1), ((1 << 70) + 45, 0, -3), (7, 5)])
def test_products_with_constants_of_any_size(values: tuple[int, ...]) -> None:
    pyrtl.reset_working_block()
    x = range(3, 3 + len(values))
    beat = HDLTensor.constant(list(x))
    for step in constant_product_steps(values):
        beat = step(beat)
    expected = [a * b for a, b in zip(x, values, strict=True)]
    assert [(beat[at].low, beat[at].high) for at in range(len(values))] == [(y, y) for y in expected]
