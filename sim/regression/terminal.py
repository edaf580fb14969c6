"""The regression as it looks in a terminal, or in the log of one: progress, and the table at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from sim.regression.cases import Case, CaseResult
from sim.regression.executor import Watch
from sim.regression.report import Row, rows
from sim.regression.reproduction import reproduction

LOG_COLUMNS = 120
"""Width where there is no terminal to ask."""


@contextmanager
def progress(cases: int) -> Iterator[Watch]:
    """Show how far it is: a bar with the running cases on a terminal, otherwise a line a case without control codes."""
    console = Console()
    if not console.is_terminal:
        yield _lines(cases)
        return
    columns = [
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim", table_column=Column(no_wrap=True, ratio=1)),
    ]
    with Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=cases)

        def watch(running: tuple[Case, ...], result: CaseResult | None) -> None:
            bar.update(task, advance=int(result is not None), description="  ".join(case.id for case in running))
            if result and not result.passed:
                bar.console.print(f"[red]{result.verdict}[/red] {result.case.id}: {escape(_first_line(result))}")

        yield watch


def _lines(cases: int) -> Watch:
    started: set[Case] = set()
    done: list[CaseResult] = []

    def watch(running: tuple[Case, ...], result: CaseResult | None) -> None:
        kept = len(done) if not started else 0
        started.update(running)
        if kept and running:
            print(f"{kept} of {cases} cases have passed before, with the same sources", flush=True)
        if result is None:
            return
        done.append(result)
        if result.case in started:
            message = "" if result.passed else f"  {_first_line(result)}"
            print(
                f"[{len(done):{len(str(cases))}}/{cases}] {result.verdict}  {result.case.id}  "
                f"{result.time_s:.1f} s{message}",
                flush=True,
            )

    return watch


def print_summary(results: Sequence[CaseResult], build: Path, paths: Sequence[Path], time_s: float) -> None:
    """The table, what failed and how to see it again, the counts, and where the files are."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    console.print(_table(results))
    exercised = [result for result in results if result.case.has_no_test_set]
    if exercised:
        passed = sum(result.passed for result in exercised)
        console.print(f"exercises of all kinds of layers: {passed}/{len(exercised)} cases passed", highlight=False)
    failures = [result for result in results if not result.passed]
    for result in failures:
        console.print(f"\n[bold red]{result.verdict}[/] {result.case.id}: {escape(result.message)}", highlight=False)
        console.print(f"  reproduce with: {escape(reproduction(result.case, build))}", highlight=False, soft_wrap=True)
    cycles = sum(result.cycles for result in results)
    verdict = f"[bold green]all {len(results)} cases passed[/]" if len(results) > 1 else "[bold green]passed[/]"
    if failures:
        verdict = f"[bold red]{len(failures)} of {len(results)} cases failed[/]"
    console.print(f"\n{verdict}, {cycles:,} cycles compared, {time_s:.0f} s", highlight=False)
    for path in paths:
        console.print(f"  {path}", highlight=False, soft_wrap=True)


def _table(results: Sequence[CaseResult]) -> Table:
    """A row a network and folding; cycles are predicted = measured."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("network")
    table.add_column("size")
    for name in ("samples", "float", "golden", "RTL", "II (cycles)", "latency (cycles)", "cases"):
        table.add_column(name, justify="right")
    table.add_column("")
    previous = ""
    for row in rows([result for result in results if not result.case.has_no_test_set]):
        colour = "green" if row.verdict == "passed" else "bold red"
        table.add_row(
            row.network if row.network != previous else "",
            row.folding,
            row.samples_told,
            *row.accuracies_told,
            _cycles(row, "ii_cycles"),
            _cycles(row, "latency_cycles"),
            f"{row.passed}/{len(row.results)}",
            f"[{colour}]{row.verdict}[/]",
        )
        previous = row.network
    return table


def _cycles(row: Row, what: str) -> str:
    planned, measured = row.plan.get(what), row.measured(what)
    if planned is None or measured is None:
        return "-"
    return f"{planned} = {measured}" if planned == measured else f"[red]{planned} ≠ {measured}[/]"


def _first_line(result: CaseResult) -> str:
    return result.message.partition("\n")[0]
