"""The ops: one file each, of the same name as its hardware in ``rtlgen/ops``."""

from golden.ops.argmax import Argmax
from golden.ops.dense import Dense
from golden.ops.op import Op
from golden.ops.relu import Relu
from golden.ops.requantize import Requantize
from golden.ops.reshape import Reshape

ALL: tuple[type, ...] = (Argmax, Dense, Relu, Requantize, Reshape)
"""Every op there is; tests hold the hardware and the table of cases against it."""

__all__ = ["ALL", "Argmax", "Dense", "Op", "Relu", "Requantize", "Reshape"]
