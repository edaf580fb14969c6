"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``: every file here is read."""

from importlib import import_module
from pkgutil import iter_modules

from golden.ops import ALL

FILES = tuple(sorted(module.name for module in iter_modules(__path__)))
"""The ops that have hardware, by the name of the file."""

_WITHOUT_MEANING = set(FILES) - {op.__name__.lower() for op in ALL}
if _WITHOUT_MEANING:
    _first = min(_WITHOUT_MEANING)
    raise ImportError(f"rtlgen/ops/{_first}.py is hardware of an op that is not there: add golden/ops/{_first}.py")
for _name in FILES:
    import_module(f"{__name__}.{_name}")
