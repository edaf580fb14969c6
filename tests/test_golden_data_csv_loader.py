import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.data import CSVLoader, Dataset


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


FLOWERS = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n4.9,3,setosa\n"


def test_it_is_a_dataset_of_one_split(write):
    data = CSVLoader(write(FLOWERS), has_header=True)
    assert isinstance(data, Dataset)
    assert data.get_names() == ("all",)
    assert data["all"].x.tolist() == [[5.1, 3.5], [7, 3.2], [4.9, 3]]
    assert data["all"].x.dtype == np.float64
    assert data["all"].y.tolist() == [0, 1, 0]
    assert data["all"].y.dtype == np.int64
    assert data.feature_names == ("length", "width")
    assert data.classes == ("setosa", "versicolor")
    assert CSVLoader(str(write(FLOWERS)))["all"].x.tolist() == data["all"].x.tolist()


@pytest.mark.parametrize("label", ["kind", 0, -3])
def test_the_label_is_any_column_by_name_or_index(write, label):
    data = CSVLoader(write("kind,a,b\nx,1,2\nw,3,4\n"), label=label)
    assert data["all"].x.tolist() == [[1, 2], [3, 4]]
    assert data["all"].y.tolist() == [1, 0]
    assert (data.feature_names, data.classes) == (("a", "b"), ("w", "x"))


def test_without_label_and_without_header(write):
    data = CSVLoader(write("1,2\n3,4\n"), has_header=False, label=None)
    assert data["all"].x.tolist() == [[1, 2], [3, 4]]
    assert data["all"].y is None
    assert (data.feature_names, data.classes) == (("x0", "x1"), ())
    assert CSVLoader(write("1,2\n3,4\n"), has_header=False, label=0).feature_names == ("x1",)


def test_whole_numbers_are_classes_in_numeric_order_and_keep_their_text(write):
    data = CSVLoader(write("a,y\n0,10\n0,9\n0,-1\n0,9\n"))
    assert data.classes == ("-1", "9", "10")
    assert data["all"].y.tolist() == [2, 1, 0, 1]
    assert CSVLoader(write("a,y\n0,10\n0,9\n0,b\n")).classes == ("10", "9", "b")


def test_targets_are_floats(write):
    data = CSVLoader(write("a,y\n0,1.5\n0,-2\n"), regression=True)
    assert data["all"].y.tolist() == [1.5, -2]
    assert data["all"].y.dtype == np.float64
    assert data.classes == ()


def test_columns_can_be_ignored(write):
    text = ",id,a,y\n0,flower one,5,u\n1,flower two,6,v\n"
    data = CSVLoader(write(text), ignore=[0, "id"])
    assert data.feature_names == ("a",)
    assert data["all"].x.tolist() == [[5], [6]]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa,y\n1,u\n2,v\n",
        b"a,y\r\n1,u\r\n2,v\r\n",
        b"a,y\r1,u\r2,v",
        b"\n\na,y\n\n1,u\n   \n2,v\n\n",
        b'"a","y"\n"1","u"\n 1e0+0,v'.replace(b"1e0+0", b"20e-1"),
        b"a , y\n1 , u\n 2,  v \n",
        b'a,"y"\n1, "u"\n+2.0,v\n',
    ],
    ids=["bom", "crlf", "cr", "blank lines", "quotes", "spaces", "space before quote"],
)
def test_every_way_to_write_the_same_table(write, content):
    data = CSVLoader(write(content))
    assert (data.feature_names, data.classes) == (("a",), ("u", "v"))
    assert data["all"].x.tolist() == [[1], [2]]
    assert data["all"].y.tolist() == [0, 1]


def test_quoted_fields_hold_delimiters_quotes_and_lines(write):
    data = CSVLoader(write('"width, cm",y\n1,"a ""b"", c"\n2,"two\nlines"\n'))
    assert data.feature_names == ("width, cm",)
    assert data.classes == ('a "b", c', "two\nlines")


