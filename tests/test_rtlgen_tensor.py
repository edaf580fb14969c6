"""Tensors of wires against numpy: equal values, exact intervals, exact widths."""

import itertools
import shutil
from dataclasses import dataclass

import numpy as np
import pyrtl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.types import IntType
from rtlgen.tensor import HDLTensor

fixed = settings(derandomize=True, deadline=None, max_examples=25)
VECTORS = 6


@pytest.fixture(autouse=True)
def _fresh_block():
    pyrtl.reset_working_block()


@dataclass
class Spec:
    """An input tensor: the interval of each element."""

    low: np.ndarray
    high: np.ndarray

    def tensor(self, name):
        names = [f"{name}_{i}" for i in range(self.low.size)]
        wires = np.empty(self.low.size, dtype=object)
        for i, (low, high) in enumerate(zip(self.low.flat, self.high.flat, strict=True)):
            wires[i] = pyrtl.Input(IntType.holding(low, high).bits, names[i])
        return HDLTensor.of(wires.reshape(self.low.shape), self.low, self.high)

    def values(self, rng, vector):
        """The low corner, the high corner, mixed corners, then anything."""
        anything = rng.integers(self.low, self.high, endpoint=True)
        corner = np.where(rng.integers(0, 2, self.low.shape), self.low, self.high)
        return (self.low, self.high, corner, corner)[vector] if vector < 4 else anything


@st.composite
def specs(draw, *shapes):
    """A tensor for each shape: elements signed, unsigned, only negative, boolean or of a single value."""
    result = []
    for shape in shapes:
        kind = draw(st.sampled_from(["any", "signed", "unsigned", "negative", "boolean"]))
        count = int(np.prod(shape))
        draws = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 50)), min_size=count, max_size=count))
        bounds = {
            "any": lambda a, b: (a - 20, a - 20 + b),
            "signed": lambda a, b: (-a - 1, b),
            "unsigned": lambda a, b: (a, a + b),
            "negative": lambda a, b: (-a - b - 1, -a - 1),
            "boolean": lambda a, b: (0, 1),
        }[kind]
        pairs = np.array([bounds(a, b) for a, b in draws], dtype=np.int64).reshape(*shape, 2)
        result.append(Spec(pairs[..., 0], pairs[..., 1]))
    return result


def shapes(max_dims=3, max_side=3):
    return st.lists(st.integers(1, max_side), max_size=max_dims).map(tuple)


@st.composite
def broadcasting(draw, count=2):
    """Tensors whose shapes broadcast to each other."""
    full = draw(shapes(2))
    parts = []
    for _ in range(count):
        shape = tuple(draw(st.sampled_from([1, side])) for side in full)
        parts.append(shape[draw(st.integers(0, len(shape))) :])
    return draw(specs(*parts))


def unsigned(wire_bits, value):
    return int(value) & ((1 << wire_bits) - 1)


def decoded(raw, bits, signed):
    return raw - (1 << bits) if signed and raw >> (bits - 1) else raw


def check(hardware, reference, *inputs):
    """``hardware`` of tensors equals ``reference`` of arrays, within exactly wide intervals."""
    pyrtl.reset_working_block()
    result = hardware(*(spec.tensor(f"x{i}") for i, spec in enumerate(inputs)))
    for i, (wire, low, high) in enumerate(zip(result.wires.flat, result.low.flat, result.high.flat, strict=True)):
        assert wire.bitwidth == IntType.holding(low, high).bits
        assert isinstance(wire, pyrtl.Const) or low < high
        output = pyrtl.Output(wire.bitwidth, f"y_{i}")
        output <<= wire
    simulation = pyrtl.Simulation(tracer=None)
    rng = np.random.default_rng(0)
    for vector in range(VECTORS):
        xs = [spec.values(rng, vector) for spec in inputs]
        pins = {f"x{i}_{j}": int(v) for i, x in enumerate(xs) for j, v in enumerate(x.flat)}
        bits = {wire.name: wire.bitwidth for wire in pyrtl.working_block().wirevector_subset(pyrtl.Input)}
        simulation.step({name: unsigned(bits[name], value) for name, value in pins.items()})
        expected = np.asarray(reference(*xs))
        assert result.shape == expected.shape
        for i, (value, low, high) in enumerate(
            zip(expected.astype(np.int64).flat, result.low.flat, result.high.flat, strict=True)
        ):
            assert low <= value <= high
            wire_type = IntType.holding(low, high)
            assert decoded(simulation.inspect(f"y_{i}"), wire_type.bits, wire_type.signed) == value


