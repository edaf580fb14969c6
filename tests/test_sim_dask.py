"""The regression on a Dask cluster: the same results, also when a worker dies in the middle."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sim.regression.cases import Case, CaseResult
from sim.regression.dask_cluster import cluster
from sim.regression.regress import main, regress
from sim.regression.report import html


def untimed(results: list[CaseResult]) -> list[CaseResult]:
    return [replace(result, time_s=0.0) for result in results]


def cases(count: int) -> list[Case]:
    return [Case("iris", 1 + place % 64, "pyrtl", samples=1 + place // 64) for place in range(count)]


def hold_against_this_machine(count: int, folder: Path) -> None:
    """``count`` cases on two workers, one of which is killed in the middle; then all of them once more without Dask."""
    chosen, ended, killed = cases(count), Counter[str](), []
    with cluster("local", 2) as executor:
        client = executor._client
        workers = client.run(os.getpid)
        assert len(set(workers.values())) == 2

        def watch(running: tuple[Case, ...], result: CaseResult | None) -> None:
            if result is not None:
                ended[result.case.id] += 1
            if len(ended) == count // 2 and not killed:
                killed.extend(pid for _, pid in sorted(workers.items())[:1])
                os.kill(killed[0], signal.SIGKILL)

        found = regress(chosen, folder / "dask", executor=executor, jobs=2, watch=watch)
        assert killed[0] not in client.run(os.getpid).values()
    assert [result.case for result in found] == chosen, "in their order, none lost"
    assert ended == Counter(case.id for case in chosen), "each of them told once"
    assert len(list((folder / "dask" / "results").iterdir())) == count, "and kept once"
    assert all(result.passed for result in found), [result.message for result in found if not result.passed]
    here = regress(chosen, folder / "here", jobs=2)
    assert untimed(found) == untimed(here)
    page, other = html(untimed(found)), html(untimed(here))
    assert page == other
    assert all(page.count(f"<code>{case.id}</code>") == 1 for case in chosen), "each of them in the report once"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_results_each_of_them_once(tmp_path: Path) -> None:
    hold_against_this_machine(8, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")
def test_a_thousand_cases_on_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    hold_against_this_machine(1000, tmp_path)


def test_without_dask_the_option_says_how_to_get_it(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["--dask", "local", "--networks", "iris", "--build", str(tmp_path)]) == 2
    assert "pip install 'tensorgate[dask]'" in capsys.readouterr().err
