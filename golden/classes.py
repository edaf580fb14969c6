"""Names of classes, as models and graphs take them."""

from __future__ import annotations

from collections.abc import Iterable


def checked_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """``classes`` as a tuple; a lone string, which would be taken for its letters, is refused."""
    names = classes if isinstance(classes, str) else tuple(classes)
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"classes must be a list of strings, not {names!r}")
    return names
