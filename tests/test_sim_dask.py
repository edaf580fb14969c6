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


def untimed(results: list[CaseResult]) -> list[CaseResult]:
    return [replace(result, time_s=0.0) for result in results]


def cases(count: int) -> list[Case]:
    return [Case("iris", multipliers, "pyrtl", samples=8) for multipliers in range(1, count + 1)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_results_each_of_them_once(tmp_path: Path) -> None:
    chosen, ended, killed = cases(8), Counter[str](), []
    with cluster("local", 2) as executor:
        client = executor._client
        workers = client.run(os.getpid)
        assert len(set(workers.values())) == 2

        def watch(running: tuple[Case, ...], result: CaseResult | None) -> None:
            if result is not None:
                ended[result.case.id] += 1
            if len(ended) == 2 and not killed:
                killed.extend(pid for _, pid in sorted(workers.items())[:1])
                os.kill(killed[0], signal.SIGKILL)

        found = regress(chosen, tmp_path / "dask", executor=executor, jobs=2, watch=watch)
    assert killed
    assert [result.case for result in found] == chosen
    assert ended == Counter(case.id for case in chosen)
    assert all(result.passed for result in found), [result.message for result in found]
    here = regress(chosen, tmp_path / "here", jobs=1)
    assert untimed(found) == untimed(here)


def test_without_dask_the_option_says_how_to_get_it(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["--dask", "local", "--networks", "iris", "--build", str(tmp_path)]) == 2
    assert "pip install 'tensorgate[dask]'" in capsys.readouterr().err
