"""Compares every beat of every stream with the golden tensors, and names the first layer that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from golden.types import IntArray
from verif.coverage import BEHIND_RESET, FULL_SPEED, STALLED_CONTEXT
from verif.finding import CheckError, Finding
from verif.ports import Ports
from verif.stream import Monitor


class Scoreboard:
    """What each stream must carry, what it did carry, and the findings.

    Args:
        ports: the streams.
        golden: the tensor of every stream by name, shape (batch, *shape).

    ``carried`` has the samples whose last beat has come out right, by what somebody sets ``paused`` for meanwhile, and
    by whether the last ``clear`` broke something off: see ``verif.coverage.CONTEXTS``.

    Raises:
        ValueError: if a tensor is missing, of the wrong shape, or outside its type.
    """

    def __init__(self, ports: Ports, golden: Mapping[str, IntArray]) -> None:
        missing = [port.tensor for port in ports.in_order if port.tensor not in golden]
        if missing:
            raise ValueError(f"the golden tensors must hold {missing[0]!r}, not only {', '.join(golden)}")
        self.findings: list[Finding] = []
        self.phase = ""
        self.carried: dict[str, set[int]] = {}
        self._broken_off = False
        self._golden = [port.type.check(golden[port.tensor], port.prefix) for port in ports.in_order]
        self._words: list[dict[int, list[int]]] = [{} for _ in ports.in_order]
        self.monitors = [Monitor(port, rank, self.report, self._compare) for rank, port in enumerate(ports.in_order)]
        # Nobody reads the bits of an input lane above the element's own; an output lane is extended, and checked.
        self._bits = [port.type.dtype.bits if port is ports.input else port.bits for port in ports.in_order]
        self._begin()

    def _begin(self) -> None:
        self._sequence: list[int] = []
        self._early: list[tuple[Monitor, int, int, int, int]] = []
        self._already = len(self.findings)
        self.paused = False
        self.failed_at: int | None = None

    @property
    def batch(self) -> int:
        """Samples in the golden tensors."""
        return min(len(tensor) for tensor in self._golden)

    def clear(self) -> None:
        """Begin anew, as after a reset, which may have broken something off; findings stay."""
        # Layers may run ahead with what does not depend on their input: what is inside has come in and not gone out.
        source, sink = self.monitors[0], self.monitors[-1]
        self._broken_off = (source.tensors, source.beat) != (sink.tensors, 0) or sink.beat > 0
        self._begin()
        for monitor in self.monitors:
            monitor.clear()

    def expect(self, samples: Sequence[int]) -> None:
        """These samples of the batch come next, on every stream."""
        self._sequence.extend(samples)
        early, self._early = self._early, []
        for monitor, tensor, beat, word, cycle in early:
            self._compare(monitor, tensor, beat, word, cycle)

    @property
    def complete(self) -> bool:
        """Whether every stream has carried all it must."""
        due = len(self._sequence)
        return self.monitors[-1].tensors >= due and all(monitor.tensors >= due for monitor in self.monitors)

    def report(self, finding: Finding) -> None:
        """Note what is wrong."""
        self.findings.append(replace(finding, phase=self.phase))
        if self.failed_at is None:
            self.failed_at = finding.cycle

    @property
    def first(self) -> Finding | None:
        """Since the last ``clear``: the finding about the first stream in network order."""
        return min(self.findings[self._already :], key=lambda finding: finding.rank, default=None)

    @property
    def in_network_order(self) -> list[Finding]:
        """Every finding: by phase as they happened, in network order within one."""
        phases = list(dict.fromkeys(finding.phase for finding in self.findings))
        return sorted(self.findings, key=lambda finding: (phases.index(finding.phase), finding.rank))

    def verdict(self) -> None:
        """Raise CheckError with the finding about the first stream in network order, if there is any."""
        if self.first is not None:
            raise CheckError(f"{self.phase}: {self.first.message}")

    def stuck(self, cycle: int, patience: int) -> Finding:
        """Which stream holds the others up, and where each of them stopped."""
        due = [monitor for monitor in self.monitors if monitor.tensors < len(self._sequence)]
        stalled = [monitor for monitor in self.monitors if monitor.handshake == "10"]
        # The last stream that waits for ready: who takes from it is stuck. Else the first that still owes a beat.
        culprit = stalled[-1] if stalled else due[0] if due else self.monitors[-1]
        port = culprit.port
        state = f"valid={culprit.handshake[0]} ready={culprit.handshake[1]} since cycle {culprit.since}"
        places = "; ".join(_place(monitor) for monitor in self.monitors)
        return Finding(
            check="hang",
            message=f"hang: no beat moved for {patience} cycles until cycle {cycle}; "
            f"stuck at stream {port.prefix} (layer {port.tensor}), {state}; last moved: {places}",
            cycle=cycle,
            stream=port.prefix,
            tensor=port.tensor,
            sample=self._sample(culprit.tensors),
            beat=culprit.beat,
        )

    def _sample(self, tensor: int) -> int | None:
        return self._sequence[tensor] if tensor < len(self._sequence) else None

    def _compare(self, monitor: Monitor, tensor: int, beat: int, word: int, cycle: int) -> None:
        sample = self._sample(tensor)
        if sample is None:
            # A layer may run ahead with what does not depend on its input, such as padding: it is compared later.
            # The output may not, and nothing may run ahead by a whole tensor.
            ends = (0, len(self.monitors) - 1)
            if monitor.rank in ends or tensor > len(self._sequence) or beat == monitor.port.beats - 1:
                monitor.fail(
                    cycle, "extra beat", f"a beat of tensor {tensor} moved, but {len(self._sequence)} were due"
                )
            else:
                self._early.append((monitor, tensor, beat, word, cycle))
            return
        port, bits = monitor.port, self._bits[monitor.rank]
        differ = word ^ self._packed(monitor, sample)[beat]
        for lane in range(port.lanes_used(beat) if differ else 0):
            if not (differ >> (lane * port.bits)) & ((1 << bits) - 1):
                continue
            element = port.element(beat, lane)
            golden, hardware = int(self._golden[monitor.rank][(sample, *element)]), port.lane(word, lane)
            monitor.fail(
                cycle,
                "value",
                f"sample {sample}, element {list(element)}: golden {golden}, hardware {hardware}",
                sample=sample,
                beat=beat,
                lane=lane,
                element=element,
                golden=golden,
                hardware=hardware,
            )
            return
        if monitor is self.monitors[-1] and beat == port.beats - 1:
            for context in self._contexts():
                self.carried.setdefault(context, set()).add(sample)
            self.paused = False

    def _contexts(self) -> Iterator[str]:
        """In what of ``verif.coverage.CONTEXTS`` a sample has come out right now."""
        yield STALLED_CONTEXT if self.paused else FULL_SPEED
        if self._broken_off:
            yield BEHIND_RESET

    def _packed(self, monitor: Monitor, sample: int) -> list[int]:
        words = self._words[monitor.rank]
        if sample not in words:
            words[sample] = monitor.port.pack(self._golden[monitor.rank][sample : sample + 1])[0]
        return words[sample]


def _place(monitor: Monitor) -> str:
    if monitor.last_move is None:
        return f"{monitor.port.prefix}: nothing"
    cycle, tensor, beat = monitor.last_move
    return f"{monitor.port.prefix}: tensor {tensor} beat {beat} of {monitor.port.beats} at cycle {cycle}"


Packer = Callable[[int], list[int]]
"""From a sample's index to the words of its input, garbage included."""


def packer(ports: Ports, golden: Mapping[str, IntArray], seed: int) -> Packer:
    """The words to drive for a sample; what carries no meaning is noise, another one each time."""
    noise = np.random.default_rng(seed)
    x = golden[ports.input.tensor]
    return lambda sample: ports.input.pack(x[sample : sample + 1], noise)[0]
