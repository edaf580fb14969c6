"""Operators that move elements and leave their values alone, pooling, and the index of the largest."""

from __future__ import annotations

from math import prod

import numpy as np

from golden.importers.tflite_activations import check_same_quantization, fused_limits
from golden.importers.tflite_file import FileTensor
from golden.importers.tflite_layer import Layer, Value, graph_shape
from golden.importers.tflite_sums import window
from golden.ops import Argmax, AveragePool, Concat, MaxPool, Pad, Reshape, Slice, Transpose


def reshape(layer: Layer) -> None:
    """RESHAPE, to the shape of a constant tensor or of the options; SQUEEZE; EXPAND_DIMS: what the output says."""
    kind = layer.operator.kind
    layer.count({"SQUEEZE": (1,), "EXPAND_DIMS": (2,)}.get(kind, (1, 2)))
    x, out = layer.value(), layer.output()
    if x.type.size != prod(graph_shape(out)):
        raise ValueError(f"{x.file.shape} cannot become {out.shape}, which has another number of elements")
    if kind == "RESHAPE":
        _check_shape(layer, x, out)
    whole = [abs(d) for d in out.shape]
    if kind == "SQUEEZE":
        whole = _squeezed(layer, x)
    elif kind == "EXPAND_DIMS":
        whole = _expanded(layer, x)
    layer.result(Reshape(graph_shape(out)), x.name, whole=whole)


def _squeezed(layer: Layer, x: Value) -> list[int]:
    """The shape without the dimensions of 1 that the options name, or without any where they name none."""
    shape = [abs(d) for d in x.file.shape]
    named = [] if layer.operator.options is None else list(layer.options["SqueezeDims"])
    if any(not -len(shape) <= axis < len(shape) or shape[axis] != 1 for axis in named):
        raise ValueError(f"it must take dimensions of 1 out of {x.file.shape}, not those of {named}")
    gone = {axis % len(shape) for axis in named} or {axis for axis, d in enumerate(shape) if d == 1}
    return [d for axis, d in enumerate(shape) if axis not in gone]


def _expanded(layer: Layer, x: Value) -> list[int]:
    """The shape with a dimension of 1 more; a negative axis counts from the end of what is made."""
    shape, axes = [abs(d) for d in x.file.shape], layer.integers(1)
    rank = len(shape) + 1
    if len(axes) != 1 or not -rank <= axes[0] < rank:
        raise ValueError(f"its axis {axes} must be one of the {rank} dimensions that it makes")
    shape.insert(axes[0] % rank, 1)
    return shape


def _check_shape(layer: Layer, x: Value, out: FileTensor) -> None:
    """Raises ValueError where a shape is given, and is not that of the output; -1 is whatever is left."""
    if layer.has(1):
        given = layer.integers(1)
    elif layer.operator.options is not None:
        given = list(layer.options["NewShape"])
    else:
        raise ValueError("it has neither a tensor nor an option for its shape")
    wanted = [abs(d) for d in out.shape]
    if given == [0] and not out.shape:
        return
    if len(given) != len(wanted) or any(g not in (-1, w) for g, w in zip(given, wanted, strict=True)):
        raise ValueError(f"its shape is {given}, but its output has {out.shape}")


def transpose(layer: Layer) -> None:
    """TRANSPOSE by a constant permutation; the batch has one element, wherever it goes."""
    layer.count((2,))
    x = layer.value()
    permutation = [layer.axis(axis, x.file) for axis in layer.integers(1)]
    kept = tuple(axis for axis in permutation if axis >= 0)
    if sorted(kept) != list(range(len(x.type.shape))) or len(permutation) != len(x.file.shape):
        raise ValueError(f"its permutation {layer.integers(1)} does not fit {x.file.shape}")
    out = graph_shape(layer.output())
    made = [abs(d) for d in x.file.shape]
    if [made[i] for i in layer.integers(1)] != [abs(d) for d in layer.output().shape]:
        raise ValueError(f"the file says it makes {out}, but it permutes {x.file.shape} by {layer.integers(1)}")
    layer.result(Transpose(kept), x.name, whole=[made[i] for i in layer.integers(1)])


def concatenation(layer: Layer) -> None:
    """CONCATENATION of activations with one scale and zero point."""
    layer.count(tuple(range(1, len(layer.operator.inputs) + 1)))
    if layer.options["FusedActivationFunction"] != 0:
        raise NotImplementedError("it has a fused activation, supported is none")
    values = [layer.value(place) for place in range(len(layer.operator.inputs))]
    check_same_quantization(layer, *values)
    axis = layer.axis(layer.options["Axis"], values[0].file)
    if any(len(value.file.shape) != len(values[0].file.shape) for value in values):
        raise ValueError("its inputs must have as many dimensions")
    whole = [abs(d) for d in values[0].file.shape]
    place = layer.options["Axis"] % len(whole)
    whole[place] = sum(abs(value.file.shape[place]) for value in values)
    if axis >= 0 and all(len(value.type.shape) == len(values[0].type.shape) for value in values):
        layer.result(Concat(axis), *(value.name for value in values), whole=whole)
    else:
        layer.result(Concat(place), *(layer.whole(value) for value in values), whole=whole)


