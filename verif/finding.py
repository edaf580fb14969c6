"""A finding: one thing that is wrong, said so that a person and a program can both act on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

AFTER_ALL_STREAMS = 1 << 30
"""Rank of what concerns the design as a whole: reported after anything that names a layer."""


@dataclass(frozen=True)
class Finding:
    """One difference or one broken rule.

    Args:
        check: value, rule 2, rule 3, unknown, last, extra beat, hang, frame_error, latency_cycles or ii_cycles.
        message: one sentence for a person.
        cycle: of the recording, from the first cycle of the simulation on.
        rank: place of the stream in network order.
        phase: what the testbench was doing.
        stream: prefix of the stream's wires, if it is about a stream.
        tensor: the layer.
        sample: index in the stimulus batch.
        beat: within the tensor.
        lane: within the beat.
        element: index in the tensor, without the batch.
        golden: the value expected.
        hardware: the value seen; binary digits where bits are unknown.
    """

    check: str
    message: str
    cycle: int
    rank: int = AFTER_ALL_STREAMS
    phase: str = ""
    stream: str | None = None
    tensor: str | None = None
    sample: int | None = None
    beat: int | None = None
    lane: int | None = None
    element: tuple[int, ...] | None = None
    golden: int | str | None = None
    hardware: int | str | None = None

    def as_json(self) -> dict[str, Any]:
        """An object for JSON: every field but the rank."""
        return {key: value for key, value in asdict(self).items() if key != "rank"}


class CheckError(AssertionError):
    """The hardware is wrong; the findings are in the scoreboard."""
