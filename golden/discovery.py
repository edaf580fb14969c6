"""Which ops there are: those that have a file in ``golden/ops``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules


def ops_in(package: str, path: Iterable[str]) -> tuple[type, ...]:
    """The class of each file that is called as the file is, in the order of the files.

    Raises:
        ImportError: for a file without such a class, or with several.
    """
    classes = []
    for name in sorted(module.name for module in iter_modules(path)):
        if name == "op":
            continue
        module = import_module(f"{package}.{name}")
        own = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__name__.lower() == name]
        if len(own) != 1:
            raise ImportError(
                f"golden/ops/{name}.py must have one class that is called {name} in capitals and lower case"
            )
        classes += own
    return tuple(classes)
