"""Per class: scikit-learn is the oracle; per entity type: seqeval's definition, written here a second time."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from ovt.quality.classes import class_scores
from ovt.quality.intervals import wilson

LABELS = st.sampled_from(["a", "b", "c", "d"])


def triple(score) -> tuple[float, float, float]:
    return score.precision.value, score.recall.value, score.f1.value


@settings(deadline=None, max_examples=80)
@given(st.lists(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=5), min_size=1, max_size=12))
def test_multiclass_is_scikit_learns(graded_maker, records) -> None:
    part = graded_maker("multiclass", [[gold for gold, _ in record] for record in records],
                        [[said for _, said in record] for record in records])
    gold, said = ([pair[side] for record in records for pair in record] for side in (0, 1))
    names = sorted({*gold, *said})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = precision_recall_fscore_support(gold, said, labels=names, zero_division=0)
    ours = {score.name: score for score in class_scores(part, np.arange(len(records)))}
    assert sorted(ours) == names
    for place, name in enumerate(names):
        assert triple(ours[name]) == pytest.approx([column[place] for column in oracle[:3]], abs=1e-9)
        assert ours[name].support == oracle[3][place]


@pytest.fixture(scope="module")
def graded_maker():
    """`make_graded` for hypothesis, which wants nothing made anew for each example."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("graded_predictions", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_graded


def test_bitvector_is_scikit_learns(graded, names) -> None:
    rng = np.random.default_rng(5)
    bits = np.asarray(list("pqrs"))
    gold = [[names(*bits[rng.random(4) < 0.4])] for _ in range(60)]
    said = [[names(*bits[rng.random(4) < 0.4])] for _ in range(60)]
    table = MultiLabelBinarizer(classes=list(bits))
    truth, answer = (table.fit_transform([json.loads(record[0]) for record in side]) for side in (gold, said))
    oracle = precision_recall_fscore_support(truth, answer, zero_division=0)
    for score in class_scores(graded("bitvector", gold, said), np.arange(60)):
        place = list(bits).index(score.name)
        assert triple(score) == pytest.approx([column[place] for column in oracle[:3]], abs=1e-9)


def entities(tags: list[str], *, strict: bool) -> set[tuple[str, int, int]]:
    """Spans of one sentence: by seqeval's default, or strictly, where only `B-` begins one (IOB2)."""
    found, start, kind = set(), None, None
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        goes_on = prefix == "I" and kind == name
        if start is not None and not goes_on:
            found.add((kind, start, place))
            start, kind = None, None
        if prefix == "B" or (prefix == "I" and start is None and not strict):
            start, kind = place, name
    return found


TAGS = st.sampled_from(["B-x", "I-x", "B-y", "I-y", "O"])
SENTENCES = st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=7), min_size=1, max_size=6)


def by_type(records, side: int, *, strict: bool) -> set[tuple[int, str, int, int]]:
    return {(row, *span) for row, record in enumerate(records)
            for span in entities([pair[side] for pair in record], strict=strict)}


@settings(deadline=None, max_examples=150)
@given(SENTENCES)
def test_entity_types_are_seqevals_also_where_bio_is_broken(graded_maker, records) -> None:
    part = graded_maker("BIO", [[gold for gold, _ in record] for record in records],
                        [[said for _, said in record] for record in records])
    truth, said = by_type(records, 0, strict=False), by_type(records, 1, strict=False)
    ours = {score.name: score for score in class_scores(part, np.arange(len(records))) if score.kind == "span"}
    assert sorted(ours) == sorted({span[1] for span in truth | said})
    for name, score in ours.items():
        gold, found = ({span for span in spans if span[1] == name} for spans in (truth, said))
        right = len(gold & found)
        assert (score.support, score.predicted) == (len(gold), len(found))
        assert triple(score) == pytest.approx((right / len(found) if found else 0, right / len(gold) if gold else 0,
                                               2 * right / (len(gold) + len(found))), abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(SENTENCES)
def test_the_strict_definition_is_the_same_where_bio_is_whole(graded_maker, records) -> None:
    """IOB2 strictly knows no span that begins with `I-`: with such predictions mended, both count alike."""
    mended = [list(zip(mend([gold for gold, _ in record]), mend([said for _, said in record]), strict=True))
              for record in records]
    for side in (0, 1):
        assert by_type(mended, side, strict=True) == by_type(mended, side, strict=False)
    part = graded_maker("BIO", [[gold for gold, _ in record] for record in mended],
                        [[said for _, said in record] for record in mended])
    ours = sum(score.support for score in class_scores(part, np.arange(len(mended))) if score.kind == "span")
    assert ours == len(by_type(mended, 0, strict=True))


def mend(tags: list[str]) -> list[str]:
    fixed: list[str] = []
    for tag in tags:
        before = fixed[-1] if fixed else "O"
        fixed.append(f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag)
    return fixed


def test_intervals_are_wilsons_for_single_items(graded) -> None:
    gold = [["a"]] * 40 + [["b"]] * 60
    said = [["a"]] * 30 + [["b"]] * 70
    score = next(score for score in class_scores(graded("multiclass", gold, said), np.arange(100)) if score.name == "a")
    assert (score.recall.value, score.precision.value) == (0.75, 1.0)
    assert (score.precision.low, score.precision.high) == pytest.approx(wilson(30, 30))
    low, high = wilson(30, 40)
    assert low - 0.02 < score.recall.low < low + 0.01
    assert high - 0.01 < score.recall.high < high + 0.02


def test_what_was_never_predicted_has_no_precision_to_be_sure_of(graded) -> None:
    (missed, _) = class_scores(graded("multiclass", [["a"]] * 5, [["b"]] * 5), np.arange(5))
    assert missed.name == "a"
    assert (missed.precision.value, missed.precision.low, missed.precision.high) == (0, 0, 1)


def test_nothing_and_positions_have_no_classes(graded) -> None:
    part = graded("multiclass", [["a"]], [["a"]])
    assert class_scores(part, np.arange(0)) == []
    assert class_scores(graded("select", [["0"]], [["0"]]), np.arange(1)) == []
