"""The results of a regression for people: one HTML page, and the README's table.

``python -m sim.regression.report --markdown build/sim`` prints the table of the last regression there, ``python -m
sim.regression.report build/sim`` writes its page anew. Both are made of ``results.json`` alone, except that the page
names the networks that cannot be run.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden import zoo
from golden.serialize import write_atomically
from sim.budget import DEFAULT_MULTIPLIERS
from sim.regression import exercises, small, training_page
from sim.regression.cases import CaseResult
from sim.regression.coverage_page import Coverage
from sim.regression.numerics import decibels
from sim.regression.page import render
from sim.regression.readme import put_between_markers
from sim.regression.reproduction import python
from sim.regression.runnable import told
from sim.regression.trainings import read_trainings, sources
from sim.synthesis import table
from sim.tools import TOOLS

RESULTS, PAGE = "results.json", "report.html"


@dataclass(frozen=True)
class Row:
    """All cases of one network in one folding."""

    results: tuple[CaseResult, ...]

    @property
    def network(self) -> str:
        """Its name."""
        return self.results[0].case.network

    @property
    def folding(self) -> str:
        """As ``Case.folding``."""
        return self.results[0].case.folding

    @property
    def passed(self) -> int:
        """Number of cases that passed."""
        return sum(result.passed for result in self.results)

    @property
    def verdict(self) -> str:
        """``passed`` or ``failed``: all must have passed."""
        return "passed" if self.passed == len(self.results) else "failed"

    @property
    def whole(self) -> CaseResult | None:
        """The run over the test set, if there is one: over all of it, or as much as the budget of cycles allowed."""
        return max((r for r in self.results if r.accuracy), key=lambda result: result.samples, default=None)

    @property
    def samples(self) -> int:
        """Samples of the largest run."""
        return max(result.samples for result in self.results)

    @property
    def samples_told(self) -> str:
        """The same for people: ``1,000``, or ``40 of 10,000`` if there were more in the test set."""
        test = self.whole.test_samples if self.whole else 0
        return f"{self.samples:,} of {test:,}" if test > self.samples else f"{self.samples:,}"

    @property
    def accuracies_told(self) -> tuple[str, str, str]:
        """Float, golden, RTL; beside RTL what golden reaches on the same samples, where those are not all."""
        if self.whole is None:
            return "-", "-", "-"
        float_, golden, rtl = (f"{self.whole.accuracy[who]:.1%}" for who in ("float", "golden", "rtl"))
        if self.whole.samples < self.whole.test_samples:
            rtl += f" (golden on these: {self.whole.accuracy['golden_on_rtl_samples']:.1%})"
        return float_, golden, rtl

    @property
    def plan(self) -> dict[str, Any]:
        """The plan, as ``Plan.as_json``; empty where no case got that far."""
        return dict(next((result.plan for result in self.results if result.plan), {}))

    @property
    def store_bits(self) -> int:
        """Memory for weights and other constants."""
        return sum(layer["store_bits"] for layer in self.plan.get("layers", ()))

    def measured(self, what: str) -> int | None:
        """``ii_cycles`` or ``latency_cycles`` as measured: the one that is not as planned, if there is one."""
        found = [result.measured[what] for result in self.results if result.measured.get(what) is not None]
        return next((value for value in found if value != self.plan.get(what)), found[0] if found else None)


def rows(results: Sequence[CaseResult]) -> list[Row]:
    """Results by network and folding: networks as they come in the zoo, the fewest multipliers first."""
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for result in results:
        groups.setdefault((result.case.network, result.case.folding), []).append(result)
    found = [Row(tuple(group)) for group in groups.values()]
    networks = network_names(results)
    return sorted(found, key=lambda row: (networks.index(row.network), _budget(row)))


def network_names(results: Sequence[CaseResult]) -> list[str]:
    """The networks that occur, in the order of the zoo; exercises come last."""
    present = {result.case.network for result in results}
    return [name for name in (*zoo.NAMES, *exercises.NAMES, *small.NAMES) if name in present]


def _budget(row: Row) -> int:
    multipliers = row.results[0].case.multipliers
    return sys.maxsize if multipliers is None else multipliers


def measured_rows(results: Sequence[CaseResult]) -> list[Row]:
    """A row a network: the default budget if it ran the test set, or else any folding that did."""
    chosen: dict[str, Row] = {}
    for row in rows(results):
        preferred = row.whole is not None and row.results[0].case.multipliers == DEFAULT_MULTIPLIERS
        if row.network not in chosen or preferred or chosen[row.network].whole is None:
            chosen[row.network] = row
    return list(chosen.values())


def markdown(results: Sequence[CaseResult]) -> str:
    """The table of measured results in Markdown; every number comes from a run, and the cycles are those measured."""
    accuracy = ["float", "golden", "RTL"]
    head = [
        "network",
        "layers",
        "MACs",
        "multipliers",
        "II (cycles)",
        "latency (cycles)",
        *accuracy,
        "samples",
        "verdict",
    ]
    lines = [f"| {' | '.join(head)} |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"]
    for row in measured_rows(results):
        whole, plan = row.whole, row.plan
        if whole is None:
            continue
        alike = [other for other in results if other.case.network == row.network]
        agreement = "equal" if all(result.passed for result in alike) else "DIFFERENT"
        cells = [
            row.network,
            whole.network["shape"],
            f"{whole.network['macs']:,}",
            plan["multipliers"],
            row.measured("ii_cycles"),
            row.measured("latency_cycles"),
            *row.accuracies_told,
            row.samples_told,
            f"{agreement}, {sum(result.passed for result in alike)}/{len(alike)} cases",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def html(
    results: Sequence[CaseResult],
    synthesized: Sequence[Mapping[str, Any]] = (),
    courses: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page: everything inside, nothing loaded from anywhere.

    Args:
        results: of a regression.
        synthesized: of ``sim.synthesis.table.rows``; those of the same hardware are shown.
        courses: of training, as of ``sim.regression.trainings``.
    """
    from sim import figures

    trained = [result for result in results if not result.case.has_no_test_set]
    checks = list(dict.fromkeys(result.case.check for result in sorted(results, key=_check_order)))
    return render(
        "report.html",
        results=sorted(results, key=lambda result: result.case.id),
        failures=[result for result in results if not result.passed],
        checks=checks,
        rows=rows(results),
        sizes=len(rows(trained)),
        networks=[_network(name, trained) for name in network_names(trained)],
        coverage=Coverage.of(results),
        whole_regression={result.case.network for result in results} >= set(exercises.NAMES),
        installing_verilator=TOOLS["verilator"],
        cycles=sum(result.cycles for result in results),
        inferences=sum(result.samples for result in results),
        time_s=sum(result.time_s for result in results),
        figures=figures,
        decibels=decibels,
        left_out=told(),
        synthesized=[found for row in rows(results) for found in table.agreeing(synthesized, row.network, row.plan)],
        courses=courses,
        course_columns=training_page.COLUMNS,
        course_rows=training_page.rows,
        synthesis_columns=dict(zip(table.HEADINGS, table.FIELDS, strict=True)),
    )