BINARY = {
    "add": (lambda a, b: a + b, np.add),
    "subtract": (lambda a, b: a - b, np.subtract),
    "multiply": (lambda a, b: a * b, np.multiply),
    "equal": (lambda a, b: a == b, np.equal),
    "unequal": (lambda a, b: a != b, np.not_equal),
    "less": (lambda a, b: a < b, np.less),
    "less_equal": (lambda a, b: a <= b, np.less_equal),
    "greater": (lambda a, b: a > b, np.greater),
    "greater_equal": (lambda a, b: a >= b, np.greater_equal),
    "maximum": (lambda a, b: a.maximum(b) if isinstance(a, HDLTensor) else b.maximum(a), np.maximum),
    "minimum": (lambda a, b: a.minimum(b) if isinstance(a, HDLTensor) else b.minimum(a), np.minimum),
}
UNARY = {
    "negate": (lambda x: -x, np.negative),
    **{f"shift_left_{s}": (lambda x, s=s: x << s, lambda x, s=s: x << s) for s in (0, 1, 5)},
    **{f"shift_right_{s}": (lambda x, s=s: x >> s, lambda x, s=s: x >> s) for s in (0, 1, 3, 9)},
    "rounding_shift_0": (lambda x: x.rounding_shift(0), lambda x: x),
    **{
        f"rounding_shift_{s}": (lambda x, s=s: x.rounding_shift(s), lambda x, s=s: (x + 2 ** (s - 1)) >> s)
        for s in (1, 2, 3, 9)
    },
    **{
        f"clip_{low}_{high}": (lambda x, a=low, b=high: x.clip(a, b), lambda x, a=low, b=high: np.clip(x, a, b))
        for low, high in [(-8, 7), (0, 15), (-3, 5), (4, 4), (-20, -2), (-1, 0), (None, 6), (-6, None), (100, 120)]
    },
    **{f"times_{c}": (lambda x, c=c: x * c, lambda x, c=c: x * c) for c in (0, 1, -1, 4, -4, 3, -3, -5, 85, -77, 127)},
    **{f"below_{c}": (lambda x, c=c: x < c, lambda x, c=c: x < c) for c in (-8, -1, 0, 1, 6, 8)},
    **{f"above_{c}": (lambda x, c=c: c < x, lambda x, c=c: c < x) for c in (-8, -2, -1, 0, 1, 7)},
}
SMALL = list(itertools.combinations_with_replacement(range(-3, 4), 2))
"""Every interval within [-3, 3]."""


def single(name, low, high):
    return Spec(np.array(low), np.array(high)).tensor(name)


# --- arithmetic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BINARY)
@fixed
@given(inputs=broadcasting())
def test_binary_equals_numpy(name, inputs):
    check(*BINARY[name], *inputs)


@pytest.mark.parametrize("name", BINARY)
@fixed
@given(data=st.data())
def test_binary_with_constants_equals_numpy(name, data):
    spec, other = data.draw(broadcasting())
    hardware, reference = BINARY[name]
    check(lambda x: hardware(x, other.low), lambda x: reference(x, other.low), spec)
    check(lambda x: hardware(other.low, x), lambda x: reference(other.low, x), spec)


@pytest.mark.parametrize("name", UNARY)
@settings(fixed, max_examples=15)
@given(data=st.data())
def test_unary_equals_numpy(name, data):
    check(*UNARY[name], *data.draw(specs(data.draw(shapes(2)))))


