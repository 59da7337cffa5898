"""CSV as spreadsheets, exports and editors write it: read, or refused by its line."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import Conversion, Mean
from abkit.analysis.result import Result
from abkit.analysis.units import UnitsAnalysis
from abkit.errors import AnalysisError, EmptyDataError, MissingColumnError

ROWS = [("id", "v", "c", "x")] + [
    (str(i), "ab"[i % 2], str(int(i % 4 == 0)), f"{1000 + i % 7}.5") for i in range(40)
]
MEAN = sum(1000 + i % 7 + 0.5 for i in range(0, 40, 2)) / 20


def text(*, delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in ROWS)


def analyzed(content: bytes | str, where: Path, name: str = "u.csv") -> Result:
    path = where / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    metrics = [Conversion("c"), Mean("x")]
    return UnitsAnalysis(path, unit="id", variant="v", control="a", metrics=metrics).run()


def numbered(change: Callable[[str], str]) -> str:
    """The table with another form of its numbers."""
    return "".join(
        ";".join((*row[:3], row[3] if n == 0 else change(row[3]))) + "\n"
        for n, row in enumerate(ROWS)
    )


@pytest.mark.parametrize(
    "content",
    [
        text(end="\r\n"),
        text(end="\r"),
        text().rstrip("\n"),
        text(end="\r\n").rstrip("\r\n") + "\n",
        text().rstrip("\n") + "\r\n",
        text().replace("\n", "\r\n", 3),
        text().replace("\n", "\r", 3),
        "\n\n" + text() + "\n\n\n",
        text().replace("\n", "\n\n", 5),
        text(delimiter=";"),
        text(delimiter="\t"),
        text(delimiter="|"),
        "sep=;\r\n" + text(delimiter=";", end="\r\n"),
        text(delimiter=", "),
        text(end=",\n"),
        text(end=",,\n"),
        b"\xef\xbb\xbf" + text().encode(),
        text().encode("utf-16"),
        text().encode("utf-16-le"),
        b"\xfe\xff" + text(delimiter="\t").encode("utf-16-be"),
        text().replace("id,v,c,x", '"id","v","c","x"').replace(",a,", ',"a",'),
    ],
)
def test_the_same_table_in_another_form_is_the_same_table(
    tmp_path: Path, content: bytes | str
) -> None:
    clicks, amount = analyzed(content, tmp_path).metrics
    assert clicks.control.conversions == 10
    assert (amount.control.moments.n, amount.treatments[0].arm.moments.n) == (20, 20)
    assert amount.control.moments.mean == pytest.approx(MEAN, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.replace(".", ","),
        lambda x: f"{x[0]}.{x[1:]}".replace(".5", ",5"),
        lambda x: f"{x[0]} {x[1:]}".replace(".5", ",5"),
        lambda x: f"{x[0]}\u00a0{x[1:]}".replace(".5", ",5"),
        lambda x: f"{x[0]}'{x[1:]}",
        lambda x: f"{x[0]},{x[1:]}",
        lambda x: f" {x} ",
        lambda x: f"+{x}",
        lambda x: f"{float(x):e}",
    ],
)
def test_decimal_commas_and_separators_of_thousands_are_understood(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    amount = analyzed(numbered(change), tmp_path).metrics[1]
    assert amount.control.moments.mean == pytest.approx(MEAN, abs=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        ["1,234"] * 40,
        ["1,5", "1.5"] * 20,
        ["1.234,5", "1,234.5"] * 20,
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_refused(
    tmp_path: Path, values: list[str]
) -> None:
    given = iter(["x", *values])
    content = "".join(";".join((*row[:3], next(given))) + "\n" for row in ROWS)
    with pytest.raises(AnalysisError, match="which is not a finite number"):
        analyzed(content, tmp_path)


def test_a_column_of_decimal_commas_knows_that_its_points_are_of_thousands(tmp_path: Path) -> None:
    given = iter(["x", *["1.234", "0,5"] * 20])
    content = "".join(";".join((*row[:3], next(given))) + "\n" for row in ROWS)
    assert analyzed(content, tmp_path).metrics[1].control.moments.mean == 1234


@pytest.mark.parametrize("word", ["NA", "n/a", "null", "None", "-", "NaN", r"\N", ""])
@pytest.mark.parametrize("column", [2, 3])
def test_a_word_for_nothing_is_an_empty_value(tmp_path: Path, word: str, column: int) -> None:
    row = ["99", "a", "0", "1"]
    row[column] = word
    with pytest.raises(AnalysisError, match="is empty for 1 unit\\."):
        analyzed(text() + ",".join(row) + "\n", tmp_path)


@pytest.mark.parametrize(
    "words", ["yes no", "Yes NO", "Y N", "y n", "TRUE FALSE", "True false", "t F"]
)
def test_truth_has_many_words(tmp_path: Path, words: str) -> None:
    yes, no = words.split()
    content = "".join(
        ",".join((*row[:2], {"1": yes, "0": no}.get(row[2], row[2]), row[3])) + "\n" for row in ROWS
    )
    assert analyzed(content, tmp_path).metrics[0].control.conversions == 10


def test_letters_that_are_not_in_utf_8_are_those_of_western_europe(tmp_path: Path) -> None:
    content = text().replace(",a,", ",größer,").encode("latin-1")
    path = tmp_path / "u.csv"
    for many in (0, 3_000):  # also where only the end of a large file says so
        path.write_bytes(b"id,v,c,x\n" + b"z,,1,1.5\n" * many * 3 + content.partition(b"\n")[2])
        result = UnitsAnalysis(
            path, unit="id", variant="v", control="größer", metrics=[Mean("x")]
        ).run()
        assert result.metrics[0].control.moments.n == 20


def test_a_line_break_in_a_value_is_part_of_it(tmp_path: Path) -> None:
    content = text().replace(",a,", ',"a\r\nb",')
    path = tmp_path / "u.csv"
    path.write_bytes(content.encode())
    metrics = [Mean("x")]
    result = UnitsAnalysis(path, unit="id", variant="v", control="a\r\nb", metrics=metrics).run()
    assert result.metrics[0].control.moments.n == 20


@pytest.mark.parametrize("total", ["Total,,10,40120\n", "Total,,25%,many\n"])
def test_a_last_row_of_totals_has_no_variant_and_is_left_out(tmp_path: Path, total: str) -> None:
    result = analyzed(text() + total, tmp_path)
    assert result.metrics[0].control.conversions == 10
    assert "1 row has no variant: it is left out." in result.warnings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            text() + "Total,40\n",
            "line 42 has 2 values ('Total,40'), where the header has 4; it looks",
        ),
        (
            text() + "7,a\n",
            "line 42 has 2 values ('7,a'), where the header has 4; each row needs all 3",
        ),
        (
            text() + "7,a,1,1,5\n",
            "line 42 has 5 values ('7,a,1,1,5'), where the header has 4; a value",
        ),
        ("\n\n" + text() + "7,a\n", "line 44 has 2 values"),
        ('id,v,c,x\n1,"a\nb",0,1\n7,a\n', "line 4 has 2 values"),
        (text() + '7,"a,1,1\n', "line 42 opens a quotation mark that is never closed"),
        (text() + '7,"a"b,1,1\n', "line 42 has a quotation mark within a quoted value"),
        (text().encode() + bytes(range(256)), "is not text"),
        (b"PK\x03\x04" + bytes(100), "it is an Excel or zip file: save the sheet as CSV"),
        (b"PAR1" + bytes(100), "it is a Parquet file: let its name end in .parquet"),
        (gzip.compress(text().encode()), "let its name end in .gz too"),
        (text().replace("id,v,c,x", "id,v,c,v"), "has no column 'v'"),
        ("id,v,c,x\n", "has columns but no rows"),
        ("\n \n\n", "has only empty lines"),
        ("", "is empty (0 bytes)"),
        (text().encode("utf-16") + b"\x00", "is not text in utf-16"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_line_and_not_in_duckdbs_words(
    tmp_path: Path, content: bytes | str, message: str
) -> None:
    with pytest.raises(AnalysisError) as caught:
        analyzed(content, tmp_path)
    assert message in str(caught.value)
    assert "DuckDB" not in str(caught.value)


def test_a_name_that_stands_twice_can_be_told_apart_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text(text().replace("id,v,c,x", "id,v,X,x"))
    with pytest.raises(MissingColumnError, match=r"X \(column 3\), x \(column 4\)"):
        UnitsAnalysis(path, unit="id", variant="v", control="a", metrics=[Mean("x")]).run()
    metrics = [Mean("x (column 4)")]
    result = UnitsAnalysis(path, unit="id", variant="v", control="a", metrics=metrics).run()
    assert result.metrics[0].control.moments.mean == pytest.approx(MEAN)


def test_packed_files_are_unpacked_and_half_of_one_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(text(end="\r\n").replace("\r\n", "\n", 2).encode())
    result = analyzed(packed, tmp_path, "u.csv.gz")
    assert result.metrics[0].control.conversions == 10
    with pytest.raises(AnalysisError, match="not a whole gzip file"):
        analyzed(packed[:-20], tmp_path, "u.csv.gz")


def test_the_files_of_a_folder_may_have_forms_of_their_own(tmp_path: Path) -> None:
    lines = text().splitlines()
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "1.csv").write_text("\n".join(lines[:20]))
    (folder / "2.tsv").write_text("\n".join([lines[0], *lines[20:30]]).replace(",", "\t"))
    (folder / "3.csv").write_bytes(
        "\r\n".join(["x;c;v;id", *(";".join(row[::-1]) for row in ROWS[30:])]).encode("utf-16")
    )
    metrics = [Conversion("c"), Mean("x")]
    result = UnitsAnalysis(folder, unit="id", variant="v", control="a", metrics=metrics).run()
    assert result.metrics[0].control.conversions == 10
    assert result.metrics[1].control.moments.mean == pytest.approx(MEAN)


def test_a_header_alone_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError):
        analyzed("id;v;c;x", tmp_path)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_whatever_a_csv_writer_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], delimiter: str, end: str
) -> None:
    import csv

    from abkit.analysis.engines.local import DuckDB
    from abkit.analysis.reading.columns import Column, Kind
    from abkit.analysis.reading.sources import Table

    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([["n", "value", "last"], *([i, v, "z"] for i, v in enumerate(values))])
    with DuckDB() as engine:
        columns = [Column(name=name, kind=Kind.TEXT, source=name) for name in ("n", "value")]
        engine.open("t", Table(path), columns)
        rows = engine.rows("select n, value from t order by cast(n as bigint)")
    assert [row["value"] for row in rows] == [value or None for value in values]
