"""Source, sink, monitor and scoreboard without a simulator: one call is one cycle."""

from __future__ import annotations

from itertools import chain, repeat

import numpy as np
import pytest
from test_verif_ports import DESCRIPTION

from verif.finding import CheckError, Finding
from verif.pauses import pauses
from verif.ports import Ports
from verif.scoreboard import Scoreboard
from verif.stream import Monitor, Sink, Source

PORTS = Ports.parse(DESCRIPTION)
X = np.array([[1, 2, 3, 4], [-1, -2, -3, -4]])
DENSE1 = np.arange(20).reshape(2, 10) - 10
GOLDEN = {"x": X, "dense1": DENSE1, "argmax1": np.array([2, 1])}
DENSE, OUTPUT = 1, 2


def board() -> Scoreboard:
    scoreboard = Scoreboard(PORTS, GOLDEN)
    scoreboard.expect([0, 1])
    return scoreboard


def play(monitor: Monitor, cycles: list[tuple[str, str, int | str]], start: int = 0) -> None:
    """Cycles as (valid and ready, last, word)."""
    width = monitor.port.width
    for cycle, (handshake, last, word) in enumerate(cycles, start):
        text = word if isinstance(word, str) else f"{word:0{width}b}"
        monitor.step(cycle, handshake, last, lambda text=text: text)


def beats(sample: int) -> list[tuple[str, str, int | str]]:
    words = PORTS.streams[0].pack(DENSE1[sample : sample + 1])[0]
    return [("11", "1" if beat == 4 else "0", word) for beat, word in enumerate(words)]


def test_a_right_stream_with_stalls_gives_no_finding():
    scoreboard = board()
    dense = scoreboard.monitors[DENSE]
    stalled = [("10", *beat[1:]) for beat in beats(0)]
    play(dense, [("00", "X", "X"), ("01", "0", 0), *chain(*zip(stalled, beats(0), strict=True)), *beats(1)])
    assert not scoreboard.findings
    assert (dense.tensors, dense.starts, dense.ends) == (2, [3, 12], [11, 16])
    assert dense.counts == {"00": 1, "01": 1, "10": 5, "11": 10}


def found(cycles) -> Finding:
    scoreboard = board()
    play(scoreboard.monitors[DENSE], cycles)
    assert scoreboard.first is not None
    assert len(scoreboard.findings) == 1  # the first silences the monitor
    return scoreboard.first


@pytest.mark.parametrize(
    ("cycles", "check", "message"),
    [
        ([("10", "0", 5), ("00", "0", 5)], "rule 2", "valid fell before the beat moved"),
        ([("10", "0", 5), ("11", "0", 6)], "rule 2", "data changed from 0x5 to 0x6"),
        ([("10", "0", 5), ("10", "1", 5)], "rule 2", "last changed from 0 to 1"),
        ([("X1", "0", 5)], "unknown", "valid and ready are X and 1"),
        ([("0Z", "0", 5)], "unknown", "valid and ready are 0 and Z"),
        ([("10", "X", 5)], "unknown", "last has unknown bits"),
        ([("10", "0", "X" + "0" * 37)], "unknown", "data has unknown bits"),
        ([("11", "1", beats(0)[0][2])], "last", "last is high on beat 0 of 5"),
        ([*beats(0)[:4], ("11", "0", beats(0)[4][2])], "last", "last is missing on the last beat of 5"),
        ([*beats(0)[:1], ("11", "0", 0)], "value", "sample 0, element [2]: golden -8, hardware 0"),
        ([*beats(0), *beats(0)], "value", "sample 1, element [0]: golden 0, hardware -10"),
        ([*beats(0), *beats(1), *beats(1)], "extra beat", "a beat of tensor 2 moved, but 2 were due"),
    ],
)
def test_a_monitor_finds(cycles, check, message):
    finding = found(cycles)
    assert finding.check == check
    assert message in finding.message
    assert (finding.stream, finding.tensor, finding.rank) == ("dense1_out", "dense1", DENSE)


def test_a_reset_forgets_what_was_offered():
    scoreboard = board()
    dense = scoreboard.monitors[DENSE]
    play(dense, [*beats(0)[:2], ("10", "0", 5)])
    scoreboard.clear()
    scoreboard.expect([1])
    play(dense, [("00", "0", 0), *beats(1)], start=10)
    assert not scoreboard.findings


