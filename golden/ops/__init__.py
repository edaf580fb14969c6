"""The ops: one file each, of the same name as its hardware in ``rtlgen/ops``."""

from importlib import import_module
from pkgutil import iter_modules

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


def _found() -> tuple[type, ...]:
    """The class of each file that is called as the file is, in the order of the files."""
    classes = []
    for name in sorted(module.name for module in iter_modules(__path__)):
        if name == "op":
            continue
        module = import_module(f"{__name__}.{name}")
        own = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__name__.lower() == name]
        if len(own) != 1:
            raise ImportError(
                f"golden/ops/{name}.py must have one class that is called {name} in capitals and lower case"
            )
        classes += own
    return tuple(classes)


ALL = _found()
"""Every op there is, with or without a name here; tests hold the hardware and the table of cases against it."""

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
