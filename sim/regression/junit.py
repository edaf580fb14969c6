"""Results as JUnit XML, which every continuous integration can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from golden.serialize import write_atomically
from sim.regression.cases import CaseResult
from sim.regression.reproduction import reproduction


def write_junit(results: Sequence[CaseResult], build: Path) -> Path:
    """Write ``junit.xml``: a suite per network, a test case per case; a difference is a failure, a crash an error."""
    path = build / "junit.xml"
    xml = JUnitXml("tensorgate regression")
    for network in dict.fromkeys(result.case.network for result in results):
        suite = TestSuite(network)
        suite.add_testcases([_testcase(result, build) for result in results if result.case.network == network])
        xml.add_testsuite(suite)
    xml.update_statistics()
    write_atomically(path, xml.tostring())
    return path


def _testcase(result: CaseResult, build: Path) -> TestCase:
    case = TestCase(result.case.id, f"sim.{result.case.network}", result.time_s)
    if not result.passed:
        kind = Failure if result.verdict == "failed" else Error
        outcome = kind(result.message.partition("\n")[0])
        outcome.text = f"{result.message}\nreproduce with: {reproduction(result.case, build)}"
        case.result = [outcome]
    return case
