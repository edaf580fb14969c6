"""The hardware of each op, in the file of the same name as its meaning in ``golden/ops``: every file here is read."""

from importlib import import_module
from pkgutil import iter_modules

FILES = tuple(sorted(module.name for module in iter_modules(__path__)))
"""The ops that have hardware, by the name of the file."""

for _name in FILES:
    import_module(f"{__name__}.{_name}")