@pytest.mark.parametrize("name", BINARY)
def test_binary_intervals_are_exact(name):
    hardware, reference = BINARY[name]
    tensors = [single(f"x{low}_{high}", low, high) for low, high in SMALL]
    for (x, (xl, xh)), (y, (yl, yh)) in itertools.product(zip(tensors, SMALL, strict=True), repeat=2):
        reachable = reference(np.arange(xl, xh + 1)[:, np.newaxis], np.arange(yl, yh + 1)).astype(int)
        result = hardware(x, y)
        assert (result.low, result.high) == (reachable.min(), reachable.max())


@pytest.mark.parametrize("name", UNARY)
def test_unary_intervals_are_exact(name):
    hardware, reference = UNARY[name]
    for low, high in [*SMALL, (-9, -3), (0, 255), (-128, 127), (5, 100)]:
        reachable = reference(np.arange(low, high + 1)).astype(int)
        result = hardware(single(f"x{low}_{high}", low, high))
        assert (result.low, result.high) == (reachable.min(), reachable.max())


@pytest.mark.parametrize(
    ("x", "y"),
    [((1, 2), (2, 1)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 1, 2, 3), (2, 3, 1)), ((2, 2, 2), (2,))],
)
@settings(fixed, max_examples=8)
@given(data=st.data())
def test_matmul_equals_numpy(x, y, data):
    a, b = data.draw(specs(x, y))
    check(lambda a, b: a @ b, np.matmul, a, b)
    check(lambda a: a @ b.low, lambda a: a @ b.low, a)
    check(lambda b: a.high @ b, lambda b: a.high @ b, b)


def test_nothing_overflows_beyond_int64():
    x = HDLTensor.unpack(pyrtl.Input(80, "x"), (), IntType(80, True))
    y = HDLTensor.unpack(pyrtl.Input(33, "y"), (), IntType(33, False))
    z = x * y + 2**200 - x * 3**40
    output = pyrtl.Output(len(z.wires[()]), "z")
    output <<= z.wires[()]
    simulations = [pyrtl.Simulation(tracer=None), pyrtl.FastSimulation(tracer=None)]
    if shutil.which("gcc"):
        simulations.append(pyrtl.CompiledSimulation())
    for simulation in simulations:
        for a, b in [(-(2**79), 2**33 - 1), (2**79 - 1, 12345678901 % 2**33), (-1, 1)]:
            simulation.step({"x": unsigned(80, a), "y": b})
            assert simulation.inspect("z") == a * b + 2**200 - a * 3**40


@settings(fixed, max_examples=40)
@given(data=st.data())
def test_multiples_of_one_element_share_and_agree(data):
    (spec,) = data.draw(specs((1,)))
    factors = np.array(data.draw(st.lists(st.integers(-300, 300), min_size=1, max_size=6)))
    check(lambda x: x * factors, lambda x: x * factors, spec)


# --- choice and reduction ---------------------------------------------------------------------------------------------


@fixed
@given(inputs=broadcasting(4))
def test_where_equals_numpy(inputs):
    check(lambda a, b, c, d: HDLTensor.where(a < b, c, d), lambda a, b, c, d: np.where(a < b, c, d), *inputs)


def test_where_takes_a_wire_an_array_or_a_constant():
    wire = pyrtl.Input(1, "choice")
    x = single("x", -3, 9)
    assert (HDLTensor.where(wire, x, -5).low, HDLTensor.where(wire, x, -5).high) == (-5, 9)
    nets = len(pyrtl.working_block().logic)
    assert HDLTensor.where(pyrtl.Const(1, 1), x, 50).high == 9
    assert list(HDLTensor.where(np.array([True, False]), x, 50).high) == [9, 50]
    assert HDLTensor.where([1, 0], 3, 4).low.tolist() == [3, 4]
    assert len(pyrtl.working_block().logic) == nets