def pack(layer: Layer) -> None:
    """PACK: activations side by side along a new dimension."""
    layer.count(tuple(range(1, len(layer.operator.inputs) + 1)))
    values = [layer.value(place) for place in range(len(layer.operator.inputs))]
    check_same_quantization(layer, *values)
    shape = [abs(d) for d in values[0].file.shape]
    axis = layer.options["Axis"]
    if not -len(shape) - 1 <= axis <= len(shape) or any(v.file.shape != values[0].file.shape for v in values):
        raise ValueError(f"its inputs must have one shape, and its axis {axis} must be in it")
    if layer.options["ValuesCount"] != len(values):
        raise ValueError(f"it must have {layer.options['ValuesCount']} inputs, as its options say, not {len(values)}")
    axis %= len(shape) + 1
    single = (*shape[:axis], 1, *shape[axis:])
    pieces = [layer.step(f"piece{i}", Reshape(single), value.name) for i, value in enumerate(values)]
    layer.result(Concat(axis), *pieces, whole=(*shape[:axis], len(values), *shape[axis:]))


def pad(layer: Layer) -> None:
    """PAD with the zero point, PADV2 with a constant."""
    padv2 = layer.operator.kind == "PADV2"
    layer.count((3,) if padv2 else (2,))
    x = layer.value()
    check_same_quantization(layer, x)
    pairs = np.array(layer.integers(1)).reshape(-1, 2).tolist() if len(layer.integers(1)) % 2 == 0 else []
    batch = len(x.file.shape) - len(x.type.shape)
    if len(pairs) != len(x.file.shape) or any(pair != [0, 0] for pair in pairs[:batch]):
        raise ValueError(f"its padding {layer.integers(1)} must have a pair per dimension, and none for the batch")
    value = x.zero_point
    if padv2:
        constant = layer.constant(2, "INT8")
        tensor = layer.tensor(2)
        if constant.size != 1 or tensor.scales.tolist() != [x.scale] or tensor.zero_points.tolist() != [x.zero_point]:
            raise ValueError("its value must be one number with the scale and zero point of its input")
        value = int(constant.ravel()[0])
    if not any(sum(pair) for pair in pairs):
        layer.identity(x.name)
    else:
        whole = [abs(d) + sum(pair) for d, pair in zip(x.file.shape, pairs, strict=True)]
        layer.result(Pad(tuple((before, after) for before, after in pairs[batch:]), value), x.name, whole=whole)


def slice_(layer: Layer) -> None:
    """SLICE from constant places of constant sizes, -1 for all that is left."""
    layer.count((3,))
    x = layer.value()
    begin, size = layer.integers(1), layer.integers(2)
    shape = [abs(d) for d in x.file.shape]
    if not len(begin) == len(size) == len(shape):
        raise ValueError(f"it must have a place and a size per dimension of {x.file.shape}, not {begin} and {size}")
    sizes = [s if s != -1 else d - b for b, s, d in zip(begin, size, shape, strict=True)]
    _cut(layer, x, begin, sizes, [1] * len(shape), 0)


def strided_slice(layer: Layer) -> None:
    """STRIDED_SLICE by constants, with the masks of begin, end and shrink_axis."""
    layer.count((4,))
    x = layer.value()
    begin, sizes, strides = strides_of(layer, [abs(d) for d in x.file.shape])
    _cut(layer, x, begin, sizes, strides, 0, layer.options["ShrinkAxisMask"])


