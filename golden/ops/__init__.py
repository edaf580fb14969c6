"""The ops: one file each, of the same name as its hardware in ``rtlgen/ops``."""

from golden.ops.add import Add
from golden.ops.argmax import Argmax
from golden.ops.averagepool import AveragePool
from golden.ops.clamp import Clamp
from golden.ops.concat import Concat
from golden.ops.conv import Conv
from golden.ops.dense import Dense
from golden.ops.lookup import Lookup
from golden.ops.maxpool import MaxPool
from golden.ops.multiply import Multiply
from golden.ops.op import Op
from golden.ops.pad import Pad
from golden.ops.relu import Relu
from golden.ops.requantize import Requantize
from golden.ops.reshape import Reshape
from golden.ops.slice import Slice
from golden.ops.softmax import Softmax
from golden.ops.sum import Sum
from golden.ops.transpose import Transpose
from golden.ops.wrap import Wrap

ALL: tuple[type, ...] = (
    Add,
    Argmax,
    AveragePool,
    Clamp,
    Concat,
    Conv,
    Dense,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Relu,
    Requantize,
    Reshape,
    Slice,
    Softmax,
    Sum,
    Transpose,
    Wrap,
)
"""Every op there is; tests hold the hardware and the table of cases against it."""

__all__ = [
    "ALL",
    "Add",
    "Argmax",
    "AveragePool",
    "Clamp",
    "Concat",
    "Conv",
    "Dense",
    "Lookup",
    "MaxPool",
    "Multiply",
    "Op",
    "Pad",
    "Relu",
    "Requantize",
    "Reshape",
    "Slice",
    "Softmax",
    "Sum",
    "Transpose",
    "Wrap",
]
