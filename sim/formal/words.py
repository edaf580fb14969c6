"""Whether words come out right in every schedule: streams of a few samples, sent and expected by hardware of its own.

With the samples fixed, what every register and memory holds follows from who gave and took when: there is nothing but
control, and its states can all be visited. In each of them the word that comes out has to be golden's, of a stream
that repeats ``SAMPLES`` samples for ever. They are chosen such that it shows in one of the streams if a word is not
there any more when it is read, because one that came up to two samples later has taken its place: wherever such a word
changes any result.

Registers that no reset sets begin with zeros, and there is one reset: that no pin depends on what they hold is proven
of the same hardware, see ``sim.formal.power_up``. That all words come is proven of it, too: ``sim.formal.streams``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.simulators.beats import Beats

INTACT = "each word that comes out is golden's, whatever the pauses"
SAMPLES = 3
_TRIES, _FEW = 60, 0.2
_HARNESS = """\
module harness(input clk, reset, s_axis_tvalid, m_axis_tready, output bad);
    reg has_been_reset = 0;
    reg [{in_bits} - 1:0] sent;
    reg [{out_bits} - 1:0] taken;
    wire ready, valid, last, error;
    wire [{out_word_bits} - 1:0] data;
    function [{in_word_bits} - 1:0] given(input [{in_bits} - 1:0] at);
        case (at)
{given}
        endcase
    endfunction
    function [{out_word_bits} - 1:0] expected(input [{out_bits} - 1:0] at);
        case (at)
{expected}
        endcase
    endfunction
    function [{out_word_bits} - 1:0] means(input [{out_bits} - 1:0] at);
        case (at)
{means}
        endcase
    endfunction
    function ends(input [{in_bits} - 1:0] at);
        case (at)
{ends}
        endcase
    endfunction
    {module} dut(.clk(clk), .reset(reset), .s_axis_tdata(s_axis_tvalid ? given(sent) : ~given(sent)),
        .s_axis_tlast(ends(sent)), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(ready),
        .m_axis_tready(m_axis_tready), .m_axis_tvalid(valid), .m_axis_tlast(last), .m_axis_tdata(data),
        .frame_error(error));
    always @(posedge clk) begin
        has_been_reset <= has_been_reset | reset;
        if (reset) begin
            sent <= 0;
            taken <= 0;
        end else begin
            if (s_axis_tvalid & ready) sent <= sent == {in_words} - 1 ? 0 : sent + 1;
            if (valid & m_axis_tready) taken <= taken == {out_words} - 1 ? 0 : taken + 1;
        end
    end
    assign bad = has_been_reset & !reset & valid & ((data ^ expected(taken)) & means(taken)) != 0;
endmodule
"""


def words_harness(design: Design, x: IntArray) -> str:
    """The module ``harness`` whose output ``bad`` is high where a word of a result is not what golden says.

    Args:
        design: the hardware.
        x: the samples, shape (samples, *shape).
    """
    source, sink = Beats.of(design.ports["input"]), Beats.of(design.ports["output"])
    y = design.graph(x)
    given, expected, means = source.pack(x), sink.pack(y), sink.pack(np.full_like(y, -1))
    ends = [int((place + 1) % source.count == 0) for place in range(len(given))]
    return _HARNESS.format(
        module=design.name,
        in_bits=max(1, (len(given) - 1).bit_length()),
        out_bits=max(1, (len(expected) - 1).bit_length()),
        in_words=len(given),
        out_words=len(expected),
        in_word_bits=source.word_bits,
        out_word_bits=sink.word_bits,
        given=_cases("given", given, source.word_bits),
        expected=_cases("expected", expected, sink.word_bits),
        means=_cases("means", means, sink.word_bits),
        ends=_cases("ends", ends, 1),
    )


def streams_of(design: Design) -> list[IntArray]:
    """The samples of each stream, shape (SAMPLES, *shape): of many those first that tell most beside those before."""
    random, type = np.random.default_rng(0), design.graph.input_type
    shape, low, high = (SAMPLES, *type.shape), type.dtype.min, type.dtype.max
    tried = []
    for turn in range(_TRIES):
        x = random.integers(low, high, shape, endpoint=True, dtype=np.int64)
        if turn % 3:  # few numbers among ends: what is the largest of many, or a small part of a sum
            x = np.where(random.random(shape) < _FEW, x, low if turn % 3 == 1 else high)
        tried.append((x, _told_apart(design, x)))
    told: set[tuple[int, int]] = set()
    streams = []
    while new := max((own - told for _, own in tried), key=len):
        told |= new
        streams.append(next(x for x, own in tried if new <= own))
    if not streams:
        raise ValueError(f"{design.name}: no {SAMPLES} samples are told apart by their results")
    return streams


def _told_apart(design: Design, x: IntArray) -> set[tuple[int, int]]:
    """Places of words, and how many words later one comes that changes a result if it is there instead."""
    beats = Beats.of(design.ports["input"])
    words = beats.pack(x)
    changed, made = [], []
    for at in range(len(words)):
        first = at - at % beats.count
        for later in range(1, (SAMPLES - 1) * beats.count + 1):
            own = words[first : first + beats.count]
            own[at - first] = words[(at + later) % len(words)]
            changed += own
            made.append((at, later))
    y, other = design.graph(x), design.graph(beats.unpack(changed))
    before = y[[at // beats.count for at, _ in made]]
    differs = (other != before).reshape(len(made), -1).any(axis=1)
    return {(at % beats.count, later) for (at, later), shows in zip(made, differs, strict=True) if shows}


def _cases(name: str, words: Sequence[int], bits: int) -> str:
    lines = [f"            {place}: {name} = {bits}'h{word:x};" for place, word in enumerate(words)]
    return "\n".join([*lines, f"            default: {name} = 0;"])
