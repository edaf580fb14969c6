"""The coverage of a regression for people: a matrix with its holes by name, and what of the Verilog was moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.coverage import Bin, bins, holes, impossible_but_hit, merged
from sim.regression.cases import CaseResult

MOST_NAMES = 3
"""Holes that are named in a line of the terminal; all are in the page."""


@dataclass(frozen=True)
class Matrix:
    """One table: a row a kind of layer, a column a bin.

    Args:
        title: what its properties are about.
        columns: by property its bins.
        rows: by kind, for each column its bin and how often it was hit; None where the kind has no such property.
    """

    title: str
    columns: Mapping[str, Sequence[str]]
    rows: Mapping[str, Sequence[tuple[Bin, int] | None]]


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
        found: dict[str, list[str]] = {}
        for bin in bins():
            if bin.impossible:
                of = found.setdefault(bin.impossible, [])
                name = f"{bin.kind}: {bin.property.partition(',')[0]}"
                if name not in of:
                    of.append(name)
        return found

    @property
    def matrices(self) -> list[Matrix]:
        """The tables, those of kinds with the same properties together."""
        grouped: dict[tuple[str, ...], list[str]] = {}
        properties: dict[str, dict[str, list[Bin]]] = {}
        for bin in bins():
            place = properties.setdefault(f"{bin.kind}|{_is_of_values(bin)}", {})
            place.setdefault(bin.property, []).append(bin)
        for key, of in properties.items():
            grouped.setdefault(tuple(of), []).append(key)
        return [self._matrix(names, [properties[key] for key in keys]) for names, keys in grouped.items()]

    def _matrix(self, names: tuple[str, ...], kinds: list[dict[str, list[Bin]]]) -> Matrix:
        columns = {name: [bin.bin for bin in kinds[0][name]] for name in names}
        rows = {
            of[names[0]][0].kind: [(bin, self.found.get(str(bin), 0)) for name in names for bin in of[name]]
            for of in kinds
        }
        return Matrix("values" if _is_of_values(kinds[0][names[0]][0]) else "streams", columns, rows)

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


def _is_of_values(bin: Bin) -> bool:
    return bin.property == "shape" or "," in bin.property


def _share(structure: Mapping[str, Any], what: str) -> str:
    return f"{structure[f'covered_{what}'] / structure[what]:.1%}"
