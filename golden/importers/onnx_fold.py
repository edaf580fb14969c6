"""What laying out tensors left over: weights are permuted instead of images, and two Reshapes in a row are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from golden.importers.onnx_layout import Steps


def fold(steps: Steps[Any], outputs: Sequence[str]) -> None:
    """Make the steps fewer; the results do not change.

    A Transpose that only a flattening Reshape reads, which only a fully connected layer reads, goes: ONNX flattens
    images so. Functions of single elements may stand between the last two. Tensors in between keep their shape, not
    their order of elements: they no longer have a name in the file.
    """
    _merge_reshapes(steps, outputs)
    _permute_weights(steps, outputs)


def _uses(steps: Steps[Any], outputs: Sequence[str]) -> Counter[str]:
    return Counter(name for _, _, inputs in steps.made for name in inputs) + Counter(outputs)


def _merge_reshapes(steps: Steps[Any], outputs: Sequence[str]) -> None:
    uses = _uses(steps, outputs)
    sources: dict[str, str] = {}
    for name, step, inputs in steps.made:
        if steps.is_reshape(step) and uses[name] == 1 and name not in outputs:
            sources[name] = sources.get(inputs[0], inputs[0])
    made: list[tuple[str, Any, tuple[str, ...]]] = []
    same: dict[str, str] = {}
    for name, step, inputs in steps.made:
        read = tuple(same.get(other, other) for other in inputs)
        if steps.is_reshape(step):
            read = tuple(sources.get(other, other) for other in inputs)
            if steps.shape_of(read[0]) == steps.shape_of(name) and name not in outputs:
                same[name] = read[0]
        made.append((name, step, read))
    steps.made, needed = [], set(outputs)
    for name, step, inputs in reversed(made):
        if name in needed or not steps.is_reshape(step):
            steps.made.insert(0, (name, step, inputs))
            needed.update(inputs)
        else:
            steps.origins.pop(name, None)


def _permute_weights(steps: Steps[Any], outputs: Sequence[str]) -> None:
    uses = _uses(steps, outputs)
    makers = {name: (step, inputs) for name, step, inputs in steps.made}
    changed: dict[str, tuple[Any, tuple[str, ...]]] = {}
    dropped: set[str] = set()
    for name, step, inputs in steps.made:
        between, reshape = [], inputs[0] if inputs else ""
        while reshape in makers and uses[reshape] == 1 and steps.elementwise(makers[reshape][0]):
            between.append(reshape)
            (reshape,) = makers[reshape][1]
        if reshape not in makers or uses[reshape] != 1 or not steps.is_reshape(makers[reshape][0]):
            continue
        (transpose,) = makers[reshape][1]
        if transpose not in makers or uses[transpose] != 1 or len(steps.shape_of(reshape)) != 1:
            continue
        turn, (source,) = makers[transpose][0], makers[transpose][1][:1]
        permutation = steps.permutation_of(turn)
        if permutation is None:
            continue
        shape = steps.shape_of(source)
        places = np.arange(int(np.prod(shape))).reshape(shape).transpose(permutation).ravel()
        permuted = steps.permuted(step, places)
        if permuted is None:
            continue
        changed[name] = permuted, inputs
        changed[reshape] = makers[reshape][0], (source,)
        dropped.add(transpose)
        for tensor in (transpose, reshape, *between):
            steps.origins.pop(tensor, None)
    steps.made = [
        (name, *changed.get(name, (step, inputs))) for name, step, inputs in steps.made if name not in dropped
    ]
