"""A failing case made smaller as a graph: what Hypothesis cannot take out of its choices, because others depend on it.

A layer's result becomes the output, or the input; a layer is left out, its readers read what it read; samples and
multipliers are left out. Each step has to fail with the same kind of error, and what is smaller then goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from golden.graph import Graph, Node
from sim.fuzzing.case import Case
from sim.op_table import ROWS, kind_of


def reduced(case: Case, error: BaseException, checked: Callable[[Case], object]) -> tuple[Case, BaseException]:
    """The smallest case that these steps lead to, and its error.

    Args:
        case: that fails.
        error: with which it does.
        checked: raises an error of the same class for a case that fails in the same way.
    """
    smaller = True
    while smaller:
        smaller = False
        for tried in _steps(case):
            found = _error(tried, checked)
            if type(found) is type(error) and found is not None:
                case, error, smaller = tried, found, True
                break
    return case, error


def _error(case: Case, checked: Callable[[Case], object]) -> BaseException | None:
    try:
        checked(case)
    except Exception as error:
        return error
    return None


def _steps(case: Case) -> Iterator[Case]:
    """Smaller cases, the smallest first, roughly."""
    graph = case.graph
    for node in graph.nodes[:-1]:
        yield from _with(case, graph.nodes, node.name)
    for node in reversed(graph.nodes[:-1]):
        rest = tuple(other for other in graph.nodes if other is not node)
        if node.name != graph.outputs[0]:
            yield from _from(case, rest, node.name)
    for node in graph.nodes:
        rest = tuple(other for other in graph.nodes if other is not node)
        for x in dict.fromkeys(node.inputs):
            renamed = tuple(_reading(other, node.name, x) for other in rest)
            yield from _with(case, renamed, x if node.name == graph.outputs[0] else graph.outputs[0])
    for node in graph.nodes:
        for place in range(len(node.inputs) if ROWS[kind_of(node.op)].inputs is None else 0):
            fewer = replace(node, inputs=node.inputs[:place] + node.inputs[place + 1 :])
            yield from _with(case, tuple(fewer if other is node else other for other in graph.nodes), graph.outputs[0])
    if len(case.x) > 1:
        for place in range(len(case.x)):
            yield replace(case, x=case.x[place : place + 1])
        yield replace(case, x=case.x[:-1])
        yield replace(case, x=case.x[1:])


def _reading(node: Node, old: str, new: str) -> Node:
    return replace(node, inputs=tuple(new if name == old else name for name in node.inputs))


def _with(case: Case, nodes: tuple[Node, ...], output: str) -> Iterator[Case]:
    """The case with these layers and this output, if that is a network at all, and smaller."""
    kept, (source,) = _needed(nodes, output), case.graph.inputs
    if not any(source in node.inputs for node in kept):
        return
    try:
        graph = Graph(case.graph.inputs, kept, (output,))
    except (TypeError, ValueError):
        return
    yield replace(case, graph=graph)


def _from(case: Case, nodes: tuple[Node, ...], tensor: str) -> Iterator[Case]:
    """The case with a layer's result as its input, if nobody needs what is before it for anything else."""
    output = case.graph.outputs[0]
    needed, (source,) = _needed(nodes, output), case.graph.inputs
    if not needed or any(source in node.inputs for node in needed):
        return
    kept = tuple(_reading(node, tensor, source) for node in needed)
    try:
        graph = Graph({source: case.graph.types[tensor]}, kept, (output,))
    except (TypeError, ValueError):
        return
    yield replace(case, graph=graph, x=case.graph.trace(case.x)[tensor])


def _needed(nodes: tuple[Node, ...], output: str) -> tuple[Node, ...]:
    """The layers that the output comes from."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if node.name in wanted:
            kept.append(node)
            wanted |= set(node.inputs)
    return tuple(reversed(kept))