@pytest.mark.parametrize("name", ["sum", "max", "min", "argmax"])
@settings(fixed, max_examples=40)
@given(data=st.data())
def test_reduction_equals_numpy(name, data):
    shape = data.draw(shapes())
    axes = [None, *range(-len(shape), len(shape))]
    if name != "argmax" and len(shape) > 1:
        axes += [(0, -1), tuple(range(len(shape)))]
    axis, keepdims = data.draw(st.sampled_from(axes)), data.draw(st.booleans())
    (spec,) = data.draw(specs(shape))
    check(
        lambda x: getattr(x, name)(axis=axis, keepdims=keepdims),
        lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims),
        spec,
    )


@pytest.mark.parametrize("name", ["sum", "max", "min", "argmax"])
def test_reduction_intervals_are_exact(name):
    intervals = list(itertools.combinations_with_replacement(range(4), 2))
    wires = [single(f"x{low}_{high}", low, high) for low, high in intervals]
    for chosen in itertools.product(range(len(intervals)), repeat=3):
        result = getattr(HDLTensor.concat([wires[i].reshape(1) for i in chosen]), name)()
        spans = [np.arange(intervals[i][0], intervals[i][1] + 1) for i in chosen]
        every = np.stack(np.meshgrid(*spans, indexing="ij")).reshape(3, -1)
        reachable = getattr(np, name)(every, axis=0)
        assert (result.low, result.high) == (reachable.min(), reachable.max())


def test_argmax_takes_the_first_of_equals():
    check(lambda x: x.argmax(), np.argmax, Spec(np.full(7, -1), np.full(7, 1)))
    check(lambda x: HDLTensor.concat([x, x, x]).argmax(), lambda x: 0, Spec(np.array([-4]), np.array([3])))


def test_argmax_ignores_what_never_wins():
    low, high = np.array([0, 2, 0, 0]), np.array([9, 2, 9, 2])  # the last one may equal the second, and comes later
    assert Spec(low, high).tensor("x").argmax().high == 2
    check(lambda x: x.argmax(), np.argmax, Spec(low, high))


def test_sum_of_nothing_is_zero():
    empty = HDLTensor.constant(np.zeros((2, 0), dtype=int))
    assert empty.sum(axis=1).low.tolist() == [0, 0]
    with pytest.raises(ValueError, match="must have an element to choose"):
        empty.max(axis=1)


def test_sum_is_a_balanced_tree():
    x = HDLTensor(64, value="input", bits=8)
    total = x.sum()
    output = pyrtl.Output(total.wires[()].bitwidth, "y")
    output <<= total.wires[()]
    block = pyrtl.working_block()
    assert len(block.logic_subset("+")) == 63
    source, _ = block.net_connections()

    def depth(wire):
        net = source.get(wire)
        return 0 if net is None else (net.op == "+") + max(depth(arg) for arg in net.args)

    assert depth(output) == 6


# --- shape ------------------------------------------------------------------------------------------------------------

INDICES = [0, -1, slice(1, None), slice(None, None, -1), Ellipsis, None, (0, 1), (slice(None), 1), (Ellipsis, 0, None)]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_index_equals_numpy(index):
    spec = Spec(np.arange(12).reshape(2, 3, 2) - 7, np.arange(12).reshape(2, 3, 2))
    check(lambda x: x[index], lambda x: x[index], spec)


SHAPING = {
    "reshape": (lambda x: x.reshape(3, -1), lambda x: x.reshape(3, -1)),
    "reshape_tuple": (lambda x: x.reshape((12,)), lambda x: x.reshape((12,))),
    "transpose": (lambda x: x.transpose(), np.transpose),
    "transpose_axes": (lambda x: x.transpose(1, 2, 0), lambda x: x.transpose(1, 2, 0)),
    "T": (lambda x: x.T, lambda x: x.T),
    "concat": (lambda x: HDLTensor.concat([x, x[:1]]), lambda x: np.concatenate([x, x[:1]])),
    "concat_axis": (lambda x: HDLTensor.concat([x, x * 2], axis=-1), lambda x: np.concatenate([x, x * 2], axis=-1)),
    "concat_array": (lambda x: HDLTensor.concat([x[0, 0], [5, -6]]), lambda x: np.concatenate([x[0, 0], [5, -6]])),
    "rows": (lambda x: list(x)[1], lambda x: list(x)[1]),
}


