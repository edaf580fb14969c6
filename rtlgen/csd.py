"""Canonical signed digits: a constant written with the fewest additions and subtractions of shifted copies."""

from __future__ import annotations


def csd_digits(n: int) -> list[tuple[int, int]]:
    """The non-zero digits of ``n`` in canonical signed digit form, as ``(position, sign)`` from the lowest up.

    ``n == sum(sign << position)``, every sign is +1 or -1, and no two positions are adjacent. No signed-binary form of
    ``n`` has fewer non-zero digits (Reitwiesner 1960): ``7`` is ``8 - 1``, not ``4 + 2 + 1``. Zero has no digits.

    Raises:
        TypeError: if ``n`` is not an int.
    """
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"canonical signed digits are those of an int, not of {n!r}")
    digits = []
    position = 0
    while n:
        if n & 1:
            sign = 2 - (n & 3)  # ...01 ends with +1; ...11 is one less than a multiple of four
            digits.append((position, sign))
            n -= sign
        n >>= 1
        position += 1
    return digits


def csd_split(n: int) -> tuple[int, int]:
    """``n`` as ``(upper, lower)``, the values of the two halves of its digits: the root of a balanced adder tree.

    Raises:
        ValueError: if ``n`` has fewer than two non-zero digits: then it is a shift, and there is nothing to add.
    """
    digits = csd_digits(n)
    if len(digits) < 2:
        raise ValueError(f"a sum of two needs a constant with two or more signed digits, not {n}")
    lower = sum(sign << position for position, sign in digits[: len(digits) // 2])
    return n - lower, lower


def trailing_zeros(n: int) -> int:
    """How often two divides ``n``; 0 for 0."""
    return (n & -n).bit_length() - 1 if n else 0
