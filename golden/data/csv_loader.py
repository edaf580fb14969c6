"""Tables from CSV files: every number checked, every complaint with file, line and column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from golden.data.dataset import Dataset, Split
from golden.types import FloatArray, IntArray


@dataclass(frozen=True)
class _Row:
    """Fields, and the line of the file on which they begin, counted from 1."""

    line: int
    fields: list[str]


class CSVLoader(Dataset):
    """A CSV file (RFC 4180, UTF-8 with or without a byte order mark) as a Dataset with the one split ``all``.

    Blank lines are skipped; spaces around a field do not count. Labels become indices into ``classes``, the distinct
    labels as they are written: in numeric order if all are whole numbers, in alphabetic order if not.

    Args:
        path: the file.
        has_header: whether the first line names the columns; without it they are called ``x0``, ``x1``, ...
        label: the column of labels by name or index (negative: from the end), None if there is none.
        regression: whether the labels are targets, that is real numbers, instead of classes.
        ignore: columns by name or index that are not used.
        delimiter: what separates the fields.

    Raises:
        FileNotFoundError, IsADirectoryError: if there is no such file.
        TypeError: for arguments of the wrong type.
        ValueError: for what is not such a table, with file, line and column; also for one number as a class that is
            written in two ways (``1`` and ``1.0``).
    """

    def __init__(
        self,
        path: str | Path,
        has_header: bool = True,
        label: str | int | None = -1,
        *,
        regression: bool = False,
        ignore: Sequence[str | int] = (),
        delimiter: str = ",",
    ) -> None:
        self.path = Path(path)
        if not isinstance(has_header, bool):
            raise TypeError(f"has_header must be True or False, not {has_header!r}; a column of labels is label=...")
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError(f"a delimiter must be one character, neither quote nor line end, not {delimiter!r}")
        if isinstance(ignore, str):
            raise TypeError(f"the columns to ignore must be a list of names or indices, not {ignore!r}")
        if regression and label is None:
            raise ValueError("regression needs a column of targets, the label cannot be None")
        rows = list(_rows(self.path, delimiter))
        if not rows:
            raise ValueError(f"{self.path} is empty")
        self._columns = rows[0].fields if has_header else [f"x{i}" for i in range(len(rows[0].fields))]
        self._has_header = has_header
        target = None if label is None else self._index(label, "label")
        used = self._features(target, ignore, delimiter)
        if has_header:
            self._check_header(rows.pop(0), used if target is None else [*used, target])
        if not rows:
            raise ValueError(f"{self.path} has a header but no samples")
        for row in rows:
            if len(row.fields) != len(self._columns):
                raise ValueError(
                    f"{self.path}, line {row.line}: there must be {len(self._columns)} fields, not {len(row.fields)}"
                )
        x = np.array([[self._number(row, i) for i in used] for row in rows])
        y: FloatArray | IntArray | None = None
        classes: tuple[str, ...] = ()
        if target is not None and regression:
            y = np.array([self._number(row, target) for row in rows])
        elif target is not None:
            classes = self._classes_of(rows, target)
            index = {name: i for i, name in enumerate(classes)}
            y = np.array([index[row.fields[target]] for row in rows], dtype=np.int64)
        super().__init__({"all": Split(x, y)}, [self._columns[i] for i in used], classes)

    def _features(self, target: int | None, ignore: Sequence[str | int], delimiter: str) -> list[int]:
        ignored = {self._index(column, "column to ignore") for column in ignore}
        if target is not None and target in ignored:
            raise ValueError(f"{self.path}: the label column {self._columns[target]!r} cannot be ignored")
        used = [i for i in range(len(self._columns)) if i != target and i not in ignored]
        if not used:
            raise ValueError(
                f"{self.path} has no columns of features, only {', '.join(map(repr, self._columns))}; "
                f"is {delimiter!r} its delimiter?"
            )
        return used

    def _index(self, column: str | int, what: str) -> int:
        if isinstance(column, str):
            if not self._has_header:
                raise ValueError(f"{self.path} is read without a header: the {what} must be an index, not {column!r}")
            if column not in self._columns:
                raise ValueError(
                    f"{self.path} has no column {column!r} for the {what}; there are {', '.join(self._columns)}"
                )
            return self._columns.index(column)
        if isinstance(column, bool) or not isinstance(column, (int, np.integer)):
            raise TypeError(f"the {what} must be the name or the index of a column, not {column!r}")
        count = len(self._columns)
        if not -count <= column < count:
            raise ValueError(
                f"{self.path} has {count} columns: the {what} must lie in {-count}..{count - 1}, not {column}"
            )
        return int(column) % count

    def _check_header(self, header: _Row, used: list[int]) -> None:
        seen: set[str] = set()
        for i in sorted(used):
            name = header.fields[i]
            if not name:
                raise ValueError(
                    f"{self.path}, line {header.line}: column {i} of the header has no name (ignore=[{i}] skips it)"
                )
            if name in seen:
                raise ValueError(f"{self.path}, line {header.line}: the header has the name {name!r} twice")
            seen.add(name)

    def _number(self, row: _Row, column: int) -> float:
        text = row.fields[column]
        number = _parse(text)
        if number is None:
            hint = "; is this line a header?" if row.line == 1 and not self._has_header else ""
            self._refuse(row, column, f"there must be a number, not {text!r}{hint}")
        if not math.isfinite(number):
            self._refuse(row, column, f"a number must be finite, not {text!r}")
        return number

    def _classes_of(self, rows: list[_Row], column: int) -> tuple[str, ...]:
        first = {row.fields[column]: row for row in reversed(rows)}
        numbers = {text: _parse(text) for text in first}
        for text, row in sorted(first.items(), key=lambda item: item[1].line):
            number = numbers[text]
            if not text:
                self._refuse(row, column, "the label is missing")
            if number is not None and not math.isfinite(number):
                self._refuse(row, column, f"a label must not be {text!r}")
        self._check_spelling([text for text in first if numbers[text] is not None], first, column)
        whole = {text: number for text, number in numbers.items() if number is not None}
        if len(whole) < len(numbers):
            return tuple(sorted(numbers))
        for text, number in whole.items():
            if not number.is_integer():
                self._refuse(
                    first[text], column, f"a class must be a name or a whole number, not {text!r} (or regression=True)"
                )
        return tuple(sorted(whole, key=lambda text: (whole[text], text)))

    def _check_spelling(self, texts: list[str], first: dict[str, _Row], column: int) -> None:
        """Refuse one number written in two ways, which would silently be two classes."""
        written: dict[int | float, str] = {}
        for text in sorted(texts, key=lambda text: first[text].line):
            other = written.setdefault(_exact(text), text)
            if other != text:
                self._refuse(
                    first[text], column, f"the class {text!r} is written {other!r} in line {first[other].line}"
                )

    def _refuse(self, row: _Row, column: int, reason: str) -> NoReturn:
        raise ValueError(f"{self.path}, line {row.line}, column {self._columns[column]!r}: {reason}")


def _parse(text: str) -> float | None:
    # float() also takes 1_000 and the digits of other scripts, which no table means as numbers
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _exact(text: str) -> int | float:
    """A number; a whole one in plain digits without the rounding of floats, so that long keys stay apart."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _text(path: Path) -> str:
    if path.is_dir():
        raise IsADirectoryError(f"a CSV file must be a file, {path} is a directory")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        bad = raw.find(b"\0")
    except UnicodeDecodeError as error:
        text, bad = "", error.start
    if bad >= 0:
        line = len((raw[:bad] + b"?").splitlines())
        raise ValueError(f"{path}, line {line}: the file must be UTF-8 text, it has the byte 0x{raw[bad]:02x}")
    return text


def _rows(path: Path, delimiter: str) -> Iterator[_Row]:
    lines = list(io.StringIO(_text(path), newline=""))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1  # a quoted field may span lines: the row begins after the one before
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(f"{path}, line {line}: {error}") from error
        blank = len(fields) <= 1 and not lines[line - 1].strip()  # an empty quoted field is a missing value
        if not blank:
            yield _Row(line, [field.strip() for field in fields])
