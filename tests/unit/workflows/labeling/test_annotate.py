"""Sheets out, labels in: what is chosen, what is refused, and that nothing is half written or taken twice."""

from __future__ import annotations

import csv
import json

import pytest

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.supervision.annotation.choosing import Wanted
from ovt.supervision.collection.batches import batches_of
from ovt.workflows.labeling.annotate import export_sheet, import_sheet

ENTITIES = [{"id": "Tower", "range": [1, 2]}, {"id": "Height", "range": [0, 1]}]


def payloads(n):
    return {"query": f"how tall {n}", "tokens": ["how", "tall", str(n)], "entities": ENTITIES}


def build(bench):
    """Ten train records on which `a` and `b` differ from the fifth on, ten of dev of which two have gold."""
    bench.write("slices/s.yaml", "even: {regex: '[02468]$', field: query}\n")
    bench.records(
        *({"id": f"t{n}", "payloads": payloads(n), "tasks": {"Intent": {
            "a": "age", "b": "height" if n >= 5 else "age", "c": "president" if n == 9 else "age"}}} for n in range(10)),
        *({"id": f"d{n}", "payloads": payloads(n), "tags": ["dev"],
           "tasks": {"Intent": {"gold": "age"}} if n < 2 else {}} for n in range(10)),
    )
    bench.run("compile", "label")


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path, labels, **more):
    """Type labels into a sheet, by id (or id and position)."""
    table = rows(path)
    for row in table:
        row["label"] = labels.get((row["id"], row.get("position")), labels.get(row["id"], row["label"]))
        row.update(more.get(row["id"], {}))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def export(bench, task="Intent", name="sheet.csv", **options):
    sheet = {key: options.pop(key) for key in ("layout", "show_votes") if key in options}
    return export_sheet(bench.project, Wanted(task, **options), bench.root / name, **sheet)


def written(bench, name):
    path = bench.root / "supervision" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_disagreement_takes_the_most_contested_first(filled):
    done = export(filled, strategy="disagreement", n=3)
    found = rows(filled.root / "sheet.csv")
    assert (done.records, done.of, done.split, done.sample) == (3, 5, "train", "disagreement")
    assert found[0]["id"] == "t9"
    assert {row["id"] for row in found} <= {f"t{n}" for n in range(5, 10)}
    assert found[0]["query"] == "how tall 9"
    assert found[0]["label"] == ""
    assert "votes" not in found[0]


def test_uncertain_asks_the_label_model(filled):
    export(filled, strategy="uncertain", n=1)
    assert rows(filled.root / "sheet.csv")[0]["id"] == "t9"


def test_random_is_of_dev_without_gold_and_nested(filled):
    small, large = export(filled, n=3), export(filled, n=6, name="large.csv")
    assert (small.split, small.of, large.records) == ("dev", 8, 6)
    ids = [[row["id"] for row in rows(filled.root / name)] for name in ("sheet.csv", "large.csv")]
    assert ids[1][:3] == ids[0]
    assert not {"d0", "d1"} & set(ids[1])
    export(filled, n=6, name="other.csv", seed=1)
    assert [row["id"] for row in rows(filled.root / "other.csv")] != ids[1]


def test_a_slice_and_a_split(filled):
    done = export(filled, strategy="disagreement", slice="even")
    assert {row["id"] for row in rows(filled.root / "sheet.csv")} == {"t6", "t8"}
    assert done.sample == "disagreement in even"
    assert export(filled, split="train", strategy="random").of == 10


@pytest.mark.parametrize(("options", "error"), [
    ({"task": "Intend"}, UsageError), ({"strategy": "best"}, UsageError), ({"slice": "odd"}, UsageError),
    ({"split": "val"}, UsageError), ({"strategy": "disagreement", "split": "dev"}, MissingError),
])
def test_what_cannot_be_exported(filled, options, error):
    with pytest.raises(error):
        export(filled, **options)
    assert not (filled.root / "sheet.csv").exists()


def test_votes_are_shown_only_if_asked_for(filled):
    export(filled, strategy="disagreement", show_votes=True)
    assert rows(filled.root / "sheet.csv")[0]["votes"] == "a=age; b=height; c=president"


