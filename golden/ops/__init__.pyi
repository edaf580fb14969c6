"""The names of golden.ops for type checkers, written by ``make format``: one for each file."""

from golden.ops.add import Add as Add
from golden.ops.argmax import Argmax as Argmax
from golden.ops.averagepool import AveragePool as AveragePool
from golden.ops.clamp import Clamp as Clamp
from golden.ops.concat import Concat as Concat
from golden.ops.conv import Conv as Conv
from golden.ops.dense import Dense as Dense
from golden.ops.lookup import Lookup as Lookup
from golden.ops.maxpool import MaxPool as MaxPool
from golden.ops.multiply import Multiply as Multiply
from golden.ops.op import Op as Op
from golden.ops.pad import Pad as Pad
from golden.ops.relu import Relu as Relu
from golden.ops.requantize import Requantize as Requantize
from golden.ops.reshape import Reshape as Reshape
from golden.ops.slice import Slice as Slice
from golden.ops.softmax import Softmax as Softmax
from golden.ops.sum import Sum as Sum
from golden.ops.transpose import Transpose as Transpose
from golden.ops.wrap import Wrap as Wrap

ALL: tuple[type, ...]