@pytest.mark.parametrize("name", SHAPING)
def test_shaping_equals_numpy(name):
    check(*SHAPING[name], Spec(np.arange(12).reshape(2, 3, 2) - 7, np.arange(12).reshape(2, 3, 2)))


def test_wiring_adds_no_logic():
    x = HDLTensor(2, 3, value="input", bits=5)
    before = len(pyrtl.working_block().logic)
    y = HDLTensor.concat([x.T.reshape(2, 3), x[::-1]])
    assert y.shape == (4, 3)
    assert (y * 1 + 0).wires[3, 2] is x.wires[0, 2]
    assert len(pyrtl.working_block().logic) == before


# --- construction, packing, registers ---------------------------------------------------------------------------------


def test_attributes():
    x = HDLTensor(2, 3, value=[[1, 2, 3], [4, 5, -6]])
    assert (x.shape, x.ndim, x.size, len(x), x.signed, str(x.dtype)) == ((2, 3), 2, 6, 2, True, "s4")
    assert repr(x) == "HDLTensor(s4[2, 3])"
    assert [w.bitwidth for w in x.wires.flat] == [1, 2, 2, 3, 3, 4]
    assert x.low.tolist() == x.high.tolist() == [[1, 2, 3], [4, 5, -6]]
    assert not pyrtl.working_block().logic


def test_random_contents_depend_on_the_seed_alone():
    first, again, other = HDLTensor(4, 4, seed=1), HDLTensor(4, 4, seed=1), HDLTensor(4, 4, seed=2)
    assert first.low.tolist() == again.low.tolist() != other.low.tolist()
    assert HDLTensor(50, bits=3, signed=False).low.min() == 0
    assert HDLTensor(50, bits=3, signed=False).low.max() == 7


def test_input_is_packed_with_element_0_lowest():
    x = HDLTensor(2, 2, value="input", bits=4, name="pixels")
    output = pyrtl.Output(5, "y")
    output <<= x[1, 0].pack(IntType(5, True))
    simulation = pyrtl.Simulation(tracer=None)
    simulation.step({"pixels": 0x0901})
    assert decoded(simulation.inspect("y"), 5, True) == -7
    assert x.dtype == IntType(4, True)


def test_value_may_be_a_wire_or_wires():
    packed = HDLTensor(3, value=pyrtl.Input(12, "a"), bits=4, signed=False)
    assert packed.high.tolist() == [15, 15, 15]
    wires = [[pyrtl.Input(4, f"b{i}{j}") for j in range(2)] for i in range(3)]
    nested = HDLTensor(3, 2, value=wires, bits=4)
    assert nested.wires[2, 1] is wires[2][1]
    assert HDLTensor.of(wires, -8, 7).wires[1, 0] is wires[1][0]
    assert HDLTensor.of(wires[0][0], 0, 9).shape == ()


@settings(fixed, max_examples=40)
@given(data=st.data())
def test_unpack_inverts_pack(data):
    (spec,) = data.draw(specs(data.draw(shapes())))
    wide = IntType(int(data.draw(st.integers(8, 12))), True)
    check(lambda x: HDLTensor.unpack(x.pack(wide), x.shape, wide), lambda x: x, spec)
    check(lambda x: x.cast(wide), lambda x: x, spec)


def test_pack_of_constants_is_a_constant():
    packed = HDLTensor.constant([1, -1, 3]).pack(IntType(4, True))
    assert isinstance(packed, pyrtl.Const)
    assert packed.val == 0x3F1


def test_known_range_narrows():
    x = single("x", -128, 127)
    assert x.known_range(0, 9).wires[()].bitwidth == 4
    assert x.known_range(-1000, 1000).wires[()] is x.wires[()]
    spec = Spec(np.array([-9, -9]), np.array([9, 9]))
    check(lambda x: (x * x).known_range([0, 0], [81, 81]), lambda x: x * x, spec)
    with pytest.raises(ValueError, match=r"\[-128, 127\] can have no value"):
        x.known_range(200, 300)