def test_labels_come_back_once(filled):
    export(filled, strategy="disagreement", n=5)
    fill(filled.root / "sheet.csv", {"t9": "president", "t5": " age "})
    done = import_sheet(filled.project, filled.root / "sheet.csv", "ada", note="two hours")
    assert (done.written, done.unchanged, done.blank, done.file) == (2, 0, 3, "supervision/ada.jsonl")
    header, *labels = written(filled, "ada.jsonl")
    assert header == {"batch": "sheet", "task": "Intent", "source": "ada", "note": "two hours"}
    assert {(row["id"], row["label"], row["source"]) for row in labels} == {("t9", "president", "ada"), ("t5", "age", "ada")}
    before = (filled.root / "supervision/ada.jsonl").read_bytes()
    again = import_sheet(filled.project, filled.root / "sheet.csv", "ada")
    assert (again.written, again.unchanged) == (0, 2)
    assert (filled.root / "supervision/ada.jsonl").read_bytes() == before
    fill(filled.root / "sheet.csv", {"t5": "height"})
    assert import_sheet(filled.project, filled.root / "sheet.csv", "ada").written == 1
    assert [row["label"] for row in written(filled, "ada.jsonl") if row.get("id") == "t5"] == ["age", "height"]


def test_all_wrong_rows_are_told_and_nothing_is_written(filled):
    export(filled, strategy="disagreement", n=5)
    fill(filled.root / "sheet.csv", {"t9": "presidnt", "t5": "age", "t6": "age", "t7": "x"},
         t6={"query": "how tall six"}, t8={"id": "nobody", "label": "age"})
    with pytest.raises(ProjectError) as caught:
        import_sheet(filled.project, filled.root / "sheet.csv", "ada")
    assert caught.value.what == "4 rows of the sheet cannot be used; nothing was written"
    for told in ("sheet.csv:2: unknown class 'presidnt': did you mean `president`?", "unknown class 'x'",
                 "`query` is not what the record has: 'six' in the sheet, '6' in the data", "no record has the id 'nobody'"):
        assert told in caught.value.why
    assert not (filled.root / "supervision").exists()


@pytest.mark.parametrize(("task", "layout", "labels", "expected"), [
    ("Slots", None, {"t5": "title: 1-2"}, ["O", "B-title", "I-title"]),
    ("Slots", None, {"t5": "-"}, ["O", "O", "O"]),
    ("EntityType", None, {"t5": "title: 0; location: 0"}, [["title", "location"], [], []]),
    ("POS", None, {("t5", "1"): "ADJ"}, {"1": "ADJ"}),
    ("EntityType", "items", {("t5", "0"): "-", ("t5", "2"): "title"}, {"0": [], "2": ["title"]}),
    ("IntentArg", None, {"t5": "1"}, 1), ("IntentArg", None, {"t5": "Tower"}, "Tower"),
    ("Topics", None, {"t5": "food; people"}, ["food", "people"]),
    ("Kind", None, {("t5", "0"): "measure"}, {"0": "measure"}),
])
def test_every_kind_of_task(filled, task, layout, labels, expected):
    export(filled, task, strategy="random", split="train", layout=layout)
    fill(filled.root / "sheet.csv", labels)
    assert import_sheet(filled.project, filled.root / "sheet.csv", "ada").written == 1
    (row,) = [row for row in written(filled, "ada.jsonl") if "id" in row]
    assert row["label"] == expected
    filled.run("label")