def strides_of(layer: Layer, shape: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Begin, size and stride of every dimension of a STRIDED_SLICE of ``shape``.

    Raises:
        NotImplementedError: for strides below 1, and masks that make new dimensions.
    """
    options = layer.options
    if options["EllipsisMask"] or options["NewAxisMask"] or options["Offset"]:
        raise NotImplementedError("it has an ellipsis, a new axis or an offset, supported are begin, end, shrink_axis")
    begin, end, strides = (layer.integers(place) for place in (1, 2, 3))
    if not len(begin) == len(end) == len(strides) == len(shape):
        raise ValueError(f"it must have a begin, an end and a stride per dimension of {shape}")
    if min(strides) < 1:
        raise NotImplementedError(f"its strides are {strides}, supported are those of at least 1")
    starts, sizes = [], []
    for i, d in enumerate(shape):
        start = 0 if options["BeginMask"] >> i & 1 else min(max(begin[i] + d * (begin[i] < 0), 0), d)
        stop = d if options["EndMask"] >> i & 1 else min(max(end[i] + d * (end[i] < 0), 0), d)
        if options["ShrinkAxisMask"] >> i & 1:
            stop = start + 1
        starts.append(start)
        sizes.append(-(-(stop - start) // strides[i]))
    return starts, sizes, strides


def split(layer: Layer) -> None:
    """SPLIT into equal parts, and SPLIT_V into parts of constant sizes."""
    equal = layer.operator.kind == "SPLIT"
    layer.count((2,) if equal else (3,), None)
    parts = len(layer.operator.outputs)
    x = layer.value(1 if equal else 0)
    (axis,) = layer.integers(0 if equal else 2) or [0]
    layer.axis(axis, x.file)
    shape = [abs(d) for d in x.file.shape]
    axis %= len(shape)
    sizes = [shape[axis] // parts] * parts if equal else layer.integers(1)
    if -1 in sizes:
        sizes = [s if s != -1 else shape[axis] - (sum(sizes) + 1) for s in sizes]
    if len(sizes) != parts or sum(sizes) != shape[axis]:
        raise ValueError(f"its parts {sizes} must be {parts}, and together dimension {axis} of {x.file.shape}")
    start = 0
    for place, size in enumerate(sizes):
        begin, part = [0] * len(shape), list(shape)
        begin[axis], part[axis] = start, size
        _cut(layer, x, begin, part, [1] * len(shape), place)
        start += size


def unpack(layer: Layer) -> None:
    """UNPACK: the parts of one dimension, which is dropped."""
    layer.count((1,), None)
    x = layer.value()
    axis = layer.options["Axis"]
    layer.axis(axis, x.file)
    shape = [abs(d) for d in x.file.shape]
    axis %= len(shape)
    if not shape[axis] == len(layer.operator.outputs) == layer.options["Num"]:
        raise ValueError(f"it makes {len(layer.operator.outputs)} parts of dimension {axis} of {x.file.shape}")
    for place in range(shape[axis]):
        begin, part = [0] * len(shape), list(shape)
        begin[axis], part[axis] = place, 1
        _cut(layer, x, begin, part, [1] * len(shape), place, 1 << axis)


def pool(layer: Layer) -> None:
    """AVERAGE_POOL_2D and MAX_POOL_2D: padding counts for nothing."""
    layer.count((1,))
    x = layer.value()
    check_same_quantization(layer, x)
    if len(x.file.shape) != 4 or len(x.type.shape) != 3:
        raise ValueError(f"its input must have the shape (1, rows, columns, channels), not {x.file.shape}")
    kernel = (layer.options["FilterHeight"], layer.options["FilterWidth"])
    stride, padding = window(layer, x, kernel)
    op = (AveragePool if layer.operator.kind == "AVERAGE_POOL_2D" else MaxPool)(kernel, stride, padding)
    limits = fused_limits(layer, layer.output())
    whole = (1, *op.out_type(x.type).shape)
    if limits is None:
        layer.result(op, x.name, whole=whole)
    else:
        layer.identity(layer.step("window", op, x.name), limits, whole)


def arg_max(layer: Layer) -> None:
    """ARG_MAX over one dimension, of which the first largest wins: an index of few bits."""
    layer.count((2,))
    x = layer.value()
    axis = layer.axis(layer.integers(1)[0], x.file) if layer.integers(1) else -1
    if axis < 0:
        raise ValueError("it must choose along a dimension behind the batch")
    last = len(x.type.shape) - 1
    source = x.name
    if axis != last:
        order = (*(i for i in range(last + 1) if i != axis), axis)
        source = layer.step("last", Transpose(order), source)
    type = layer.network.file.tensors[layer.operator.outputs[0]].type
    if type not in ("INT32", "INT64"):
        raise ValueError(f"its output must be INT32 or INT64, not {type}")
    batch = len(x.file.shape) - len(x.type.shape)
    layer.result(Argmax(), source, whole=[abs(d) for i, d in enumerate(x.file.shape) if i != axis + batch])


def _cut(
    layer: Layer, x: Value, begin: list[int], size: list[int], stride: list[int], place: int, dropped: int = 0
) -> None:
    """The part as an output; of the batch, which has one element, it must be that. ``dropped`` is a mask of axes."""
    layer.output(place)
    batch = len(x.file.shape) - len(x.type.shape)
    if any(b != 0 for b in begin[:batch]) or any(s != 1 for s in size[:batch]):
        raise ValueError(f"it takes {size} elements from {begin}, which is not all of the batch")
    op = Slice(tuple(begin[batch:]), tuple(size[batch:]), tuple(stride[batch:]))
    layer.result(op, x.name, place=place, whole=[d for i, d in enumerate(size) if not dropped >> i & 1])
