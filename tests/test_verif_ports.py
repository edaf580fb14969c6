from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.types import IntType, TensorType
from verif.ports import Plan, Ports, StreamPort

DESCRIPTION = {
    "name": "iris",
    "top": "iris",
    "clock": "clk",
    "reset": "reset",
    "frame_error": "frame_error",
    "input": {"tensor": "x", "prefix": "s_axis", "lanes": 4, "bits": 8, "dtype": "s8", "shape": [4]},
    "output": {"tensor": "argmax1", "prefix": "m_axis", "lanes": 1, "bits": 8, "dtype": "u2", "shape": []},
    "streams": [{"tensor": "dense1", "prefix": "dense1_out", "lanes": 2, "bits": 19, "dtype": "s19", "shape": [10]}],
    "plan": {"ii_cycles": 12, "latency_cycles": 31},
}


def port(lanes, bits, type):
    return StreamPort("t", "t_out", lanes, bits, type)


def test_a_description_is_read(tmp_path):
    path = tmp_path / "iris.json"
    path.write_text(json.dumps(DESCRIPTION))
    ports = Ports.load(path)
    assert [p.tensor for p in ports.in_order] == ["x", "dense1", "argmax1"]
    assert [p.beats for p in ports.in_order] == [1, 5, 1]
    assert [p.wire("valid") for p in ports.in_order] == ["s_axis_tvalid", "dense1_out_valid", "m_axis_tvalid"]
    assert ports.plan == Plan(12, 31)


@pytest.mark.parametrize("key", ["top", "input", "streams"])
def test_a_missing_key_is_named(key, tmp_path):
    description = copy.deepcopy(DESCRIPTION)
    del description[key]
    path = tmp_path / "iris.json"
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match=f"must have '{key}'") as error:
        Ports.load(path)
    assert str(path) in error.value.__notes__[0]


def test_a_lane_must_hold_its_element():
    with pytest.raises(ValueError, match=r"cannot carry s9\[3\] in lanes of 8 bits"):
        port(1, 8, TensorType((3,), IntType(9, True)))


def test_two_streams_cannot_share_their_wires():
    description = copy.deepcopy(DESCRIPTION)
    description["streams"] *= 2
    with pytest.raises(ValueError, match="'dense1_out' is used twice"):
        Ports.parse(description)


def test_a_row_starts_a_beat_of_its_own():
    two_rows = port(2, 4, TensorType((2, 3), IntType(4, True)))
    assert two_rows.pack([[[1, -1, 2], [3, 4, -8]]]) == [[0xF1, 0x02, 0x43, 0x08]]
    assert [two_rows.lanes_used(beat) for beat in range(4)] == [2, 1, 2, 1]
    assert [two_rows.element(beat, 0) for beat in range(4)] == [(0, 0), (0, 2), (1, 0), (1, 2)]


def test_lanes_are_extended_and_scalars_take_one_beat():
    scalar = port(1, 8, TensorType((), IntType(3, True)))
    assert scalar.beats == 1
    assert scalar.pack([-1, 3]) == [[0xFF], [0x03]]
    assert scalar.element(0, 0) == ()
    assert scalar.lane(0xFF, 0) == -1


def test_garbage_fills_only_what_carries_no_meaning():
    wide = port(3, 100, TensorType((4,), IntType(8, True)))
    noise = np.random.default_rng(0)
    x = np.array([[1, -2, 3, -4]])
    first, second = wide.pack(x, noise)[0], wide.pack(x, noise)[0]
    assert first != second
    assert wide.unpack([first, second]).tolist() == [[1, -2, 3, -4]] * 2


def test_pack_takes_only_tensors_of_its_type():
    with pytest.raises(ValueError, match="tensor 't' must have shape"):
        port(1, 8, TensorType((3,), IntType(8, True))).pack(np.zeros((1, 4), int))


@given(st.data())
def test_unpack_is_the_inverse_of_pack(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), max_size=3)))
    dtype = IntType(data.draw(st.integers(1, 63)), data.draw(st.booleans()))
    stream = port(data.draw(st.integers(1, 5)), dtype.bits + data.draw(st.integers(0, 9)), TensorType(shape, dtype))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = rng.integers(dtype.min, dtype.max, (2, *shape), endpoint=True)
    for garbage in (None, rng):
        words = stream.pack(x, garbage)
        assert all(0 <= word < 1 << stream.width for sample in words for word in sample)
        np.testing.assert_array_equal(stream.unpack(words), x)
    plain = stream.pack(x)  # and lane by lane, by its definition
    for beat in range(stream.beats):
        for lane in range(stream.lanes_used(beat)):
            assert stream.lane(plain[1][beat], lane) == x[(1, *stream.element(beat, lane))]
