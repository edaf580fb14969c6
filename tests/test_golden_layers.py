"""Float layers, each against a slow oracle in plain Python loops, and their messages."""

import itertools
import math

import numpy as np
import pytest

from golden import layers
from golden.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    ReLU6,
    Residual,
    Sigmoid,
    Tanh,
)
from golden.model import Linear, ReLU, Sequential


def samples(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 2.0, shape)


def conv_oracle(x, weight, bias, stride, padding, dilation, groups):
    """One sum after the other, zeros outside of ``x``."""
    batch, rows, columns, _ = x.shape
    outputs, k_rows, k_columns, inner = weight.shape
    (top, bottom), (left, right) = padding
    out_rows = (rows + top + bottom - (k_rows - 1) * dilation[0] - 1) // stride[0] + 1
    out_columns = (columns + left + right - (k_columns - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.empty((batch, out_rows, out_columns, outputs))
    for n, i, j, o in np.ndindex(y.shape):
        group = o // (outputs // groups)
        total = bias[o]
        for u, v, c in np.ndindex(k_rows, k_columns, inner):
            row, column = i * stride[0] - top + u * dilation[0], j * stride[1] - left + v * dilation[1]
            if 0 <= row < rows and 0 <= column < columns:
                total += weight[o, u, v, c] * x[n, row, column, group * inner + c]
        y[n, i, j, o] = total
    return y


CONVS = [
    ((6, 7, 3), (4, 3, 3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((6, 7, 3), (4, 3, 2, 3), (2, 1), ((1, 0), (2, 1)), (1, 2), 1),
    ((5, 5, 4), (6, 3, 3, 2), (1, 2), ((1, 1), (1, 1)), (1, 1), 2),
    ((5, 5, 4), (4, 3, 3, 1), (2, 2), ((1, 1), (1, 1)), (1, 1), 4),
    ((5, 5, 3), (6, 2, 2, 1), (1, 1), ((0, 1), (1, 0)), (2, 2), 3),
    ((1, 9, 2), (3, 1, 4, 2), (1, 2), ((0, 0), (3, 0)), (1, 1), 1),
    ((4, 4, 5), (2, 1, 1, 5), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
]


@pytest.mark.parametrize(("shape", "weights", "stride", "padding", "dilation", "groups"), CONVS)
def test_conv_is_a_sum_over_windows(shape, weights, stride, padding, dilation, groups):
    x, weight, bias = samples(2, *shape), samples(*weights, seed=1), samples(weights[0], seed=2)
    layer = Conv2d.from_weights(weight, bias, stride, padding, dilation, groups)
    expected = conv_oracle(x, weight, bias, stride, padding, dilation, groups)
    np.testing.assert_allclose(layer(x), expected, atol=1e-12)  # sums of another order
    assert layer.in_channels == shape[2]


@pytest.mark.parametrize("size", [(5, 6), (7, 7), (8, 3)])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (5, 1), (4, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1)])
def test_same_has_as_many_windows_as_strides_and_the_larger_half_last(size, kernel, stride):
    layer = Conv2d(2, 3, kernel, stride, "same")
    y = layer(samples(1, *size, 2))
    assert y.shape[1:3] == tuple(math.ceil(n / s) for n, s in zip(size, stride, strict=True))
    for before, after in layer.padding_of(size):
        assert after - before in (0, 1)


def test_a_batch_is_convolved_piece_by_piece(monkeypatch):
    layer, x = Conv2d(3, 4, 3, padding=1), samples(7, 5, 5, 3)
    whole = layer(x)
    monkeypatch.setattr("golden.layers.conv._ELEMENTS_AT_A_TIME", 2 * 5 * 5 * 9 * 3)
    np.testing.assert_allclose(layer(x), whole, atol=1e-13)  # other matrix products
    assert layer(x[:0]).shape == (0, 5, 5, 4)


def test_initial_weights_depend_on_the_seed_alone():
    assert np.array_equal(Conv2d(3, 4, 3, seed=1).weight, Conv2d(3, 4, 3, seed=1).weight)
    assert not np.array_equal(Conv2d(3, 4, 3, seed=1).weight, Conv2d(3, 4, 3, seed=2).weight)
    layer = Conv2d(32, 64, 3, groups=2)
    assert layer.weight.shape == (64, 3, 3, 16)
    assert layer.weight.var() == pytest.approx(2 / (9 * 16), rel=0.05)  # He, of 9216 weights
    assert not layer.bias.any()


def test_parameters_are_the_arrays_themselves():
    conv, norm = Conv2d(1, 2, 3), BatchNorm2d([1, 1], [0, 0], [0, 0], [1, 1])
    assert conv.parameters()[0] is conv.weight
    assert conv.parameters()[1] is conv.bias
    assert len(Conv2d(1, 2, 3, bias=False).parameters()) == 1
    assert norm.parameters()[3] is norm.running_var
    model = Sequential([Residual([conv, norm], [Conv2d(1, 2, 1)]), ReLU(), Flatten(), Linear(8, 1)])
    assert len(model.parameters()) == 2 + 4 + 2 + 2


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_batch_norm_is_a_scale_and_an_offset_per_channel(shape):
    weight, bias, mean, var = samples(4), samples(4, seed=1), samples(4, seed=2), samples(4, seed=3) ** 2
    layer, x = BatchNorm2d(weight, bias, mean, var, eps=0.01), samples(2, *shape, seed=4)
    y = layer(x)
    for place in np.ndindex(x.shape):
        c = place[-1]
        expected = (x[place] - mean[c]) / math.sqrt(var[c] + 0.01) * weight[c] + bias[c]
        assert y[place] == pytest.approx(expected, abs=1e-12)  # the order of product and division
    np.testing.assert_allclose(y, layer.scale * x + layer.offset, atol=1e-12)


def windows_of(x, kernel, stride, padding, ceil):
    """Rows and columns of each window that lie in ``x``, and how many places of it lie in ``x`` or the padding.

    As PyTorch says: with ``ceil`` the number of windows is rounded up, but each begins in ``x`` or before it.
    """
    sides = []
    for n, k, s, (before, after) in zip(x.shape[1:3], kernel, stride, padding, strict=True):
        count = (math.ceil if ceil else math.floor)((n + before + after - k) / s) + 1
        if ceil and (count - 1) * s >= n + before:
            count -= 1
        side = []
        for i in range(count):
            start = i * s - before
            inside = [p for p in range(start, start + k) if 0 <= p < n]
            side.append((inside, min(start + k, n + after) - start))
        sides.append(side)
    return sides


POOLS = list(
    itertools.product(
        [(6, 6), (7, 5), (8, 9)],
        [((2, 2), (2, 2), ((0, 0), (0, 0))), ((3, 3), (2, 2), ((1, 1), (1, 1))), ((3, 2), (3, 1), ((1, 0), (0, 1)))],
        [False, True],
    )
)


@pytest.mark.parametrize(("size", "geometry", "ceil"), POOLS)
def test_pools_are_the_largest_and_the_mean_of_windows(size, geometry, ceil):
    kernel, stride, padding = geometry
    x = samples(2, *size, 3)
    rows, columns = windows_of(x, kernel, stride, padding, ceil)
    largest = MaxPool2d(kernel, stride, padding, ceil)(x)
    without = AvgPool2d(kernel, stride, padding, count_include_pad=False, ceil=ceil)(x)
    counted = AvgPool2d(kernel, stride, padding, ceil=ceil)(x)
    assert largest.shape == without.shape == counted.shape == (2, len(rows), len(columns), 3)
    for n, i, j, c in np.ndindex(largest.shape):
        values = [x[n, row, column, c] for row in rows[i][0] for column in columns[j][0]]
        assert largest[n, i, j, c] == max(values)
        assert without[n, i, j, c] == pytest.approx(sum(values) / len(values), abs=1e-12)
        assert counted[n, i, j, c] == pytest.approx(sum(values) / (rows[i][1] * columns[j][1]), abs=1e-12)


def test_pools_take_the_kernel_as_stride():
    assert MaxPool2d(2).stride == (2, 2)
    assert AvgPool2d((3, 1)).stride == (3, 1)
    assert AvgPool2d(3, 1, "same")(samples(1, 4, 5, 2)).shape == (1, 4, 5, 2)


def test_global_mean():
    x = samples(2, 3, 4, 5)
    y, kept = GlobalAvgPool2d()(x), GlobalAvgPool2d(keep=True)(x)
    assert kept.shape == (2, 1, 1, 5)
    for n, c in np.ndindex(y.shape):
        total = sum(x[n, i, j, c] for i in range(3) for j in range(4))
        assert y[n, c] == pytest.approx(total / 12, abs=1e-12)  # another order of summation
        assert kept[n, 0, 0, c] == y[n, c]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (ReLU6(), lambda v: min(max(v, 0.0), 6.0)),
        (Sigmoid(), lambda v: 1 / (1 + math.exp(-v))),
        (Tanh(), math.tanh),
        (LeakyReLU(0.1), lambda v: v if v >= 0 else 0.1 * v),
        (LeakyReLU(), lambda v: v if v >= 0 else 0.01 * v),
    ],
    ids=["relu6", "sigmoid", "tanh", "leaky", "leaky_default"],
)
def test_functions_of_one_element(layer, expected):
    x = np.append(samples(40) * 3, [0.0, 6.0, -6.0, 30.0, -30.0]).reshape(5, 9)
    y = layer(x)
    for place in np.ndindex(x.shape):
        assert y[place] == pytest.approx(expected(x[place]), rel=1e-14)  # the last place of exp


def test_a_sigmoid_does_not_overflow():
    assert Sigmoid()(np.array([[-1e4, 0.0, 1e4]])).tolist() == [[0.0, 0.5, 1.0]]


def test_shapes():
    x = samples(2, 2, 3, 4)
    assert Flatten()(x)[1].tolist() == [x[1, i, j, c] for i in range(2) for j in range(3) for c in range(4)]
    assert np.array_equal(layers.Reshape((4, 6))(x).reshape(-1), x.reshape(-1))
    turned = layers.Transpose((2, 0, 1))(x)
    padded = layers.Pad(((1, 0), (0, 2), (0, 0)), 5.0)(x)
    assert padded.shape == (2, 3, 5, 4)
    for n, i, j, c in np.ndindex(x.shape):
        assert turned[n, c, i, j] == x[n, i, j, c] == padded[n, i + 1, j, c]
    assert padded.sum() == pytest.approx(x.sum() + 5.0 * (padded.size - x.size))  # another order of summation


def test_several_inputs():
    a, b, gate = samples(2, 3, 4, 5), samples(2, 3, 4, 5, seed=1), samples(2, 5, seed=2)
    total, product = layers.Add()(a, gate), layers.Multiply()(gate, a)
    for n, i, j, c in np.ndindex(a.shape):
        assert total[n, i, j, c] == a[n, i, j, c] + gate[n, c]
        assert product[n, i, j, c] == a[n, i, j, c] * gate[n, c]
    assert np.array_equal(layers.Concat()(a, b)[..., 5:], b)
    assert np.array_equal(layers.Concat(0)(a, b)[:, :3], a)
    assert layers.Concat(-2)(a, b).shape == (2, 3, 8, 5)


def test_a_residual_is_body_plus_shortcut():
    conv, one = Conv2d(2, 2, 3, padding=1), Conv2d(2, 2, 1, seed=5)
    x = samples(3, 4, 4, 2)
    assert np.array_equal(Residual([conv, ReLU()])(x), np.maximum(conv(x), 0) + x)
    assert np.array_equal(Residual([conv], [one])(x), conv(x) + one(x))
    assert np.array_equal(Sequential([Residual([conv]), ReLU()])(x), np.maximum(conv(x) + x, 0))


def test_layers_read_like_their_source():
    assert repr(Conv2d(3, 8, 3, 2, "same")) == "Conv2d(3, 8, (3, 3), stride=(2, 2), padding='same')"
    assert repr(Conv2d(4, 4, (1, 3), padding=((0, 0), (2, 0)), dilation=2, groups=4)) == (
        "Conv2d(4, 4, (1, 3), padding=((0, 0), (2, 0)), dilation=(2, 2), groups=4)"
    )
    assert repr(Residual([ReLU()], [Flatten()])) == "Residual([ReLU()], [Flatten()])"
    assert repr(BatchNorm2d([1], [0], [0], [1])) == "BatchNorm2d(1)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2d(0, 1, 3), "in_channels of Conv2d must be a positive int, not 0"),
        (lambda: Conv2d(3, 4, 3, groups=2), "multiples of groups, not 3 and 4 of 2"),
        (lambda: Conv2d(1, 1, (1, 2, 3)), "kernel_size of Conv2d must be an int or a pair"),
        (lambda: Conv2d(1, 1, 0), "kernel_size of Conv2d must be at least 1"),
        (lambda: Conv2d(1, 1, 3, padding=-1), "padding of Conv2d must be at least 0"),
        (lambda: Conv2d(1, 1, 3, padding="valid"), "padding of Conv2d must be ints or \"same\", not 'valid'"),
        (lambda: Conv2d.from_weights(np.ones((1, 2, 3)), [0.0]), r"not \(1, 2, 3\) and \(1,\)"),
        (
            lambda: BatchNorm2d([1.0], [1.0, 2.0], [0.0], [1.0]),
            r"four arrays of shape \(channels,\), not \(1,\), \(2,\)",
        ),
        (lambda: BatchNorm2d([1.0], [1.0], [0.0], [-1.0]), "running_var of BatchNorm2d must be above -eps"),
        (lambda: MaxPool2d(2, padding=2), "padding of MaxPool2d must be smaller than its kernel"),
        (lambda: LeakyReLU(np.nan), "slope of LeakyReLU must be a finite number"),
        (lambda: Residual([]), "at least one layer in its body"),
        (lambda: layers.Transpose((0, 0)), "each of 0..n-1 once"),
        (lambda: layers.Pad(((-1, 0),)), "must not be negative"),
        (lambda: Conv2d(3, 1, 3)(np.ones((1, 3, 3, 2))), "needs 3 channels, the innermost dimension"),
        (lambda: Conv2d(3, 1, 3)(np.ones((1, 9))), r"floats of shape \(batch, rows, columns, channels\), not \(1, 9\)"),
        (lambda: Conv2d(3, 1, 3)(np.ones((1, 2, 2, 3))), "smaller than one window"),
        (lambda: BatchNorm2d([1.0], [1.0], [0.0], [1.0])(np.ones((1, 2))), "needs 1 channels"),
        (lambda: GlobalAvgPool2d()(np.ones((1, 2))), "GlobalAvgPool2d needs floats of shape"),
        (lambda: layers.Reshape((5,))(np.ones((1, 2))), r"5 elements a sample, cannot take \(1, 2\)"),
        (lambda: layers.Add()(np.ones((1, 2)), np.ones((1, 3))), "their shapes do not broadcast"),
        (lambda: layers.Concat(0)(np.ones((1, 2, 2)), np.ones((1, 2, 3))), "cannot take"),
        (lambda: layers.Concat(2)(np.ones((1, 2))), "cannot take"),
        (lambda: Residual([Flatten()])(np.ones((1, 2, 2, 1))), "they must be equal"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