def _check_order(result: CaseResult) -> tuple[int, str]:
    """At full speed first, the simulators by name; then all stalls together, then each by itself."""
    case = result.case
    kind = 0 if case.simulator == "pyrtl" else 1 if not case.patterns else 3 if len(case.patterns) == 1 else 2
    return kind, case.check


def _network(name: str, results: Sequence[CaseResult]) -> dict[str, Any]:
    """What the section of a network needs: its rows, and those of the folding that is shown in detail."""
    own = [result for result in results if result.case.network == name]
    shown = measured_rows(own)[0]
    passed = sum(result.passed for result in own)
    return {
        "name": name,
        "rows": rows(own),
        "shown": shown,
        "whole": shown.whole,
        "plans": {layer["layer"]: layer for layer in shown.plan.get("layers", ())},
        "passed": passed,
        "cases": len(own),
        "verdict": "passed" if passed == len(own) else "failed",
    }


def write_results(results: Sequence[CaseResult], build: Path) -> Path:
    """Keep the results of a regression in one file, ``results.json``, for ``read_results``."""
    path = build / RESULTS
    write_atomically(path, json.dumps([result.as_json() for result in results], indent=1).encode() + b"\n")
    return path


def read_results(build: Path) -> list[CaseResult]:
    """The results of the last regression in ``build``.

    Raises:
        FileNotFoundError: if there has been none.
        ValueError: if the file is none of ours.
    """
    path = build / RESULTS
    if not path.exists():
        command = shlex.join([python(), "-m", "sim.regression", "--build", str(build)])
        raise FileNotFoundError(f"no regression has ended in {str(build)!r}: run {command}")
    try:
        return [CaseResult.from_json(content) for content in json.loads(path.read_text())]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{str(path)!r} holds no results of this version: {error}") from error


def write_report(
    results: Sequence[CaseResult], build: Path, courses: Sequence[Mapping[str, Any]] | None = None
) -> Path:
    """Write the page ``report.html``; it also shows what has been synthesized of the same hardware.

    Args:
        results: of the cases.
        build: folder.
        courses: of training; without them the last ones, if they are of these sources.
    """
    if courses is None:
        courses = [course for course in read_trainings(build) if course["sources"] == sources()]
    path = build / PAGE
    write_atomically(path, html(results, table.rows(), courses).encode())
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sim.regression.report", description="Show the last regression.")
    parser.add_argument("build", type=Path, nargs="?", default=Path("build/sim"), help="folder of the regression")
    parser.add_argument("--markdown", action="store_true", help="print the table of measured results for the README")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put that table into FILE, between its markers")
    options = parser.parse_args(arguments)
    try:
        results = read_results(options.build)
        if options.readme:
            put_between_markers(options.readme, "measured", markdown(results))
            put_between_markers(options.readme, "coverage", Coverage.of(results).markdown)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.readme:
        print(markdown(results) if options.markdown else write_report(results, options.build))
    return 0


if __name__ == "__main__":
    sys.exit(main())
