"""Both ends of a stream and who watches it. Nothing here knows of a simulator: one call is one clock cycle.

The rules of a stream, as far as wires can show them:

1. data moves on the cycles where valid and ready are both high;
2. once valid is high it stays high, and data and last stay, until the data moves;
3. valid never waits for ready: with ready held low, valid still rises.

Besides, valid and ready are never unknown after a reset, data and last never while valid is high, and last is high on
exactly the last beat of a tensor. Rule 4 is about paths, not about cycles: no monitor can see it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from random import Random
from typing import Protocol

from verif.finding import Finding
from verif.ports import StreamPort

IDLE, STARVED, STALLED, MOVES = "00", "01", "10", "11"
"""What valid and ready say together: nothing; ready alone; valid alone (back-pressure); a beat moves."""


class Source:
    """Drives the input: beats in order, pauses between them, and garbage on data and last whenever valid is low."""

    def __init__(self, port: StreamPort, seed: int) -> None:
        self.pauses: Iterator[bool] = repeat(False)
        self.valid, self.last, self.word = False, False, 0
        self._random = Random(seed)
        self._width = port.width
        self._queue: deque[tuple[int, bool]] = deque()

    def send(self, words: Iterable[int], last_on: int | None = None) -> None:
        """Queue the words of a tensor; ``last_on`` moves the last flag to another beat, -1 leaves it out."""
        beats = list(words)
        last_on = len(beats) - 1 if last_on is None else last_on
        self._queue.extend((word, beat == last_on) for beat, word in enumerate(beats))

    def drive(self) -> None:
        """Choose the pins of the next cycle; an offered beat stays (rule 2)."""
        pause = next(self.pauses)
        if self.valid:
            return
        if self._queue and not pause:
            self.valid = True
            self.word, self.last = self._queue[0]
        else:
            self.word, self.last = self._random.getrandbits(self._width), self._random.random() < 0.5

    def moved(self) -> None:
        """The offered beat has moved."""
        self._queue.popleft()
        self.valid = False

    def clear(self) -> None:
        """Forget what was to be sent."""
        self._queue.clear()
        self.valid = False

    def __len__(self) -> int:
        return len(self._queue)


class Sink:
    """Drives the ready of the output; ``blocked`` holds it low."""

    def __init__(self) -> None:
        self.pauses: Iterator[bool] = repeat(False)
        self.blocked = False
        self.ready = False

    def drive(self) -> None:
        """Choose ready for the next cycle."""
        self.ready = not next(self.pauses) and not self.blocked


class OnBeat(Protocol):
    """Who wants to know of every beat that moved: the tensor's number since the reset, the beat, the word."""

    def __call__(self, monitor: Monitor, tensor: int, beat: int, word: int, cycle: int) -> None: ...


class Monitor:
    """Watches one stream: the rules, the unknowns, the place of last; hands every beat that moved to ``on_beat``.

    Args:
        port: the stream.
        rank: its place in network order.
        report: receives what is wrong; the first finding silences the monitor until ``clear``.
        on_beat: receives every beat that moved.

    ``counts`` has the cycles of each handshake, ``starved`` how often a beat was waited for amid a tensor.
    """

    def __init__(self, port: StreamPort, rank: int, report: Callable[[Finding], None], on_beat: OnBeat) -> None:
        self.port = port
        self.rank = rank
        self.counts = {IDLE: 0, STARVED: 0, STALLED: 0, MOVES: 0}
        self.starved = 0
        self._report = report
        self._on_beat = on_beat
        self.clear()

    def clear(self) -> None:
        """Begin anew, as after a reset; the counts go on."""
        self.framed = True
        self.faulty = False
        self.tensors, self.beat = 0, 0
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.last_move: tuple[int, int, int] | None = None
        self.handshake = IDLE
        self.since = 0
        self._held: str | None = None

    def step(self, cycle: int, handshake: str, last: str, read: Callable[[], str]) -> bool:
        """Take in one cycle; ``read`` gives the data in binary digits. Returns whether a beat moved."""
        if handshake != self.handshake:
            self.handshake, self.since = handshake, cycle
        if handshake not in self.counts:
            self.fail(cycle, "unknown", f"valid and ready are {handshake[0]} and {handshake[1]} after a reset")
            return False
        self.counts[handshake] += 1
        if handshake[0] == "0":
            if self._held is not None:
                self.fail(cycle, "rule 2", "valid fell before the beat moved")
                self._held = None
            self.starved += self.beat > 0 and handshake == STARVED
            return False
        beat = last + read()
        if self._held is None:
            if not known(beat):
                what = "data" if last in "01" else "last"
                self.fail(cycle, "unknown", f"{what} has unknown bits while valid is high", hardware=beat[1:])
        elif beat != self._held:
            what = "data" if beat[1:] != self._held[1:] else "last"
            before, now = (digits(text[1:]) if what == "data" else text[0] for text in (self._held, beat))
            self.fail(cycle, "rule 2", f"{what} changed from {before} to {now} before the beat moved")
        if handshake == STALLED:
            self._held = beat
            return False
        self._held = None
        self._move(cycle, beat[1:], last)
        return True

    def fail(self, cycle: int, check: str, what: str, **details: int | str | tuple[int, ...] | None) -> None:
        """Report the first thing that is wrong with this stream; later ones follow from it."""
        if self.faulty:
            return
        self.faulty = True
        where = f"stream {self.port.prefix} (layer {self.port.tensor}), beat {self.beat}, cycle {cycle}"
        self._report(
            Finding(
                check=check,
                message=f"{check}: {where}: {what}",
                cycle=cycle,
                rank=self.rank,
                stream=self.port.prefix,
                tensor=self.port.tensor,
                **{"beat": self.beat, **details},  # type: ignore[arg-type]
            )
        )

    def _move(self, cycle: int, word: str, last: str) -> None:
        final = self.beat == self.port.beats - 1
        self.last_move = (cycle, self.tensors, self.beat)
        if self.framed:
            if not self.faulty:
                self._on_beat(self, self.tensors, self.beat, int(word, 2), cycle)
            if (last == "1") != final:
                place = "is missing on the last beat" if final else f"is high on beat {self.beat}"
                self.fail(cycle, "last", f"last {place} of {self.port.beats}")
        if self.beat == 0:
            self.starts.append(cycle)
        self.beat += 1
        if final:
            self.ends.append(cycle)
            self.beat = 0
            self.tensors += 1


def known(bits: str) -> bool:
    """Whether all binary digits are 0 or 1."""
    return "X" not in bits and "Z" not in bits


def digits(word: str) -> str:
    """Binary digits as a number in hexadecimal, or as they are where some are unknown."""
    return hex(int(word, 2)) if known(word) else word
