"""Tells type checkers the names of ``golden.ops``, which are known when it is imported: ``python -m golden.stub``.

Writes ``golden/ops/__init__.pyi``, and is part of ``make format``. A test holds that it names what is there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from golden import ops

HEAD = '"""The names of golden.ops for type checkers, written by ``make format``: one for each file."""'


def stub(classes: Sequence[type]) -> str:
    """What a type checker has to know of the package of these ops."""
    names = {"golden.ops.op": "Op", **{op.__module__: op.__name__ for op in classes}}
    lines = [f"from {module} import {name} as {name}" for module, name in sorted(names.items())]
    return "\n".join([HEAD, "", *lines, "", "ALL: tuple[type, ...]", ""])


def main() -> None:
    """The command."""
    path, text = Path(ops.__path__[0]) / "__init__.pyi", stub(ops.ALL)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        print(f"written: {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
