"""Sheets keep what is in their cells, in any spreadsheet's dialect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.errors import ProjectError
from ovt.supervision.annotation.sheets import escaped, read_sheet, unescaped, write_sheet

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(texts)
def test_a_cell_is_no_formula_and_comes_back(text):
    cell = escaped(text)
    assert unescaped(cell) == text
    assert cell == "-" or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.lists(st.fixed_dictionaries({"id": texts, "query": texts, "label": st.none() | texts}), max_size=5))
def test_rows_survive_a_file(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("sheet")
    write_sheet(folder / "s.csv", rows, "csv")
    kept = [row for row in rows if any((value or "").strip() for value in row.values())]
    read = read_sheet(folder / "s.csv")
    if all("\r" not in (value or "") for row in rows for value in row.values()):
        assert [row.values for row in read] == [{key: value or "" for key, value in row.items()} for row in kept]
    write_sheet(folder / "s.jsonl", rows, "jsonl")
    assert [row.values for row in read_sheet(folder / "s.jsonl")] == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dialects(tmp_path, delimiter):
    path = tmp_path / "s.csv"
    path.write_text(f'\ufeffid{delimiter} label \n\na{delimiter}"x\ny"\nb{delimiter}z\n', encoding="utf-8")
    rows = read_sheet(path)
    assert [(row.line, row.values) for row in rows] == [(3, {"id": "a", "label": "x\ny"}), (5, {"id": "b", "label": "z"})]


@pytest.mark.parametrize(("name", "content", "what"), [
    ("s.csv", b'id,label\n"a,b\n', "no CSV"), ("s.csv", b"\xff\xfe\x00", "not in UTF-8"),
    ("s.jsonl", b'{"id"\n', "no JSON"), ("s.jsonl", b"[1]\n", "no JSON object"),
])
def test_files_that_are_no_sheets(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProjectError, match=what):
        read_sheet(tmp_path / name)