def run(register, cycles):
    """What the one element of ``register`` holds on each cycle; ``cycles`` are the inputs."""
    output = pyrtl.Output(register.wires.flat[0].bitwidth, "held")
    output <<= register.wires.flat[0]
    simulation = pyrtl.Simulation(tracer=None)
    held = []
    for inputs in cycles:
        simulation.step(inputs)
        held.append(decoded(simulation.inspect("held"), len(output), register.signed))
    return held


def test_register_delays_a_cycle():
    x = single("x", -8, 7)
    assert run(x.register("r"), [{"x_0": 3}, {"x_0": 15}, {"x_0": 0}]) == [0, 3, -1]


def test_register_holds_without_enable_and_reset_wins():
    x, enable, reset = single("x", 3, 7), pyrtl.Input(1, "enable"), pyrtl.Input(1, "reset")
    held = x.register("r", enable, reset)
    assert (held.low, held.high) == (0, 7)
    cycles = [(5, 1, 0), (6, 0, 0), (7, 1, 1), (4, 1, 0), (3, 0, 1), (3, 0, 0)]
    assert run(held, [{"x_0": x, "enable": e, "reset": r} for x, e, r in cycles]) == [0, 5, 5, 0, 4, 0]


def test_register_names_and_intervals():
    x = HDLTensor.of([pyrtl.Input(3, "a"), pyrtl.Input(4, "b")], [-4, 9], [3, 11])
    held = x.register("held")
    assert [wire.name for wire in held.wires] == ["held_0", "held_1"]
    assert (held.low.tolist(), held.high.tolist()) == ([-4, 9], [3, 11])
    assert x[0].register("alone").wires[()].name == "alone"
    assert x.register("cleared", reset=pyrtl.Input(1, "reset")).low.tolist() == [-4, 0]
    negative = HDLTensor.of(pyrtl.Input(5, "c"), -9, -3).register("n", reset=pyrtl.Input(1, "reset2"))
    assert (negative.low, negative.high) == (-9, 0)


def test_a_constant_needs_a_register_only_if_a_reset_can_clear_it():
    constant = HDLTensor.constant(-5)
    assert constant.register("c", enable=pyrtl.Input(1, "enable")).high == -5
    assert not pyrtl.working_block().wirevector_subset(pyrtl.Register)
    assert HDLTensor.constant(0).register("z", reset=pyrtl.Input(1, "clear")).high == 0
    held = constant.register("c", reset=pyrtl.Input(1, "reset"))
    assert (held.low, held.high) == (-5, 0)
    assert run(held, [{"enable": 0, "clear": 0, "reset": r} for r in (0, 1, 0, 0)]) == [0, -5, 0, -5]


def test_named_elements_can_be_found():
    x = HDLTensor(2, value="input", bits=4) + np.array([1, -30])
    y = HDLTensor.concat([x, [6]]).named("conv1_acc")
    assert y.high.tolist() == [8, -23, 6]
    simulation = pyrtl.Simulation(tracer=None)
    simulation.step({"net_input": 0x72})
    assert [simulation.inspect(f"conv1_acc_{i}") for i in range(3)] == [3, unsigned(7, -23), 6]
    assert x[0].named("alone").wires[()].name == "alone"


def test_a_constant_may_be_used_in_any_block():
    ten = HDLTensor.constant(10)
    for _ in range(2):
        pyrtl.reset_working_block()
        assert (single("x", 0, 5) + ten).high == 15
        assert ten.wires[()] in pyrtl.working_block().wirevector_set


# --- cost -------------------------------------------------------------------------------------------------------------


