"""The coverage of a regression for people: a matrix with its holes by name, and what of the Verilog was moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golden.coverage import ONE_ELEMENT
from sim.coverage import PASSED, Bin, bins, holes, impossible_but_hit, merged
from sim.regression.cases import CaseResult

MOST_NAMES = 3
"""Holes that are named in a line of the terminal; all are in the page."""


@dataclass(frozen=True)
class Matrix:
    """One table: a row a kind of layer, for a class of shapes; a column a bin.

    Args:
        title: what its properties are about.
        columns: by property its bins.
        rows: by kind, and by the class of its shape if that is asked for, each column's bin and how often it was hit.
    """

    title: str
    columns: Mapping[str, Sequence[str]]
    rows: Mapping[str, Sequence[tuple[Bin, int]]]


@dataclass(frozen=True)
class Coverage:
    """What all passed cases have shown together.

    Args:
        found: by the text of a bin, how often it was hit.
        structures: by case, what of its Verilog was moved; fields of ``sim.structure.Structure``.
    """

    found: Mapping[str, int]
    structures: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, results: Sequence[CaseResult]) -> Coverage:
        """From the results of a regression."""
        passed = [result for result in results if result.passed]
        structures = {result.case.id: result.structure for result in passed if result.structure}
        return cls(merged([result.covered for result in passed]), structures)

    @property
    def possible(self) -> int:
        """Bins that can be hit."""
        return sum(bin.impossible is None for bin in bins())

    @property
    def holes(self) -> list[Bin]:
        """Those that were not."""
        return holes(self.found)

    @property
    def wrong(self) -> list[Bin]:
        """Those that were said to be impossible, and were hit."""
        return impossible_but_hit(self.found)

    @property
    def complete(self) -> bool:
        """Whether every bin was hit that can be, and no other."""
        return not self.holes and not self.wrong

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Why bins are impossible, and which kinds of layers and properties it is of."""
        shapes: dict[str, dict[tuple[str, str], set[str]]] = {}
        for bin in bins():
            if bin.impossible:
                of = shapes.setdefault(bin.impossible, {})
                of.setdefault((bin.kind, bin.property.partition(",")[0]), set()).add(bin.shape)
        found: dict[str, list[str]] = {}
        for reason, of in shapes.items():
            refused = any(property == PASSED for _, property in of)  # with such a shape there is no layer at all
            for (kind, property), own in of.items():
                name = f"{kind}, {', '.join(own)}" if own == {ONE_ELEMENT} else kind
                if not refused or property == PASSED:
                    found.setdefault(reason, []).append(name if refused else f"{name}: {property}")
        return found

    @property
    def matrices(self) -> list[Matrix]:
        """The tables: what has the same properties together, without rows in which all is impossible."""
        properties: dict[str, dict[str, list[Bin]]] = {}
        for bin in bins():
            properties.setdefault(bin.of, {}).setdefault(bin.property, []).append(bin)
        grouped: dict[tuple[str, ...], dict[str, dict[str, list[Bin]]]] = {}
        for name, of in properties.items():
            if any(bin.impossible is None or self.found.get(str(bin)) for bins in of.values() for bin in bins):
                grouped.setdefault(tuple(of), {})[name] = of
        return [self._matrix(rows) for rows in grouped.values()]

    def _matrix(self, of: Mapping[str, Mapping[str, Sequence[Bin]]]) -> Matrix:
        first = next(iter(of.values()))
        columns = {property: [bin.bin for bin in bins] for property, bins in first.items()}
        rows = {
            name: [(bin, self.found.get(str(bin), 0)) for bins in properties.values() for bin in bins]
            for name, properties in of.items()
        }
        return Matrix("values" if PASSED in columns else "streams", columns, rows)

    @property
    def told(self) -> list[str]:
        """Lines for a terminal."""
        lines = [f"coverage: {self.possible - len(self.holes)} of {self.possible} bins"]
        for what, missing in (("never seen", self.holes), ("said to be impossible, and seen", self.wrong)):
            if missing:
                more = f", and {len(missing) - MOST_NAMES} more" if len(missing) > MOST_NAMES else ""
                lines.append(f"  {what}: {'; '.join(map(str, missing[:MOST_NAMES]))}{more}")
        lines += [
            f"  {name}: {_share(of, 'lines')} of lines and branches, {_share(of, 'toggles')} of toggles"
            for name, of in self.structures.items()
        ]
        return lines

    @property
    def markdown(self) -> str:
        """A line for the README."""
        shares = "; ".join(
            f"{name.partition('-')[0]} {_share(of, 'lines')} of lines and branches, {_share(of, 'toggles')} of toggles"
            for name, of in self.structures.items()
        )
        impossible = len(bins()) - self.possible
        return (
            f"{self.possible - len(self.holes)} of {self.possible} bins were hit, {impossible} more are declared "
            f"impossible, each with its reason. Of the Verilog: {shares or 'not measured, Verilator is missing'}."
        )


def _share(structure: Mapping[str, Any], what: str) -> str:
    return f"{structure[f'covered_{what}'] / structure[what]:.1%}"