def test_other_delimiters_and_letters(write):
    data = CSVLoader(write("größe;art\n1;Ähre\n"), delimiter=";")
    assert (data.feature_names, data.classes) == (("größe",), ("Ähre",))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "data.csv is empty"),
        ("\n \n", {}, "data.csv is empty"),
        (b"\xef\xbb\xbf", {}, "data.csv is empty"),
        ("a,y\n", {}, "data.csv has a header but no samples"),
        ("a,y\n1,u\n\n2\n", {}, "data.csv, line 4: there must be 2 fields, not 1"),
        ("a,y\n1,u,\n", {}, "data.csv, line 2: there must be 2 fields, not 3"),
        ("a,y\n1,u\ntwo,v\n", {}, "data.csv, line 3, column 'a': there must be a number, not 'two'"),
        ('a,y\n1,"u\nv"\ntwo,v\n', {}, "data.csv, line 4, column 'a': there must be a number, not 'two'"),
        ("a,y\n,u\n", {}, "line 2, column 'a': there must be a number, not ''"),
        ("a,y\n1_000,u\n", {}, "line 2, column 'a': there must be a number, not '1_000'"),
        ("a,y\n١,u\n", {}, "line 2, column 'a': there must be a number"),
        ('a\n""\n', {"label": None}, "line 2, column 'a': there must be a number, not ''"),
        ("a\ty\n\t\n", {"delimiter": "\t"}, "line 2, column 'a': there must be a number, not ''"),
        ("a,y\nnan,u\n", {}, "line 2, column 'a': a number must be finite, not 'nan'"),
        ("a,y\n1,u\n-inf,u\n", {}, "line 3, column 'a': a number must be finite, not '-inf'"),
        ("a,y\n1e999,u\n", {}, "line 2, column 'a': a number must be finite, not '1e999'"),
        ("a,y\n1,nan\n", {"regression": True}, "line 2, column 'y': a number must be finite, not 'nan'"),
        ("a,y\n1,u\n", {"regression": True}, "line 2, column 'y': there must be a number, not 'u'"),
        ("a,y\n1,u\n1,\n", {}, "line 3, column 'y': the label is missing"),
        ("a,y\n1,0\n1,NaN\n", {}, "line 3, column 'y': a label must not be 'NaN'"),
        ("a,y\n1,0\n1,0.5\n", {}, "line 3, column 'y': a class must be .* not '0.5' (or regression=True)"),
        ("a,y\n1,u\n", {"label": "z"}, "data.csv has no column 'z' for the label; there are a, y"),
        ("a,y\n1,u\n", {"label": 2}, "data.csv has 2 columns: the label must lie in -2..1, not 2"),
        ("a,y\n1,u\n", {"label": -3}, "the label must lie in -2..1, not -3"),
        ("1,u\n", {"label": "y", "has_header": False}, "without a header: the label must be an index, not 'y'"),
        ("a,y\n1,u\n", {"has_header": False}, "line 1, column 'x0': .* not 'a'; is this line a header?"),
        ("a,a,y\n1,2,u\n", {}, "data.csv, line 1: the header has the name 'a' twice"),
        ("a,y, y\n1,2,u\n", {"label": "y"}, "line 1: the header has the name 'y' twice"),
        (",a,y\n0,2,u\n", {}, "data.csv, line 1: column 0 of the header has no name (ignore=[0] skips it)"),
        ("y\nu\n", {}, "data.csv has no columns of features, only 'y'; is ',' its delimiter?"),
        ("a;y\n1;u\n", {}, "no columns of features, only 'a;y'; is ',' its delimiter?"),
        ("a,y\n1,u\n", {"ignore": ["y"]}, "the label column 'y' cannot be ignored"),
        ("a,y\n1,u\n", {"ignore": ["b"]}, "has no column 'b' for the column to ignore; there are a, y"),
        (b"a,y\n1,u\n\xe4,u\n", {}, "data.csv, line 3: the file must be UTF-8 text, it has the byte 0xe4"),
        (b"a,y\n1,\0\n", {}, "data.csv, line 2: the file must be UTF-8 text, it has the byte 0x00"),
        ("a,y\n1,u\n".encode("utf-16"), {}, "data.csv, line 1: the file must be UTF-8 text"),
        ('a,y\n1,u\n2,"v\n', {}, "data.csv, line 3: unexpected end of data"),
        ('a,y\n1,"u"v\n', {}, "data.csv, line 2: ',' expected after '\"'"),
        ("a,y\n1," + "u" * 200_000, {}, "data.csv, line 2: field larger than field limit"),
        ("a,y\n1,u\n", {"label": None, "regression": True}, "regression needs a column of targets"),
        ("a,y\n1,u\n", {"delimiter": ", "}, "a delimiter must be one character"),
        ("a,y\n1,u\n", {"delimiter": '"'}, "a delimiter must be one character"),
    ],
)
def test_what_is_not_a_table_is_refused_with_its_place(write, content, options, message):
    pattern = re.escape(message).replace(r"\.\*", ".*")
    with pytest.raises(ValueError, match=pattern):
        CSVLoader(write(content), **options)


@pytest.mark.parametrize("options", [{"label": True}, {"label": 1.0}, {"ignore": "a"}, {"ignore": [0.5]}])
def test_columns_of_the_wrong_type_are_refused(write, options):
    with pytest.raises(TypeError):
        CSVLoader(write("a,b,y\n1,2,u\n"), **options)


def test_a_missing_file_and_a_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*absent\.csv"):
        CSVLoader(tmp_path / "absent.csv")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        CSVLoader(tmp_path)


@settings(deadline=None, max_examples=50)  # the disk may be busy
@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1))
def test_every_float_survives_the_file(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows))
    assert CSVLoader(path, label=None)["all"].x.tolist() == rows


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused_by_value_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_bytes(content)
    try:
        assert len(CSVLoader(path, has_header=False)["all"]) >= 1
    except ValueError as error:
        assert "data.csv" in str(error)  # noqa: PT017 - either outcome is fine, an error must name the file


def test_a_label_in_the_place_of_has_header_is_refused(write):
    with pytest.raises(TypeError, match=r"has_header must be True or False, not 'y'; a column of labels is label="):
        CSVLoader(write("a,y\n1,u\n"), "y")  # type: ignore[arg-type]


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("01", "1"), ("0", "-0"), ("10", "1e1")])
def test_one_number_written_in_two_ways_is_not_two_classes(write, one, other):
    for more in ("7", "none"):
        with pytest.raises(
            ValueError, match=rf"data\.csv, line 4, column 'y': the class '{other}' is written '{one}' in"
        ):
            CSVLoader(write(f"a,y\n1,{one}\n2,{more}\n3,{other}\n"))


def test_long_keys_that_are_one_float_are_two_classes(write):
    assert CSVLoader(write("a,y\n1,9007199254740993\n2,9007199254740992\n")).classes == (
        "9007199254740992",
        "9007199254740993",
    )
