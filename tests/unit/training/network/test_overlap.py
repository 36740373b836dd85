from __future__ import annotations

import numpy as np
import pytest

from ovt.documents import parse_document
from ovt.schema.parse import parse_schema
from ovt.training.network.overlap import FEATURES, overlap_features, overlap_source


def features(
    words: list[list[int]], ranges: list[list[int]], text: list[int], count: int | None = None,
) -> np.ndarray:
    found = overlap_features(
        np.asarray([words]), np.asarray([len(words) if count is None else count]), np.asarray([ranges]), np.asarray([text]),
    )
    assert found.shape == (1, len(words), FEATURES)
    return found[0]


def test_a_member_that_names_its_span_says_so() -> None:
    exact, partial, absent = features([[5, 6], [5, 9], [8, 0]], [[1, 3], [1, 3], [0, 1]], [4, 5, 6, 0])
    assert exact[:6].tolist() == [1, 1, 1, 1, 1, 1]
    assert partial[:6].tolist() == [0.5, 0.5, 0.5, 0, 0, 0]
    assert absent[:6].tolist() == [0] * 6


def test_order_counts_overall_and_within_a_span() -> None:
    found = features([[5], [6], [7]], [[1, 2], [0, 1], [1, 2]], [6, 5])
    assert found[:, 9] == pytest.approx([1, 1 / 2, 1 / 3])
    assert found[:, 11] == pytest.approx([1, 1, 1 / 2])


def test_padding_is_zeros_and_changes_nothing() -> None:
    alone = features([[5, 6]], [[0, 2]], [5, 6])
    padded = features([[5, 6, 0], [0, 0, 0]], [[0, 2], [0, 0]], [5, 6, 0, 0], count=1)
    assert padded[0] == pytest.approx(alone[0])
    assert not padded[1].any()


def test_nothing_to_compare_with_is_no_overlap() -> None:
    found = features([[0]], [[0, 0]], [0])
    assert np.isfinite(found).all()
    assert not found[0, :6].any()


@pytest.mark.parametrize(("entities", "source"), [
    ('{"type": "set", "range": "tokens"}', "tokens"),
    ('{"type": "set", "base": ["query"]}', "tokens"),
    ('{"type": "set", "base": ["title"]}', "title"),
    ('{"type": "set"}', None),
])
def test_a_set_is_compared_with_its_range_or_the_text_of_its_base(entities: str, source: str | None) -> None:
    payloads = ('"tokens": {"type": "sequence"}, "query": {"type": "singleton", "base": ["tokens"]}, '
                f'"title": {{"type": "singleton"}}, "entities": {entities}')
    schema = parse_schema(parse_document(f'{{"payloads": {{{payloads}}}, "tasks": {{}}}}', "schema.json"))
    assert overlap_source(schema, "entities") == source