def ops():
    return sorted(net.op for net in pyrtl.working_block().logic)


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        (lambda x, y: x[1] + y[1], ["+"]),
        (lambda x, y: x[1] - y[1], ["-"]),
        (lambda x, y: y[0] * y[1], ["*"]),
        (lambda x, y: y[0] - 5, ["-"]),
        (lambda x, y: y[0] + -5, ["-"]),
        (lambda x, y: x[0] < 0, ["s"]),
        (lambda x, y: x[0] > -1, ["^", "s"]),
        (lambda x, y: x[0].clip(0, None), ["s", "s", "x"]),
        (lambda x, y: y[0] > 300, []),
        (lambda x, y: x[0] * 0, []),
        (lambda x, y: x[0] * 8, ["c"]),
        (lambda x, y: y[0] * 7, ["-", "c", "c"]),
        (lambda x, y: y[0].maximum(0), []),
        (lambda x, y: x[0] >> 2, ["s"]),
    ],
)
def test_cost_in_nets(hardware, expected):
    x = HDLTensor.of([pyrtl.Input(8, "a"), pyrtl.Input(8, "b")], [-128, 0], [127, 255])
    y = HDLTensor.of([pyrtl.Input(8, "c"), pyrtl.Input(8, "d")], 0, 255)
    hardware(x, y)
    assert ops() == expected


def test_constants_never_multiply():
    x = HDLTensor(8, value="input", bits=8)
    weights = np.random.default_rng(0).integers(-128, 128, (8, 8))
    x @ weights + weights * x
    assert "*" not in ops()


def test_no_inverter_that_verilog_would_extend():
    x, y = single("x", -8, 7), single("y", -8, 7)
    (x >= y) + (x == 1) + (y != 1) + (x <= 3) + HDLTensor.where(x != y, 0, 1)
    assert "~" not in ops()


def test_multiplication_is_one_multiplier():
    x = HDLTensor.of([pyrtl.Input(8, "a"), pyrtl.Input(8, "b")], [-128, 0], [127, 255])
    x[0] * x[1]
    assert ops().count("*") == 1
    assert not {"+", "-", "x"} & set(ops())  # no sign correction around it: that would not become a DSP block


# --- errors -----------------------------------------------------------------------------------------------------------


def block_of_other():
    wire = pyrtl.Input(4, "other")
    pyrtl.reset_working_block()
    return wire


