"""Networks of which one thing that the file says was changed: most are nonsense, some are valid by accident."""

from __future__ import annotations

import copy
import random
import struct
from collections.abc import Callable

import numpy as np
from tflite_writer import Tensor, TfliteModel


def _shape(model: TfliteModel, choose: random.Random) -> None:
    tensor = choose.choice(model.tensors)
    shape = list(tensor.shape)
    if shape and choose.random() < 0.7:
        place = choose.randrange(len(shape))
        shape[place] = choose.choice((shape[place] + 1, shape[place] - 1, 2 * shape[place], 1, 0, -1))
    elif shape and choose.random() < 0.5:
        del shape[choose.randrange(len(shape))]
    else:
        shape.insert(choose.randrange(len(shape) + 1), choose.choice((1, 1, 2)))
    tensor.shape = tuple(shape)


def _permuted_shape(model: TfliteModel, choose: random.Random) -> None:
    tensor = choose.choice(model.tensors)
    tensor.shape = tuple(choose.sample(tensor.shape, len(tensor.shape)))


def _quantized(model: TfliteModel, choose: random.Random) -> Tensor:
    return choose.choice([tensor for tensor in model.tensors if tensor.scales is not None])


def _scale(model: TfliteModel, choose: random.Random) -> None:
    tensor = _quantized(model, choose)
    tensor.scales = tensor.scales * np.float32(choose.choice((0, -1, 0.5, 2, 1 + 2**-20, 1e-9, 1e9, np.nan, np.inf)))


def _zero_point(model: TfliteModel, choose: random.Random) -> None:
    tensor = _quantized(model, choose)
    tensor.zero_points = tensor.zero_points + choose.choice((1, -1, 7, -7, 255, 1 << 40))


def _counts(model: TfliteModel, choose: random.Random) -> None:
    tensor = _quantized(model, choose)
    count = choose.choice((0, 1, 2, len(tensor.scales) + 1))
    tensor.scales = np.resize(tensor.scales, count)
    if choose.random() < 0.7:
        tensor.zero_points = np.resize(tensor.zero_points, count)


def _axis(model: TfliteModel, choose: random.Random) -> None:
    _quantized(model, choose).axis = choose.choice((0, 1, 2, 3, -1, 9))


def _type(model: TfliteModel, choose: random.Random) -> None:
    choose.choice(model.tensors).type = choose.choice(("UINT8", "INT16", "INT32", "INT64", "FLOAT32", "INT4", "BOOL"))


def _data(model: TfliteModel, choose: random.Random) -> None:
    constants = [tensor for tensor in model.tensors if tensor.data]
    if not constants:
        return
    tensor = choose.choice(constants)
    data = bytearray(tensor.data)
    if tensor.type == "INT32" and choose.random() < 0.7:
        place = choose.randrange(len(data) // 4) * 4
        (number,) = struct.unpack_from("<i", data, place)
        near = choose.choice((number + 1, number - 1, -number, 0, 2**31 - 1, -(2**31)))
        struct.pack_into("<i", data, place, max(-(2**31), min(2**31 - 1, near)))
    elif choose.random() < 0.5:
        data[choose.randrange(len(data))] = choose.randrange(256)
    else:
        data = data[: choose.randrange(len(data) + 1)]
    tensor.data = bytes(data)


def _constant(model: TfliteModel, choose: random.Random) -> None:
    tensor = choose.choice(model.tensors)
    tensor.data = None if tensor.data is not None else bytes(max(0, int(np.prod(tensor.shape))))


def _indices(model: TfliteModel, choose: random.Random) -> None:
    operator = choose.choice(model.operators)
    where = choose.choice((operator.inputs, operator.inputs, operator.outputs, model.inputs, model.outputs))
    way = choose.randrange(4)
    if way == 0:
        choose.shuffle(where)
    elif way == 1 and where:
        where[choose.randrange(len(where))] = choose.choice((-1, choose.randrange(len(model.tensors)), 10000, -2))
    elif way == 2 and where:
        del where[choose.randrange(len(where))]
    else:
        where.append(choose.randrange(-1, len(model.tensors)))


def _kind(model: TfliteModel, choose: random.Random) -> None:
    a, b = choose.choice(model.operators), choose.choice(model.operators)
    a.kind = choose.choice((b.kind, "RELU", "RELU6", "SUB", "MUL", "MAX_POOL_2D", "SVDF", "CUSTOM:thing", "SQUEEZE"))
    if choose.random() < 0.5:
        a.table, a.options = b.table, b.options


def _options(model: TfliteModel, choose: random.Random) -> None:
    operators = [operator for operator in model.operators if operator.options]
    if not operators:
        return
    operator = choose.choice(operators)
    name = choose.choice(list(operator.options))
    value = operator.options[name]
    if isinstance(value, list):
        operator.options[name] = [v + choose.choice((0, 1, -1)) for v in value]
    elif isinstance(value, str):
        operator.options[name] = choose.randrange(0, 7)
    elif isinstance(value, bool):
        operator.options[name] = not value
    elif isinstance(value, float):
        operator.options[name] = choose.choice((0.0, -1.0, 1e-12, 1e12, float("nan"), float("inf"), value / 3))
    else:
        operator.options[name] = choose.choice((value + 1, value - 1, 0, -1, 1 << 20, 2 * value))


def _table(model: TfliteModel, choose: random.Random) -> None:
    operator = choose.choice(model.operators)
    operator.table, operator.options = "" if choose.random() < 0.7 else "AddOptions", {}


def _order(model: TfliteModel, choose: random.Random) -> None:
    choose.shuffle(model.operators)


def _flags(model: TfliteModel, choose: random.Random) -> None:
    tensor = choose.choice(model.tensors)
    way = choose.randrange(4)
    if way == 0:
        tensor.variable = True
    elif way == 1:
        tensor.sparse = True
    elif way == 2:
        tensor.buffer = choose.choice((0, 1, 2, 1000))
    else:
        signature = list(tensor.shape)
        if signature:
            signature[choose.randrange(len(signature))] = -1
        tensor.signature = tuple(signature)


_CHANGES: tuple[Callable[[TfliteModel, random.Random], None], ...] = (
    *[_shape] * 2,
    _permuted_shape,
    _scale,
    _zero_point,
    _counts,
    _axis,
    _type,
    *[_data] * 2,
    _constant,
    *[_indices] * 2,
    _kind,
    *[_options] * 3,
    _table,
    _order,
    _flags,
)


def changed(model: TfliteModel, choose: random.Random) -> TfliteModel:
    """A copy with one thing changed, seldom two."""
    mutant = copy.deepcopy(model)
    for _ in range(choose.choice((1, 1, 1, 2))):
        choose.choice(_CHANGES)(mutant, choose)
    return mutant
