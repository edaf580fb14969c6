"""Results as JUnit XML, which every continuous integration can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from golden.serialize import write_atomically
from sim.regression.cases import CaseResult
from sim.regression.coverage_page import Coverage
from sim.regression.reproduction import reproduction


def write_junit(results: Sequence[CaseResult], build: Path, coverage: Coverage | None = None) -> Path:
    """Write ``junit.xml``: a suite per network, a test case per case; a difference is a failure, a crash an error.

    Args:
        results: of the cases.
        build: folder.
        coverage: that has to be complete; it is one more suite, of one test case.
    """
    path = build / "junit.xml"
    xml = JUnitXml("tensorgate regression")
    for network in dict.fromkeys(result.case.network for result in results):
        suite = TestSuite(network)
        suite.add_testcases([_testcase(result, build) for result in results if result.case.network == network])
        xml.add_testsuite(suite)
    if coverage:
        suite = TestSuite("coverage")
        suite.add_testcase(_of_coverage(coverage))
        xml.add_testsuite(suite)
    xml.update_statistics()
    write_atomically(path, xml.tostring())
    return path


def _of_coverage(coverage: Coverage) -> TestCase:
    case = TestCase("functional coverage", "sim.coverage", 0.0)
    if not coverage.complete:
        outcome = Failure(coverage.told[0])
        outcome.text = "\n".join(map(str, (*coverage.holes, *coverage.wrong)))
        case.result = [outcome]
    return case


def _testcase(result: CaseResult, build: Path) -> TestCase:
    case = TestCase(result.case.id, f"sim.{result.case.network}", result.time_s)
    if not result.passed:
        kind = Failure if result.verdict == "failed" else Error
        outcome = kind(result.message.partition("\n")[0])
        outcome.text = f"{result.message}\nreproduce with: {reproduction(result.case, build)}"
        case.result = [outcome]
    return case
