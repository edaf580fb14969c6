"""Whether words come out right in every schedule: a stream of a few samples, sent and expected by hardware of its own.

With the samples fixed, what every register and memory holds follows from who gave and took when: there is nothing but
control, and its states can all be visited. A word that is overwritten before it was read, read too early, lost or
doubled makes some sample wrong, as long as it is not replaced by what the same place had ``SAMPLES`` samples ago.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from golden.types import IntArray
from rtlgen import Design
from sim.simulators.beats import Beats

INTACT = "each word that comes out is golden's, whatever the pauses"
SAMPLES = 3
_TRIES = 200
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


def words_harness(design: Design) -> str:
    """The module ``harness`` whose output ``bad`` is high where a word of a result is not what golden says."""
    source, sink = Beats.of(design.ports["input"]), Beats.of(design.ports["output"])
    x = _samples(design, sink)
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


def _samples(design: Design, sink: Beats) -> IntArray:
    """Such that at most places of the result all samples differ."""
    type, most = design.graph.input_type, 0
    for seed in range(_TRIES):
        x = np.random.default_rng(seed).integers(
            type.dtype.min, type.dtype.max, (SAMPLES, *type.shape), endpoint=True, dtype=np.int64
        )
        words = np.array(sink.pack(design.graph(x)), dtype=object).reshape(SAMPLES, -1)
        differ = sum(len(set(place)) == SAMPLES for place in words.T.tolist())
        if differ > most:
            best, most = x, differ
    if not most:
        raise ValueError(f"{design.name}: no {SAMPLES} samples are told apart by their results")
    return best


def _cases(name: str, words: Sequence[int], bits: int) -> str:
    lines = [f"            {place}: {name} = {bits}'h{word:x};" for place, word in enumerate(words)]
    return "\n".join([*lines, f"            default: {name} = 0;"])
