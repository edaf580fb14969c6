"""Tables that R saved: written here as R would, whole, packed, damaged."""

import bz2
import gzip
import lzma
import struct
from contextlib import suppress

import numpy as np
import pytest

from golden.data import load_letters
from golden.data.rda import Factor, read_data_frame

ATTRIBUTES, TAG, NIL = 0x200, 0x400, struct.pack(">i", 254)


def words(*values):
    return struct.pack(f">{len(values)}i", *values)


def string(text):
    return words(0x40009, len(text)) + text.encode()


def symbol(text):
    return words(1) + string(text)


def strings(*texts):
    return words(16, len(texts)) + b"".join(map(string, texts))


def pairs(*items):
    """Tags, as symbols or references, and values."""
    return b"".join(words(2 | TAG) + tag + value for tag, value in items) + NIL


def reals(*values):
    return words(14, len(values)) + struct.pack(f">{len(values)}d", *values)


def integers(*values):
    return words(13, len(values), *values)


def factor(*codes, levels):
    attributes = pairs((symbol("levels"), strings(*levels)), (symbol("class"), strings("factor")))
    return words(13 | ATTRIBUTES, len(codes), *codes) + attributes


def frame(names, *columns):
    return words(19 | ATTRIBUTES, len(columns)) + b"".join(columns) + pairs((symbol("names"), strings(*names)))


def rda(*variables, version=2):
    header = b"RDX%d\nX\n" % version + words(version, 0x40202, 0x20300)
    header += words(5) + b"UTF-8" if version == 3 else b""
    return header + pairs(*((symbol(name), value) for name, value in variables))


LETTERS = frame(["lettr", "x.box", "y.box"], factor(2, 1, 2, levels="AB"), reals(1, 2, 15), integers(0, 3, 4))
GOOD = rda(("LetterRecognition", LETTERS))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_columns_and_factors(tmp_path, pack):
    (tmp_path / "letters.rda").write_bytes(pack(GOOD))
    columns = read_data_frame(tmp_path / "letters.rda", "LetterRecognition")
    letters = columns["lettr"]
    assert isinstance(letters, Factor)
    assert letters.levels == ("A", "B")
    assert letters.codes.tolist() == [1, 0, 1]
    assert columns["x.box"].tolist() == [1, 2, 15]
    assert columns["y.box"].dtype == np.int64


def test_version_3_several_variables_and_references(tmp_path):
    again = (symbol("names"), strings("a"))
    other = words(19 | ATTRIBUTES, 1) + integers(7) + pairs(again)
    referring = words(19 | ATTRIBUTES, 1) + reals(0.5) + pairs((words(255 | 2 << 8), strings("b")))
    (tmp_path / "two.rda").write_bytes(rda(("first", other), ("second", referring), version=3))
    assert read_data_frame(tmp_path / "two.rda", "second")["b"].tolist() == [0.5]


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "letters.rda"
    for size in range(len(GOOD)):
        path.write_bytes(GOOD[:size])
        with pytest.raises(ValueError, match=r"letters.rda cannot be read as a data frame of R"):
            read_data_frame(path, "LetterRecognition")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (rda(("other", LETTERS)), "there is no 'LetterRecognition' in it, there is other"),
        (rda(("LetterRecognition", reals(1))), "it is no list of columns"),
        (rda(("LetterRecognition", frame("ab", reals(1), strings("x")))), "the column 'b' holds no numbers"),
        (rda(("LetterRecognition", frame("ab", reals(1), reals(1, 2)))), "not of one length"),
        (rda(("LetterRecognition", frame("a", factor(3, levels="AB")))), "the column 'a' has values without a level"),
        (rda(("LetterRecognition", words(3))), "an item of type 3"),
        (rda(("LetterRecognition", words(14, -5))), "it ends after"),
        (rda(("LetterRecognition", words(255, 9))), "refers to symbol 9 of 1"),
        (rda(("LetterRecognition", words(*(19, 1) * 99))), "nested deeper"),
        (gzip.compress(GOOD, mtime=0)[:-9], "."),
        (bz2.compress(GOOD)[:-9], "."),
        (lzma.compress(GOOD)[:-9], "."),
        (b"PK", "must begin with RDX2 or RDX3|ends after 2 bytes"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path, content, message):
    (tmp_path / "letters.rda").write_bytes(content)
    with pytest.raises(ValueError, match=f"letters.rda cannot be read as a data frame of R: .*{message}"):
        read_data_frame(tmp_path / "letters.rda", "LetterRecognition")


@pytest.mark.slow
def test_mutated_bytes_are_read_or_refused(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "letters.rda"
    for _ in range(2000):
        content = bytearray(GOOD)
        for place in rng.integers(0, len(GOOD), rng.integers(1, 4)):
            content[place] = rng.integers(0, 256)
        path.write_bytes(content)
        with suppress(ValueError):
            read_data_frame(path, "LetterRecognition")


def test_letters_of_another_file(tmp_path):
    columns = [factor(*range(1, 27), *range(1, 27), levels="ABCDEFGHIJKLMNOPQRSTUVWXYZ"), integers(*range(52))]
    path = tmp_path / "letters.rda"
    path.write_bytes(rda(("LetterRecognition", frame(["lettr", "x.box"], *columns))))
    data = load_letters(file=path)
    assert data.feature_names == ("x.box",)
    assert len(data["train"]) + len(data["test"]) == 52
    path.write_bytes(rda(("LetterRecognition", frame(["letter", "x.box"], *columns))))
    with pytest.raises(ValueError, match="must have letters in the column lettr"):
        load_letters(file=path)
