"""Arithmetic on single elements: each function says what it costs; its result is exactly as wide as it must be.

Everything is computed modulo ``2**bits`` of the result, where ``bits`` follows from the interval of the result. Signed
and unsigned operands mix freely: each is extended by its own rule, and the low bits come out right.
"""

from __future__ import annotations

from golden.types import IntType
from rtlgen.csd import csd_split, trailing_zeros
from rtlgen.element import Element, net, wire_slice

Interval = tuple[int, int]
LIMB_BITS = 64
"""``pyrtl.CompiledSimulation`` computes in words of 64 bits, and cannot drop whole words of a product."""


def add(a: Element, b: Element, within: Interval | None = None) -> Element:
    """``a + b``: one adder. ``within`` is the interval of the result where the operands depend on each other."""
    low, high = within or (a.low + b.low, a.high + b.high)
    if low == high:
        return Element.constant(low)
    if a.is_constant:
        a, b = b, a
    if b.is_constant and b.low <= 0:  # x - 5 of an unsigned x needs no extension, x + -5 does
        return a if b.low == 0 else _adder("-", a, Element.constant(-b.low), low, high)
    return _adder("+", a, b, low, high)


def subtract(a: Element, b: Element, within: Interval | None = None) -> Element:
    """``a - b``: one adder. ``within`` as in `add`."""
    low, high = within or (a.low - b.high, a.high - b.low)
    if low == high:
        return Element.constant(low)
    if b.is_constant:
        return add(a, Element.constant(-b.low), (low, high))
    return _adder("-", a, b, low, high)


def _adder(op: str, a: Element, b: Element, low: int, high: int) -> Element:
    bits, common = IntType.holding(low, high).bits, max(a.bits, b.bits)
    if bits < common or a.low < 0 or b.low < 0:
        # Modulo 2**bits nothing above matters. Of unsigned operands the carry is the top bit, and comes for free.
        common = bits
    return Element(net(op, (a.resized(common), b.resized(common)), bits), low, high)


def negate(a: Element) -> Element:
    """``-a``: one adder."""
    return subtract(Element.constant(0), a)


def shift_left(a: Element, s: int) -> Element:
    """``a * 2**s``: wiring."""
    if s == 0 or a.is_constant:
        return a if s == 0 else Element.constant(a.low << s)
    return Element(net("c", (a.wire, Element.constant(0).resized(s)), a.bits + s), a.low << s, a.high << s)


def shift_right(a: Element, s: int) -> Element:
    """``floor(a / 2**s)``: wiring."""
    low, high = a.low >> s, a.high >> s
    if s == 0 or low == high:
        return a if s == 0 else Element.constant(low)
    return Element(wire_slice(a.wire, min(s, a.bits - 1), a.bits), low, high)


def rounding_shift(a: Element, s: int) -> Element:
    """``floor(a / 2**s + 1/2)``, ties upwards: an adder of the bits that remain, and one more."""
    if s == 0:
        return a
    return shift_right(add(shift_right(a, s - 1), Element.constant(1)), 1)


def multiply(a: Element, b: Element) -> Element:
    """``a * b``: one multiplier of the hardware; of a constant, shifts and adders; of a bit, an AND per bit."""
    if a.is_constant or b.is_constant:
        return scale(a, b.low) if b.is_constant else scale(b, a.low)
    if a.is_boolean or b.is_boolean:
        return select(b, a, Element.constant(0)) if b.is_boolean else select(a, b, Element.constant(0))
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(corners), max(corners)
    bits, common = IntType.holding(low, high).bits, max(a.bits, b.bits)
    if a.low < 0 or b.low < 0:
        common = max(common, bits)
    result = net("*", (a.resized(common), b.resized(common)), bits if common <= LIMB_BITS else 2 * common)
    return Element(wire_slice(result, 0, bits), low, high)


def scale(x: Element, c: int) -> Element:
    """``x * c``: one adder less than ``c`` has canonical signed digits; none if ``x`` was scaled by ``c`` before."""
    if x.is_constant or c == 0:
        return Element.constant(x.low * c)
    shift = trailing_zeros(c)
    odd = c >> shift
    if odd == 1:
        return shift_left(x, shift)
    if odd not in x.multiples:
        x.multiples[odd] = _odd_multiple(x, odd)
    return shift_left(x.multiples[odd], shift)


