"""Damaged ONNX files, seeded: bytes as in any file, and fields of the model, which then still is one to protobuf."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import onnx
from onnx_models import DATA
from test_golden_importers_onnx_errors import sources
from tflite_mutations import ALLOWED, MAX_ELEMENTS
from tflite_mutations import mutated as with_other_bytes

import golden

_INTS = (0, 1, -1, 2, 3, 7, 127, 128, 255, 1 << 16, (1 << 31) - 1, -(1 << 31), (1 << 62), -(1 << 63), (1 << 63) - 1)
_FLOATS = (0.0, -1.0, 1e-45, 1e-9, 1e30, float("inf"), float("nan"), 0.5, 1.0)
_OPS = ("Conv", "Add", "Mul", "Reshape", "Pad", "Slice", "Concat", "Softmax", "QLinearConv", "QLinearMatMul", "Gather")


def seeds() -> dict[str, bytes]:
    """Whole files by name: the float networks of the data folder, and small quantized ones."""
    small = {f"small{place}": content for place, content in enumerate(sources())}
    return small | {path.stem: path.read_bytes() for path in sorted(DATA.glob("*.onnx"))}


def mutated(content: bytes, seed: int) -> bytes:
    """One damage of the bytes, or of up to three fields."""
    choose = random.Random(seed)
    if choose.random() < 0.4:
        return with_other_bytes(content, seed)
    model = onnx.ModelProto.FromString(content)
    for _ in range(choose.choice((1, 1, 2, 3))):
        _change(choose.choice(list(_messages(model))), choose)
    return bytes(model.SerializeToString())


def _messages(message: Any) -> Any:
    """The message and all that are in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if hasattr(value, "__len__") and not hasattr(value, "ListFields") else [value]:
                yield from _messages(part)


def _change(message: Any, choose: random.Random) -> None:
    present = [field for field, _ in message.ListFields()]
    fields = present if present and choose.random() < 0.8 else list(message.DESCRIPTOR.fields)
    field = choose.choice(fields)
    values = getattr(message, field.name)
    if hasattr(values, "__len__") and not isinstance(values, str | bytes):
        _change_list(values, field, choose)
    elif field.message_type is not None:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _value(field, values, choose))


def _change_list(values: Any, field: Any, choose: random.Random) -> None:
    place = choose.randrange(len(values)) if len(values) else 0
    way = choose.randrange(3)
    if way == 0 and len(values):
        del values[place]
    elif field.message_type is not None:
        if len(values):
            values.add().CopyFrom(values[place])
    elif way == 1 or not len(values):
        values.append(_value(field, values[place] if len(values) else None, choose))
    else:
        values[place] = _value(field, values[place], choose)


def _value(field: Any, old: Any, choose: random.Random) -> Any:
    kinds = field.CPPTYPE_STRING, field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE
    if field.cpp_type in kinds[1:]:
        return choose.choice(_FLOATS)
    if field.cpp_type == kinds[0]:
        if field.type == field.TYPE_BYTES:
            data = bytearray(old or b"abcd")
            return bytes(data[: choose.randrange(len(data) + 1)] + bytes(choose.randrange(3)))
        return choose.choice((*_OPS, "", "x", "é", f"{old}_", "c0", "t0_0"))
    if field.cpp_type == field.CPPTYPE_ENUM:
        return choose.choice([value.number for value in field.enum_type.values])
    number = choose.choice((*_INTS, (old or 0) + 1, (old or 0) - 1))
    narrow = field.cpp_type == field.CPPTYPE_INT32
    if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
        return abs(number) % (1 << 32)
    return max(-(1 << 31), min((1 << 31) - 1, number)) if narrow else max(-(1 << 63), min((1 << 63) - 1, number))


def attempt(path: Any, content: bytes, seed: int = 0) -> str:
    """What came of a file: the name of the error, ``float``, ``large``, or ``runs``. All else is a defect."""
    path.write_bytes(content)
    try:
        graph = golden.from_onnx(path)
    except ALLOWED as error:
        kind, text = type(error).__name__, str(error)
        graph = None
    if graph is None:
        assert str(path) in text, f"the message must name the file: {text}"
        assert len(text) > len(str(path)) + 20, "the message must say what is wrong"
        return kind
    rng = np.random.default_rng(seed)
    if isinstance(graph, golden.Network):
        if sum(int(np.prod(shape)) for shape in graph.shapes.values()) > MAX_ELEMENTS:
            return "large"
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph({name: rng.normal(size=(2, *shape)) for name, shape in graph.inputs.items()})
        return "float runs"
    if max(type.size for type in graph.types.values()) > MAX_ELEMENTS:
        return "large"
    x = {n: rng.integers(t.dtype.min, t.dtype.max, (2, *t.shape), endpoint=True) for n, t in graph.inputs.items()}
    for name, y in graph.run(x).items():
        dtype = graph.types[name].dtype
        assert y.shape == (2, *graph.types[name].shape)
        assert not y.size or dtype.min <= y.min() <= y.max() <= dtype.max
    return "runs"