ERRORS = {
    "value out of range": (
        lambda x: HDLTensor(2, value=[3, 130]),
        ValueError,
        r"at \[1\] must lie in .*-128, 127.* 130",
    ),
    "value negative": (lambda x: HDLTensor(1, value=[-1], signed=False), ValueError, r"\[0, 255\] \(u8\), but is -1"),
    "value of another shape": (lambda x: HDLTensor(2, 2, value=[1, 2]), ValueError, r"\(2, 2\) must .*not \(2,\)"),
    "value float": (lambda x: HDLTensor(1, value=[1.0]), TypeError, "integers, but has 1.0 of type float"),
    "value ragged": (lambda x: HDLTensor(2, value=[[1], [2, 3]]), (ValueError, TypeError), "integers"),
    "value unknown": (lambda x: HDLTensor(2, value="inptu"), ValueError, "\"input\", a wire, .* not 'inptu'"),
    "dimension zero": (lambda x: HDLTensor(2, 0), ValueError, r"positive, not \(2, 0\)"),
    "dimension float": (lambda x: HDLTensor(2.0), TypeError, "ints, not 2.0"),
    "packed width": (
        lambda x: HDLTensor(2, value=pyrtl.Input(9, "w"), bits=4),
        ValueError,
        "8 bits wide, not the 9 of",
    ),
    "wire width": (lambda x: HDLTensor(1, value=[pyrtl.Input(9, "w")]), ValueError, "8 bits wide, not the 9 of 'w'"),
    "wires ragged": (lambda x: HDLTensor.of([[x.wires[0]], x.wires[0]], -8, 7), ValueError, "nested regularly"),
    "wires mixed": (lambda x: HDLTensor.of([x.wires[0], 3], -8, 7), TypeError, "WireVector, not 3 of type int"),
    "bounds shape": (lambda x: HDLTensor.of(x.wires, [0, 0], 15), ValueError, "must broadcast to the shape"),
    "other block": (lambda x: HDLTensor.of(block_of_other(), 0, 15), ValueError, "'other' must belong to the working"),
    "mixed blocks": (lambda x: HDLTensor(3, value=(block_of_other(), "input")[1], bits=4) + x, ValueError, "belong to"),
    "operand float": (lambda x: x + 0.5, TypeError, "integers, but has 0.5"),
    "operand float array": (lambda x: np.ones(3) * x, TypeError, "integers, but has 1.0"),
    "operand wire": (lambda x: x + x.wires[0], TypeError, "has no sign"),
    "operand none": (lambda x: x == None, TypeError, "integers, but has None"),  # noqa: E711
    "broadcast": (lambda x: x + np.array([1, 2]), ValueError, r"\(3,\) and \(2,\) do not"),
    "matmul": (lambda x: x @ np.ones((2, 3), int), ValueError, r"not \(3,\) and \(2, 3\)"),
    "matmul scalar": (lambda x: x @ 3, ValueError, r"not \(3,\) and \(\)"),
    "matmul batch": (
        lambda x: np.ones((2, 1, 3), int) @ HDLTensor.constant(np.ones((3, 3, 1), int)),
        ValueError,
        "batches of @",
    ),
    "axis": (lambda x: x.sum(axis=1), ValueError, r"one of the 1 of shape \(3,\), not 1"),
    "axis type": (lambda x: x.max(axis="0"), TypeError, "an axis must be an int, not '0'"),
    "axis twice": (lambda x: x.sum(axis=(0, -1)), ValueError, "must differ"),
    "shift by tensor": (lambda x: x >> x, TypeError, "a constant int"),
    "shift negative": (lambda x: x << -1, ValueError, "not by -1"),
    "clip": (lambda x: x.clip(3, 2), ValueError, r"low <= high, not \[3, 2\]"),
    "clip float": (lambda x: x.clip(0, 2.5), TypeError, "ints or None, not 2.5"),
    "condition": (lambda x: HDLTensor.where(x, 1, 2), ValueError, r"in \[0, 1\], not in \[-8, 7\]"),
    "condition width": (lambda x: HDLTensor.where(x.wires[0], 1, 2), ValueError, "1 bits wide, not the 4"),
    "index": (lambda x: x[x[0]], TypeError, "HDLTensor.where"),
    "truth": (lambda x: bool(x[0] > 3), TypeError, "no truth value"),
    "hash": (lambda x: {x: 1}, TypeError, "unhashable"),
    "pack": (lambda x: (x * 2).pack(IntType(4, True)), ValueError, r"element \[0\] .*\(s4\).* interval is \[-16, 14\]"),
    "pack sign": (lambda x: x.pack(IntType(9, False)), ValueError, r"\(u9\)"),
    "pack nothing": (lambda x: x[:0].pack(IntType(4, True)), ValueError, "no element to pack"),
    "cast": (lambda x: x.cast(IntType(3, True)), ValueError, r"\(s3\)"),
    "unpack": (lambda x: HDLTensor.unpack(x.wires[0], (2,), IntType(3, True)), ValueError, "6 bits wide, not the 4"),
    "enable": (lambda x: x.register("r", enable=x.wires[0]), ValueError, "the enable of r must be 1 bits wide"),
    "reset": (lambda x: x.register("r", reset=1), TypeError, "the reset of r must be a pyrtl.WireVector, not 1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_was_expected_and_what_came(name):
    act, kind, message = ERRORS[name]
    x = HDLTensor(3, value="input", bits=4)
    with pytest.raises(kind, match=message):
        act(x)


def test_a_second_port_needs_a_name_of_its_own() -> None:
    with pyrtl.temp_working_block():
        HDLTensor(2, value="input")
        with pytest.raises(ValueError, match="there is a wire 'net_input' in this block already"):
            HDLTensor(2, value="input")
        assert HDLTensor(2, value="input", name="other").shape == (2,)
