"""Two versions of made-up data, one planted change at a time: what is found, and that nothing else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ovt.quality.inputs import comparison as compare
from ovt.quality.inputs.datadiff import DataDiff, DataSide
from ovt.quality.inputs.findings import findings
from ovt.quality.inputs.snapshot import Material, Snapshot, snapshot
from ovt.quality.membership import RowsByName
from ovt.render.datadiff import data_table, datadiff_json, findings_table, headline, summary
from ovt.stages.evaluate import read_tags

INTENTS = ("age", "height", "president")


def make_records(count: int = 300, *, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        intent = INTENTS[int(rng.integers(3))]
        split = "test" if number % 5 == 0 else "dev" if number % 5 == 1 else "train"
        query = f"{intent} of thing {number} {rng.integers(1000)}"
        labels = {"weak": intent, "crowd/ada": intent, "crowd/bob": INTENTS[0]}
        found.append({
            "id": f"q{number}", "payloads": {"query": query, "tokens": query.split(), "device": "phone"},
            "tasks": {"Intent": labels | ({"gold": intent} if split != "train" else {})},
            "tags": [split, *(["new"] if number % 3 else ["old"])],
        })
    return found


@pytest.fixture
def taken(bench):
    """Compile records and take their snapshot."""
    def take(records: list[dict[str, Any]]) -> Snapshot:
        from ovt.data.votes import Votes

        bench.records(*records)
        store = bench.compiled()
        build = bench.root / "build"
        votes = Votes.load(build / "votes/Intent.arrow", store.n_items("Intent"))
        gold = {("Intent", split): Votes.load(build / f"gold/{split}/Intent.arrow", store.n) for split in ("dev", "test")}
        weak = votes.sources == votes.names.index("weak") if "weak" in votes.names else np.zeros(len(votes.items), bool)
        targets = {"Intent": (votes.items[weak], votes.labels[weak].astype(np.int64))}
        slices = RowsByName(store.n, {"phones": np.flatnonzero(store.categories("device") >= 0)})
        return snapshot(Material(store, {"Intent": votes}, gold, targets, read_tags(build / "tags.parquet"), slices))

    return take


def compared(a: Snapshot, b: Snapshot) -> DataDiff:
    records, sources, names = compare.records_rows(a, b), compare.source_rows(a, b), compare.name_rows(a, b)
    distributions = compare.distribution_rows(a, b)
    return DataDiff(
        DataSide("HEAD", "1" * 40, "first", len(a.splits)), DataSide("workspace", None, "", len(b.splits)), records,
        compare.schema_lines(a.schema, b.schema), sources, names, distributions,
        findings(a, b, records=records, sources=sources, names=names, distributions=distributions))


def grave(diff: DataDiff) -> set[tuple[str, str]]:
    return {(found.severity, found.kind) for found in diff.findings if found.severity != "note"}


def test_the_same_data_has_no_difference(taken) -> None:
    first = taken(make_records())
    diff = compared(first, taken(make_records()))
    assert diff.empty
    assert grave(diff) == set()
    assert headline(diff).endswith("the data is the same")
    assert summary(diff) == ""


def test_records_added_removed_changed_and_moved(taken) -> None:
    before = make_records()
    after = [dict(record) for record in before[3:]]
    after.append({**make_records(1, seed=5)[0], "id": "fresh", "tags": ["train"]})
    after[0] = {**after[0], "payloads": {"query": "something else", "tokens": ["something", "else"], "device": "phone"}}
    moved = next(place for place, record in enumerate(after) if "dev" in record["tags"])
    after[moved] = {**after[moved], "tags": ["test"]}
    diff = compared(taken(before), taken(after))
    rows = {row.split: row for row in diff.records}
    assert sum(row.added for row in diff.records) == 1
    assert sum(row.removed for row in diff.records) == 3
    assert sum(row.changed for row in diff.records) == 1
    assert rows["test"].moved == 1
    assert ("warning", "split-moved") in grave(diff)


def test_a_source_that_vanished_and_one_that_collapsed(taken) -> None:
    before = taken(make_records())
    records = make_records()
    for number, record in enumerate(records):
        del record["tasks"]["Intent"]["weak"]
        if number > 40:
            record["tasks"]["Intent"].pop("crowd/ada")
            record["tasks"]["Intent"].pop("crowd/bob")
    diff = compared(before, taken(records))
    kinds = {(found.kind, found.subject) for found in diff.findings}
    assert ("source-vanished", "Intent · weak") in kinds
    assert ("coverage-collapsed", "Intent · crowd/*") in kinds  # workers are told together
    assert not any("ada" in row.source for row in diff.sources)
    assert diff.worst() == "problem"


def test_a_class_that_vanished(taken) -> None:
    before = taken(make_records())
    records = [record for record in make_records() if record["tasks"]["Intent"]["weak"] != "president"]
    diff = compared(before, taken(records))
    assert ("problem", "class-vanished") in grave(diff)
    assert "president" in " ".join(found.subject for found in diff.findings if found.kind == "class-vanished")


def test_a_class_that_only_test_has(taken) -> None:
    records = make_records()
    for record in records:
        if "train" in record["tags"] and record["tasks"]["Intent"]["weak"] == "president":
            record["tasks"]["Intent"]["weak"] = "age"
    diff = compared(taken(make_records()), taken(records))
    assert ("warning", "class-unlearnable") in grave(diff)


@pytest.mark.parametrize(("shout", "column"), [(False, "copies"), (True, "near_copies")])
def test_test_records_that_leak_into_train(taken, shout: bool, column: str) -> None:
    before = taken(make_records())
    records = make_records()
    for number, record in enumerate([record for record in records if "test" in record["tags"]][:10]):
        query = record["payloads"]["query"]
        text = f"{query.upper()} !" if shout else query
        records.append({"id": f"leak{number}", "tags": ["train"], "tasks": {},
                        "payloads": {"query": text, "tokens": text.split(), "device": "phone"}})
    diff = compared(before, taken(records))
    test = next(row for row in diff.records if row.split == "test")
    assert (getattr(test, column), test.copies + test.near_copies) == (10, 10)
    (found,) = [found for found in diff.findings if found.kind == "leakage"]
    assert (found.severity, found.subject) == ("problem", "test")


def test_what_leaked_before_is_a_note(taken) -> None:
    records = make_records()
    test = next(record for record in records if "test" in record["tags"])
    records += [{**test, "id": f"old{number}", "tags": ["train"], "tasks": {}} for number in range(3)]
    diff = compared(taken(records), taken(records))
    assert [found.severity for found in diff.findings if found.kind == "leakage"] == ["note"]


def test_a_label_shift_a_skew_and_a_tag_that_went(taken) -> None:
    before = taken(make_records())
    records = make_records()
    for number, record in enumerate(records):
        record["tags"] = [tag for tag in record["tags"] if tag != "old"]
        if "train" in record["tags"] and number % 8:
            record["tasks"]["Intent"]["weak"] = "age"
            record["payloads"] = {**record["payloads"], "query": "a b", "tokens": ["a", "b"]}
    kinds = grave(compared(before, taken(records)))
    assert {("warning", "shift"), ("warning", "skew"), ("warning", "tag-vanished"), ("warning", "source-shifted")} <= kinds
    assert ("problem", "slice-vanished") not in kinds


def test_the_schema_is_told_key_by_key() -> None:
    old = {"payloads": {"t": {"type": "sequence"}}, "tasks": {"A": {"payload": "t", "type": "multiclass"}}}
    new = {"payloads": {"t": {"type": "sequence", "max_length": 8}}, "tasks": {"B": {"payload": "t", "type": "bitvector"}}}
    assert compare.schema_lines(old, new) == (
        "payload `t`: max_length (default) → 8", "task `A` removed", "task `B` added")


def test_one_table_json_and_markdown_tell_it(taken) -> None:
    before = taken(make_records())
    records = make_records()
    for record in records:
        del record["tasks"]["Intent"]["weak"]
    diff = compared(before, taken(records))
    shown = data_table(diff)
    assert ("labels of weak", "Intent", "180", "–", "gone") in {row[:5] for row in shown.rows}
    assert len(data_table(diff, everything=True).rows) > len(shown.rows)
    assert findings_table(diff).rows[0][0] == "▼ problem"
    told = datadiff_json(diff)
    assert told["format"] == "ovt.datadiff/1"
    assert {"a", "b", "records", "schema", "sources", "names", "distributions", "findings", "notes"} <= set(told)
    text = summary(diff)
    assert text.startswith("### Data: 300 → 300 records · ▼ ")
    assert "`weak` labelled 180 items of `Intent` and labels none now" in text
    assert "q0" not in text


def test_names_cannot_break_out_of_markdown(taken) -> None:
    before_records = make_records()
    for record in before_records:
        record["tasks"]["Intent"]["x|<b>@me`"] = "age"
    text = summary(compared(taken(before_records), taken(make_records())))
    assert "<b>" not in text
    assert "@me" not in text