def _odd_multiple(x: Element, c: int) -> Element:
    within = min(c * x.low, c * x.high), max(c * x.low, c * x.high)
    if c == -1:
        return negate(x)
    upper, lower = csd_split(c)
    if upper < 0 and lower < 0:
        return negate(scale(x, -c))
    if lower < 0:
        return subtract(scale(x, upper), scale(x, -lower), within)
    if upper < 0:
        return subtract(scale(x, lower), scale(x, -upper), within)
    return add(scale(x, upper), scale(x, lower), within)


def less(a: Element, b: Element) -> Element:
    """``a < b`` as 0 or 1: one comparator; none where the intervals decide, one bit where ``b`` is 0."""
    if a.high < b.low or a.low >= b.high:
        return Element.constant(int(a.high < b.low))
    if a.is_constant or b.is_constant:  # the low bits of a constant may never matter: x < 8 does not look at 3 of them
        shift = trailing_zeros(b.low) if b.is_constant else trailing_zeros(a.low + 1)
        a, b = shift_right(a, shift), shift_right(b, shift)
    if a.is_constant and a.low in (-2, -1, 0):
        return at_least(b, Element.constant(a.low + 1))
    if b.is_constant and b.low in (1, -1) and a.low < 0:  # the bounds of saturation: gates, where a carry chain is dear
        sign, edge = wire_slice(a.wire, a.bits - 1, a.bits), equal(a, Element.constant(min(b.low, 0)))
        if b.low == 1:
            return Element(net("|", (sign, edge.wire), 1), 0, 1)
        return Element(net("&", (sign, invert(edge).wire), 1), 0, 1)
    if a.low >= 0 and b.low >= 0:
        common = max(a.bits, b.bits)
        return Element(net("<", (a.resized(common), b.resized(common)), 1), 0, 1)
    difference = subtract(a, b)
    return Element(wire_slice(difference.wire, difference.bits - 1, difference.bits), 0, 1)


def equal(a: Element, b: Element) -> Element:
    """``a == b`` as 0 or 1: one comparator; none where the intervals decide."""
    if a.high < b.low or b.high < a.low:
        return Element.constant(0)
    if a.is_constant and b.is_constant:
        return Element.constant(1)
    common = IntType.holding(min(a.low, b.low), max(a.high, b.high)).bits
    return Element(net("=", (a.resized(common), b.resized(common)), 1), 0, 1)


def at_least(a: Element, b: Element) -> Element:
    """``a >= b`` as 0 or 1: as `less`, and an inverter."""
    return invert(less(a, b))


def unequal(a: Element, b: Element) -> Element:
    """``a != b`` as 0 or 1: as `equal`, and an inverter."""
    return invert(equal(a, b))


def invert(a: Element) -> Element:
    """``1 - a`` of an ``a`` that is 0 or 1: an inverter."""
    if a.is_constant:
        return Element.constant(1 - a.low)
    # Not "~": PyRTL prints it within expressions, and in Verilog ``~(a) + b`` inverts a after extending it to the sum.
    return Element(net("^", (a.wire, Element.constant(1).wire), 1), 0, 1)


def select(condition: Element, a: Element, b: Element, within: Interval | None = None) -> Element:
    """``a if condition else b``, where the condition is 0 or 1: a multiplexer of the bits of the result.

    ``within`` is the interval of the result where it depends on more than ``a`` and ``b``.
    """
    if condition.is_constant or a is b:
        return a if condition.low or a is b else b
    low, high = within or (min(a.low, b.low), max(a.high, b.high))
    if low == high:
        return Element.constant(low)
    if a.is_constant and b.is_constant and (low, high) == (0, 1):
        return condition if a.low else invert(condition)
    bits = IntType.holding(low, high).bits
    return Element(net("x", (condition.wire, b.resized(bits), a.resized(bits)), bits), low, high)


def maximum(a: Element, b: Element) -> Element:
    """The greater of two: a comparator and a multiplexer; nothing where the intervals decide."""
    return select(less(a, b), b, a, within=(max(a.low, b.low), max(a.high, b.high)))


def minimum(a: Element, b: Element) -> Element:
    """The smaller of two: a comparator and a multiplexer; nothing where the intervals decide."""
    return select(less(b, a), b, a, within=(min(a.low, b.low), min(a.high, b.high)))


def clip(x: Element, low: int, high: int) -> Element:
    """``x`` saturated to ``[low, high]``: a comparator and a multiplexer for each bound that ``x`` can exceed."""
    floor, ceiling = Element.constant(low), Element.constant(high)
    within = min(max(x.low, low), high), min(max(x.high, low), high)
    if within[0] == within[1]:
        return Element.constant(within[0])
    at_most = select(less(ceiling, x), ceiling, x, within)  # wrong below the floor, where it is not chosen
    return select(less(x, floor), floor, at_most, within)
