"""Many elements become one: sums, dot products and tournaments, all as balanced trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rtlgen.arithmetic import add, less, maximum, minimum, multiply, negate, scale, select, subtract
from rtlgen.element import Element

T = TypeVar("T")
Term = tuple[int, Element]
"""A sign, +1 or -1, and what it applies to."""


def sum_of(elements: Iterable[Element]) -> Element:
    """The sum: an adder for each element but one."""
    return sum_of_terms([(1, element) for element in elements])


def dot(a: Iterable[Element], b: Iterable[Element]) -> Element:
    """``sum(a * b)``: multipliers and adders; where one side is constant, shifts, adders and subtractors."""
    terms: list[Term] = []
    for x, y in zip(a, b, strict=True):
        if x.is_constant:
            x, y = y, x
        if y.is_constant:
            terms.append((-1 if y.low < 0 else 1, scale(x, abs(y.low))))
        else:
            terms.append((1, multiply(x, y)))
    return sum_of_terms(terms)


def sum_of_terms(terms: Sequence[Term]) -> Element:
    """The sum of signed terms; all the constants among them are one leaf of the tree."""
    constant = sum(sign * term.low for sign, term in terms if term.is_constant)
    leaves = [(sign, term) for sign, term in terms if not term.is_constant]
    if constant or not leaves:
        leaves.append((1, Element.constant(constant)))
    sign, total = _tree(leaves, _add_terms)
    return total if sign > 0 else negate(total)


def _add_terms(a: Term, b: Term) -> Term:
    if a[0] == b[0]:
        return a[0], add(a[1], b[1])
    plus, minus = (a[1], b[1]) if a[0] > 0 else (b[1], a[1])
    return 1, subtract(plus, minus)


def greatest(elements: Sequence[Element]) -> Element:
    """The greatest of one or more."""
    return _tree(list(elements), maximum)


def smallest(elements: Sequence[Element]) -> Element:
    """The smallest of one or more."""
    return _tree(list(elements), minimum)


def first_greatest(elements: Sequence[Element]) -> Element:
    """The index of the first of the greatest; elements whose intervals never let them win take no part."""
    floor = max(element.low for element in elements)
    first = next(index for index, element in enumerate(elements) if element.low == floor)
    rivals = [
        (element, Element.constant(index))
        for index, element in enumerate(elements)
        if element.high > floor or (element.high == floor and index <= first)
    ]
    return _tree(rivals, _winner)[1]


def _winner(a: tuple[Element, Element], b: tuple[Element, Element]) -> tuple[Element, Element]:
    later_wins = less(a[0], b[0])
    within = max(a[0].low, b[0].low), max(a[0].high, b[0].high)
    return select(later_wins, b[0], a[0], within), select(later_wins, b[1], a[1])


def _tree(leaves: list[T], combine: Callable[[T, T], T]) -> T:
    while len(leaves) > 1:
        pairs = [combine(a, b) for a, b in zip(leaves[::2], leaves[1::2], strict=False)]
        leaves = pairs + leaves[2 * len(pairs) :]
    return leaves[0]
