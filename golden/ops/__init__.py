"""The ops: one file each, of the same name as its hardware in ``rtlgen/ops``. A file is enough for an op to be here.

Its class is a name of this package: ``from golden.ops import Conv``. Type checkers know them from ``__init__.pyi``.
"""

from golden.discovery import ops_in
from golden.ops.op import Op

ALL = ops_in(__name__, __path__)
"""Every op there is; tests hold the hardware and the table of ops against it."""

globals().update({op.__name__: op for op in ALL})
__all__ = ["ALL", "Op"]
__all__ += [op.__name__ for op in ALL]