def test_a_sample_is_carried_in_the_contexts_in_which_it_came_out():
    def carry(scoreboard: Scoreboard, samples: list[int]) -> None:
        scoreboard.expect(samples)
        for monitor, tensor in zip(scoreboard.monitors, GOLDEN.values(), strict=True):
            words = [word for sample in samples for word in monitor.port.pack(tensor[sample : sample + 1])[0]]
            places = [place % monitor.port.beats == monitor.port.beats - 1 for place in range(len(words))]
            play(monitor, [("11", str(int(last)), word) for last, word in zip(places, words, strict=True)])

    scoreboard = Scoreboard(PORTS, GOLDEN)
    scoreboard.paused = True
    carry(scoreboard, [0, 1])
    assert scoreboard.carried == {"under stalls": {0}, "at full speed": {1}}
    scoreboard.clear()  # breaks nothing off
    carry(scoreboard, [0])
    assert scoreboard.carried == {"under stalls": {0}, "at full speed": {0, 1}}
    scoreboard.expect([0])
    scoreboard.clear()  # nothing has moved: that breaks nothing off either
    carry(scoreboard, [0])
    assert "behind a reset" not in scoreboard.carried
    scoreboard.expect([0])
    play(scoreboard.monitors[0], [("11", "1", PORTS.input.pack(X[:1])[0][0])])
    scoreboard.clear()
    carry(scoreboard, [1])
    assert scoreboard.carried["behind a reset"] == {1}
    scoreboard.clear()  # and that ends it
    carry(scoreboard, [0])
    assert not scoreboard.findings
    assert scoreboard.carried["behind a reset"] == {1}


def test_a_layer_may_run_ahead_but_is_compared_all_the_same():
    scoreboard = Scoreboard(PORTS, GOLDEN)
    play(scoreboard.monitors[DENSE], beats(0)[:2])
    assert not scoreboard.findings
    scoreboard.expect([1])
    assert scoreboard.first is not None
    assert (scoreboard.first.check, scoreboard.first.sample, scoreboard.first.beat) == ("value", 1, 0)


def test_the_output_may_not_run_ahead():
    scoreboard = Scoreboard(PORTS, GOLDEN)
    play(scoreboard.monitors[OUTPUT], [("11", "1", 2)])
    assert scoreboard.first is not None
    assert scoreboard.first.check == "extra beat"


def test_the_first_layer_in_network_order_is_named_whatever_was_seen_first():
    scoreboard = board()
    scoreboard.phase = "some_phase"
    play(scoreboard.monitors[OUTPUT], [("11", "1", 0)], start=3)
    play(scoreboard.monitors[DENSE], [("11", "0", 0)], start=9)
    assert [finding.tensor for finding in scoreboard.findings] == ["argmax1", "dense1"]
    assert [finding.tensor for finding in scoreboard.in_network_order] == ["dense1", "argmax1"]
    with pytest.raises(CheckError, match=r"some_phase: value: stream dense1_out .* cycle 9: .*golden -10, hardware 0"):
        scoreboard.verdict()


def test_the_top_bits_of_an_output_lane_are_compared():
    scoreboard = board()
    play(scoreboard.monitors[OUTPUT], [("11", "1", 0b100_0010)])
    assert scoreboard.first is not None
    assert (scoreboard.first.golden, scoreboard.first.hardware) == (2, 66)


def test_missing_golden_tensors_are_named():
    with pytest.raises(ValueError, match="must hold 'dense1'"):
        Scoreboard(PORTS, {"x": X})


def test_a_stuck_stream_is_the_last_that_waits_for_ready():
    scoreboard = board()
    x, dense, _ = scoreboard.monitors
    play(x, [("11", "1", 0x04030201), ("10", "1", 0xFCFDFEFF)])
    play(dense, [("00", "0", 0), ("00", "0", 0), *beats(0)[:1], ("10", "0", beats(0)[1][2])])
    finding = scoreboard.stuck(99, 50)
    assert (finding.stream, finding.sample, finding.beat) == ("dense1_out", 0, 1)
    assert "m_axis: nothing" in finding.message
    assert "valid=1 ready=0 since cycle 3" in finding.message


def test_a_source_keeps_what_it_offers_and_drives_garbage_otherwise():
    source = Source(PORTS.input, seed=0)
    source.send([7, 8])
    source.pauses = iter([True, True, False, True, True, True, True])
    seen = []
    for moves in (False, False, False, False, True, False):
        source.drive()
        seen.append((source.valid, source.word, source.last))
        if moves:
            source.moved()
    assert [valid for valid, _, _ in seen] == [False, False, True, True, True, False]
    assert seen[2:5] == [(True, 7, False)] * 3
    assert seen[0][1] != seen[1][1]


@pytest.mark.parametrize(("last_on", "lasts"), [(None, [0, 0, 1]), (0, [1, 0, 0]), (-1, [0, 0, 0])])
def test_a_source_can_break_a_frame(last_on, lasts):
    source = Source(PORTS.input, seed=0)
    source.send([1, 2, 3], last_on)
    seen = []
    while len(source):
        source.drive()
        seen.append(int(source.last))
        source.moved()
    assert seen == lasts


def test_a_blocked_sink_is_never_ready():
    sink = Sink()
    sink.pauses = repeat(False)
    sink.blocked = True
    sink.drive()
    assert not sink.ready
    sink.blocked = False
    sink.pauses = pauses("alternate", 0)
    seen = []
    for _ in range(4):
        sink.drive()
        seen.append(sink.ready)
    assert seen == [False, True, False, True]
