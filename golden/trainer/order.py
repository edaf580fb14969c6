"""Which layer of a chain comes where none of its kind can."""

from __future__ import annotations

import re
from collections.abc import Sequence


def first_wrong(letters: str, order: re.Pattern[str], endings: Sequence[str]) -> int | None:
    """The first place at which a chain cannot be one of ``order``; None if it is one.

    Args:
        letters: the kinds of its layers.
        order: of such letters.
        endings: one of them completes every beginning of a chain.
    """
    if order.fullmatch(letters):
        return None
    for place in range(len(letters)):
        if not any(order.fullmatch(letters[: place + 1] + ending) for ending in endings):
            return place
    return len(letters) - 1  # all may be there, but not be the last