@pytest.mark.parametrize(("task", "edit", "why"), [
    ("POS", {"token": "Tall"}, "`token` is not what the record has"),
    ("POS", {"position": "7"}, "position 7 is outside of the 3 items"),
    ("Slots", {"tokens": "0:how 1:tal 2:5"}, "'1:tal 2:5' in the sheet, '1:tall 2:5' in the data"),
    ("IntentArg", {"candidates": "0:Tower"}, "`candidates` is not what the record has"),
])
def test_what_was_edited_in_a_spreadsheet_is_found(filled, task, edit, why):
    export(filled, task, strategy="random", split="train")
    labels = {("t5", "1"): "ADJ"} if task == "POS" else {"t5": {"Slots": "title: 1", "IntentArg": "1"}[task]}
    fill(filled.root / "sheet.csv", labels)
    table = rows(filled.root / "sheet.csv")
    row = next(row for row in table if row["id"] == "t5" and row["label"])
    row.update(edit)
    with (filled.root / "sheet.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)
    with pytest.raises(ProjectError) as caught:
        import_sheet(filled.project, filled.root / "sheet.csv", "ada")
    assert why in caught.value.why


def test_a_tool_may_return_json_lines(filled):
    export(filled, "Slots", "sheet.jsonl", strategy="random", split="train")
    path = filled.root / "sheet.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line["label"] is None for line in lines)
    lines[0]["label"], lines[1]["label"] = [[1, 3, "title"]], "title: 0"
    path.write_text("".join(json.dumps({key: line[key] for key in ("id", "label", "task")}) + "\n" for line in lines))
    assert import_sheet(filled.project, path, "tool").written == 2
    labels = {row["id"]: row["label"] for row in written(filled, "tool.jsonl") if "id" in row}
    assert labels == {lines[0]["id"]: ["O", "B-title", "I-title"], lines[1]["id"]: ["B-title", "O", "O"]}


def test_a_sheet_of_another_tool_needs_the_task(filled):
    (filled.root / "own.csv").write_text("id,label\nt1,age\n")
    with pytest.raises(UsageError, match="which task"):
        import_sheet(filled.project, filled.root / "own.csv", "ada")
    assert import_sheet(filled.project, filled.root / "own.csv", "ada", task="Intent").written == 1
    with pytest.raises(UsageError, match="no task"):
        import_sheet(filled.project, filled.root / "own.csv", "ada", task="Intend")
    (filled.root / "twice.csv").write_text("id,label\nt1,age\nt1,height\n,age\n")
    with pytest.raises(ProjectError) as caught:
        import_sheet(filled.project, filled.root / "twice.csv", "ada", task="Intent")
    assert "the record 't1' is in the sheet twice" in caught.value.why
    assert "twice.csv:4: the row has no id" in caught.value.why


def test_only_a_random_sheet_is_gold(filled):
    export(filled, strategy="disagreement")
    fill(filled.root / "sheet.csv", {"t9": "age"})
    with pytest.raises(UsageError, match="not fit to be gold") as caught:
        import_sheet(filled.project, filled.root / "sheet.csv", "gold")
    assert "chosen by disagreement" in caught.value.why
    (filled.root / "own.csv").write_text("id,label\nd5,age\n")
    with pytest.raises(UsageError, match="not fit to be gold"):
        import_sheet(filled.project, filled.root / "own.csv", "gold", task="Intent")
    assert import_sheet(filled.project, filled.root / "own.csv", "gold", task="Intent", force=True).written == 1
    assert written(filled, "gold.jsonl")[1]["id"] == "d5"


def test_gold_of_dev_counts_from_the_next_run_on(filled):
    export(filled, n=8)
    fill(filled.root / "sheet.csv", {f"d{n}": "height" for n in range(2, 10)})
    done = import_sheet(filled.project, filled.root / "sheet.csv", "gold")
    assert (done.file, done.written, done.notes) == ("supervision/gold.jsonl", 8, ())
    notes = filled.run("compile", "label")
    assert "gold of 8 items of dev and test is from supervision/" in notes
    report = json.loads((filled.root / "reports/sources.json").read_text())
    assert report["tasks"]["Intent"]["items"]["dev_gold"] == 10
    with pytest.raises(MissingError):
        export(filled)


def test_what_makes_gold_doubtful_is_said(filled):
    export(filled, slice="even")
    fill(filled.root / "sheet.csv", {"d2": "age"})
    notes = import_sheet(filled.project, filled.root / "sheet.csv", "gold").notes
    assert "3 of 4 records were left empty" in notes[0]
    assert "drawn in even" in notes[1]


def test_a_changed_guideline_is_told(filled):
    schema = json.loads((filled.root / "schema.json").read_text())
    schema["tasks"]["Intent"]["guideline"] = "guidelines/intent.md"
    filled.write("schema.json", json.dumps(schema))
    filled.write("guidelines/intent.md", "a height is a length\n")
    export(filled, strategy="disagreement")
    fill(filled.root / "sheet.csv", {"t9": "age"})
    import_sheet(filled.project, filled.root / "sheet.csv", "ada", note="round 1")
    (batch,) = batches_of(filled.project, "ada")
    assert (batch.name, batch.note, batch.guideline, batch.rows, batch.changed) == (
        "sheet", "round 1", "guidelines/intent.md", 1, False)
    filled.write("guidelines/intent.md", "a height is a length\r\n")
    assert not any("has changed" in note for note in filled.run("label"))
    filled.write("guidelines/intent.md", "a height is no length\n")
    assert ("supervision/ada.jsonl:1: `guidelines/intent.md` has changed since the labels of batch `sheet` were collected"
            in filled.run("label"))
    assert batches_of(filled.project, "ada")[0].changed


@pytest.mark.parametrize("source", ["../x", "gold", "a b/c", "corrections", ".hidden", "ümlaut"])
def test_any_name_is_a_file_inside_supervision(filled, source):
    (filled.root / "own.csv").write_text("id,label\nt1,age\n")
    done = import_sheet(filled.project, filled.root / "own.csv", source, task="Intent", force=True)
    path = (filled.root / done.file).resolve()
    assert path.parent == filled.root / "supervision"
    assert not path.name.startswith(".")
    assert path.name != "corrections.jsonl"
    assert path.is_file()
