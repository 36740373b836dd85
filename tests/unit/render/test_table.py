from __future__ import annotations

from ovt.render.table import Table, as_text, interval, number, signed
from ovt.render.tsv import as_tsv


def test_columns_are_aligned_by_what_the_eye_sees() -> None:
    table = Table(("name", "n"), (("a", "1"), ("日本", "200"), ("ne\u0301", "–")), frozenset({1}))
    assert as_text(table) == "name    n\na       1\n日本  200\nne\u0301      –"


def test_a_table_without_rows_is_its_headers() -> None:
    assert as_text(Table(("name", "n"), ())) == "name  n"


def test_numbers() -> None:
    assert [number(None), number(0.5), number(1.23456, 2)] == ["–", "0.500", "1.23"]
    assert [signed(None), signed(0.5), signed(-0.25), signed(-0.0001), signed(0.0)] == [
        "–", "+0.500", "-0.250", "0.000", "0.000",
    ]
    assert interval(0.1, 0.2) == "0.100 … 0.200"
    assert interval(-0.1, 0.2, difference=True) == "-0.100 … +0.200"
    assert interval(None, 0.2) == "–"


def test_tsv_has_one_line_per_row_whatever_is_in_the_cells() -> None:
    table = Table(("a", "b"), (("x\ty", "1\n2"), ("", "z")))
    assert as_tsv(table) == "a\tb\nx y\t1 2\n\tz"
