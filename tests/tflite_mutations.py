"""Damaged TensorFlow Lite files, seeded, and what may come of importing them: an error that says so, or a network."""

import random
import struct

import numpy as np
from tflite_layers import Network
from tflite_models import FOLDER, NAMES

import golden

ALLOWED = (ValueError, NotImplementedError, OSError)
_BYTES = (0, 1, 2, 3, 127, 128, 254, 255)
_WORDS = (0, 1, -1, 2, 4, 255, 1 << 15, (1 << 31) - 1, -(1 << 31), 0x7FC00000, 0x7F800000)
MAX_ELEMENTS = 1 << 22
"""Of the largest tensor of a network that is run; a larger one is only imported."""


def small_model() -> bytes:
    """A file with many kinds of operators, and few bytes of weights."""
    net = Network(seed=1)
    x = net.conv(net.placeholder(1, 6, 6, 2), 4, (3, 3), stride=(2, 2), padding="SAME")
    y = net.binary("ADD", x, net.depthwise(x, 1, (2, 2), padding="SAME"), activation="RELU")
    y = net.pool("AVERAGE_POOL_2D", y, (2, 2), (1, 1), "SAME")
    y = net.transpose(net.pad(y, [(0, 0), (1, 0), (0, 1), (0, 0)]), 0, 3, 1, 2)
    y = net.strided_slice(y, (0, 1, 0, 0), (1, 4, 4, 4), (1, 1, 2, 1))
    y = net.reduce("MEAN", net.concat(3, y, y), (1, 2), False)
    y = net.unary("LOGISTIC", net.dense(y, 3))
    net.output(net.softmax(net.reshape(y, (1, 3))))
    return net.bytes()


def seeds():
    """Whole files by name: ours, and the published ones where they are there."""
    published = {name: FOLDER / f"{name}.tflite" for name in NAMES}
    return {"small": small_model()} | {name: p.read_bytes() for name, p in published.items() if p.exists()}


def mutated(content, seed):
    """One damage of a few kinds; most hit the tables at the file's ends rather than the weights."""
    choose, damaged = random.Random(seed), bytearray(content)

    def place(width=1):
        near = min(len(damaged), 6000)
        at = choose.choice([choose.randrange(near), len(damaged) - 1 - choose.randrange(near)])
        at = choose.choice([at, at, choose.randrange(len(damaged))])
        return max(0, min(at - at % width, len(damaged) - width))

    kind = choose.choice(["bytes", "bytes", "bits", "words", "words", "offset", "cut", "copy", "insert"])
    if kind == "cut":
        return bytes(damaged[: choose.randrange(8, len(damaged))])
    for _ in range(choose.choice([1, 1, 1, 2, 4, 16])):
        if kind == "bytes":
            damaged[place()] = choose.choice([*_BYTES, choose.randrange(256)])
        elif kind == "bits":
            damaged[place()] ^= 1 << choose.randrange(8)
        elif kind == "words":
            struct.pack_into("<i", damaged, place(4), choose.choice(_WORDS))
        elif kind == "offset":
            at = place(4)
            old = struct.unpack_from("<i", damaged, at)[0]
            struct.pack_into("<i", damaged, at, max(-(1 << 31), min((1 << 31) - 1, old + choose.randrange(-16, 17))))
        elif kind == "copy":
            source, at, width = place(4), place(4), choose.choice([4, 8, 16, 64])
            piece = damaged[source : source + width]
            damaged[at : at + len(piece)] = piece
        else:
            at = place()
            damaged[at:at] = bytes(choose.randrange(1, 9))
    return bytes(damaged)


def attempt(path, content, seed=0):
    """What came of a file: the name of the error, ``large``, or ``runs``. Whatever else is raised is a defect."""
    path.write_bytes(content)
    try:
        graph = golden.from_tflite(path)
    except ALLOWED as error:
        kind, text = type(error).__name__, str(error)
        graph = None
    if graph is None:
        assert str(path) in text, "the message must name the file"
        assert len(text) > len(str(path)) + 20, "the message must say what is wrong"
        return kind
    if max(type.size for type in graph.types.values()) > MAX_ELEMENTS:
        return "large"
    rng = np.random.default_rng(seed)
    x = {n: rng.integers(t.dtype.min, t.dtype.max + 1, (2, *t.shape)) for n, t in graph.inputs.items()}
    for name, y in graph.run(x).items():
        dtype = graph.types[name].dtype
        assert y.shape == (2, *graph.types[name].shape)
        assert not y.size or dtype.min <= y.min() <= y.max() <= dtype.max
    return "runs"
