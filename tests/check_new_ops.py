"""Run in a copy of the project that has two ops more: they are everywhere where an op has to be.

With ``--coverage`` also: exercises that follow from their rows leave no hole, of values, streams, resets or buffers.
"""

import sys
from pathlib import Path

from drawn import drawn
from op_cases import CASES, PENDING
from op_checklist import missing

import golden
import golden.ops
import rtlgen
from golden import Graph, IntType, TensorType
from golden.coverage import KINDS
from golden.ops import Halve, MinPool
from sim import verify
from sim.coverage import bins, holes, impossible_but_hit, merged
from sim.fuzzing.coverage import Coverage
from sim.op_table import ROWS
from sim.regression.exercises import EXERCISE_SAMPLES, FOLDINGS, NAMES, exercise, exercise_samples
from sim.regression.small import GRAPHS

OPS = {"halve": Halve, "minpool": MinPool}
EXERCISES = {f"drawn_{shape}" for shape in ("scalar", "vector", "rows", "image", "pixel")} | {f"alone_{k}" for k in OPS}


def of_both(graph: Graph) -> set[type]:
    """Which of both ops a network has."""
    return {type(node.op) for node in graph.nodes} & set(OPS.values())


def main() -> None:
    """Each place by itself."""
    names = {op.__name__ for op in OPS.values()}
    assert set(OPS.values()) <= set(golden.ops.ALL)
    assert names <= set(golden.ops.__all__)
    assert set(OPS) <= set(ROWS)
    assert not [line for kind in OPS for line in missing(kind)]

    shapes = {len(case.x.shape) for case in CASES if type(case.op) is Halve}
    assert shapes == {0, 1, 2, 3}
    assert {len(case.x.shape) for case in CASES if type(case.op) is MinPool} == {3}
    assert not {type(case.op) for case in PENDING} & set(OPS.values())

    seen = [op for seed in range(200) for op in of_both(drawn(seed)[0])]
    assert min(map(seen.count, OPS.values())) > 5
    assert names <= set(Coverage().ops)

    for kind, op in OPS.items():
        assert of_both(GRAPHS[kind]()) == {op}

    assert {name for name in NAMES if name.startswith(("drawn", "alone"))} == EXERCISES
    assert of_both(exercise("drawn_image")) == set(OPS.values())

    assert names <= set(KINDS)
    not_asked = [(bin.kind, bin.shape, bin.property.partition(",")[0]) for bin in bins() if bin.impossible]
    assert {property for kind, _, property in not_asked if kind == "Halve"} == {"buffer", "buffer at a reset"}
    of_min_pool = {(shape, property) for kind, shape, property in not_asked if kind == "MinPool"}
    assert {shape for shape, property in of_min_pool if property == "passed"} == {"scalar", "vector", "rows"}
    assert {("image", "end"), ("image", "tie"), ("one element", "tie")} <= of_min_pool

    graph = Graph.chain(TensorType((2, 3, 2), IntType(8, True)), Halve(-9, 9), MinPool((2, 2)))
    assert rtlgen.generate(graph, 4).plan.latency_cycles > 0
    print("both are everywhere in", golden.__file__)


def coverage(build: Path) -> None:
    """As the regression collects it."""
    found = []
    for name in sorted(EXERCISES):
        graph = exercise(name)
        design = rtlgen.generate(graph, FOLDINGS[name], name=name)
        x = exercise_samples(graph.input_type, EXERCISE_SAMPLES, 0)
        found.append(verify(design, x, simulators="icarus", build=build / name).covered)
    names = {op.__name__ for op in OPS.values()}
    assert not [str(bin) for bin in holes(merged(found)) if bin.kind in names]
    assert not impossible_but_hit(merged(found))
    print("no hole")


if __name__ == "__main__":
    main()
    if "--coverage" in sys.argv:
        coverage(Path("build"))
