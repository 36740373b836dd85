"""What was learned, written, read again and asked: the same numbers as the targets, and what changes without a source."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from ovt.data.votes import VOTED, Votes
from ovt.errors import MissingError
from ovt.supervision.combine import combine_task
from ovt.supervision.posterior import load, posterior, save

EVEN = np.array([0.5, 0.5])
BIO = ["B-x", "I-x", "O"]


@pytest.fixture
def fitted(planted):
    """Three sources of two classes, the first of which knows; and a pair that copies."""
    votes, truth = planted.annotators(600, planted.coins([0.95, 0.7, 0.6, 0.6], 2), EVEN, coverage=0.8)
    votes[:, 3] = votes[:, 2]
    long = planted.votes_of(votes)
    gold = planted.gold_votes(np.arange(100), truth, 600)
    return long, combine_task(long, kind="multiclass", n_classes=2, gold=gold)


def rows_of(rows, names, n_items):
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Votes.build(table[:, 0], table[:, 1].astype(np.int32), table[:, 2].astype(np.int32), names, n_items)


def kept(learned, tmp_path):
    """Written, read and written again."""
    save(learned, tmp_path / "a" / "task.model.safetensors")
    found = load(tmp_path / "a" / "task.model.safetensors")
    save(found, tmp_path / "b.safetensors")
    assert (tmp_path / "a" / "task.model.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    return found


def test_it_gives_the_targets_again(fitted, tmp_path):
    votes, combined = fitted
    learned = kept(combined.learned, tmp_path)
    assert learned.model == combined.chosen
    assert learned.names == votes.names
    assert learned.clusters is not None
    found = posterior(learned, votes)
    assert (found.items == combined.items).all()
    assert found.probabilities == pytest.approx(combined.probabilities, abs=1e-6)


def test_one_record_is_answered_as_among_all(fitted):
    votes, combined = fitted
    item = int(combined.items[7])
    one = posterior(combined.learned, votes.on_items(np.arange(600) == item))
    assert one.items.tolist() == [item]
    assert one.of_item(item) == pytest.approx(combined.probabilities[7], abs=1e-6)
    assert one.of_item(item + 1) is None


def test_without_the_best_source_it_is_less_sure_and_without_all_it_says_nothing(fitted):
    votes, combined = fitted
    alone = votes.on_items(np.isin(np.arange(600), votes.items[(votes.sources == 0)][:200]))
    full, less = posterior(combined.learned, alone), posterior(combined.learned, alone, without={"s00"})
    shared = np.isin(full.items, less.items)
    assert less.probabilities.max(axis=1).mean() < full.probabilities[shared].max(axis=1).mean() - 0.05
    assert len(posterior(combined.learned, alone, without=set(votes.names)).items) == 0


def test_sources_it_has_not_met_are_left_out(fitted):
    votes, combined = fitted
    stranger = Votes.concat([votes, rows_of([(i, 0, 0) for i in range(600)], ["a stranger"], 600)], 600)
    expected, found = posterior(combined.learned, votes), posterior(combined.learned, stranger)
    assert (found.items == expected.items).all()
    assert (found.probabilities == expected.probabilities).all()


def test_bitvector(tmp_path):
    random = np.random.default_rng(0)
    truth = random.random((300, 3)) < [0.5, 0.3, 0.1]
    rows = []
    for source, noise in enumerate([0.05, 0.2, 0.3]):
        said = truth ^ (random.random(truth.shape) < noise)
        rows += [(i, source, VOTED) for i in range(300)] + [(i, source, bit) for i, bit in np.argwhere(said)]
    votes = rows_of(rows, ["a", "b", "c"], 300)
    combined = combine_task(votes, kind="bitvector", n_classes=3)
    found = posterior(kept(combined.learned, tmp_path), votes)
    assert found.probabilities == pytest.approx(combined.probabilities, abs=1e-6)


def test_select(tmp_path):
    random = np.random.default_rng(0)
    sizes = random.integers(1, 5, 300)
    candidates, truth = np.concatenate([[0], np.cumsum(sizes)]), random.integers(0, sizes)
    right = random.random((300, 3)) < [0.9, 0.6, 0.6]
    answers = np.where(right, truth[:, None], random.integers(0, np.tile(sizes[:, None], 3)))
    votes = rows_of([(i, s, answers[i, s]) for i in range(300) for s in range(3)], ["a", "b", "c"], 300)
    combined = combine_task(votes, kind="select", n_classes=0, candidates=candidates)
    found = posterior(kept(combined.learned, tmp_path), votes, candidates=candidates)
    assert found.probabilities == pytest.approx(combined.probabilities, abs=1e-6)
    assert found.of_item(3).shape == (sizes[3],)


def tagged(seed=0, n=120):
    """Sentences of ten tokens with a span of two; two sources mark it, the second its first token alone now and then."""
    random = np.random.default_rng(seed)
    truth = np.full((n, 10), 2)
    at = random.integers(0, 8, n)
    truth[np.arange(n), at], truth[np.arange(n), at + 1] = 0, 1
    rows = []
    for sentence in range(n):
        for source, cut in enumerate([0.1, 0.6]):
            if random.random() < 0.8:
                rows.append((sentence * 10 + at[sentence], source, 0))
                if random.random() > cut:
                    rows.append((sentence * 10 + at[sentence] + 1, source, 1))
    return truth.reshape(-1), rows_of(rows, ["a", "b"], n * 10), np.arange(0, n * 10 + 1, 10)


@pytest.mark.parametrize("with_gold", [True, False])
def test_sequences_are_read_as_the_targets_were(tmp_path, with_gold):
    truth, votes, sequences = tagged()
    gold = rows_of([(i, 0, truth[i]) for i in range(600)], ["gold"], 1200) if with_gold else None
    combined = combine_task(votes, kind="multiclass", n_classes=3, gold=gold, sequences=sequences, classes=BIO, spans=True,
                            train_items=np.arange(1200) >= 600)
    learned = kept(combined.learned, tmp_path)
    assert "read" in combined.reason.split("; ")[-1]
    assert set(combined.decoders) == ({"tokens", "hmm", "crf"} if with_gold else set())
    found = posterior(learned, votes, sequences=sequences)
    assert (found.items == combined.items).all()
    assert found.probabilities == pytest.approx(combined.probabilities, abs=1e-5)
    one = votes.on_items((np.arange(1200) // 10) == 100)
    if len(one.items):
        alone = posterior(learned, one, sequences=sequences)
        assert alone.items.tolist() == list(range(1000, 1010))
        assert alone.probabilities == pytest.approx(combined.probabilities[np.isin(combined.items, alone.items)], abs=1e-5)
    by_itself = posterior(learned, votes)
    assert len(by_itself.items) == len(np.unique(votes.items))


def test_a_crf_mends_what_a_source_cuts_off():
    truth, votes, sequences = tagged(n=300)
    gold = rows_of([(i, 0, truth[i]) for i in range(1500)], ["gold"], 3000)
    combined = combine_task(votes, kind="multiclass", n_classes=3, gold=gold, sequences=sequences, classes=BIO, spans=True,
                            train_items=np.arange(3000) >= 1500)
    answers = combined.probabilities.argmax(axis=1)
    unseen = combined.items >= 1500
    assert combined.learned.decoding.decoder in {"hmm", "crf"}
    assert (answers == truth[combined.items])[unseen].mean() > 0.99


def test_a_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MissingError) as caught:
        load(tmp_path / "Intent.model.safetensors")
    assert caught.value.command == "ovt run label"
    save_file({"a": np.zeros(1)}, str(tmp_path / "old"), {"ovt": '{"format": "ovt.label_model/0"}'})
    with pytest.raises(MissingError, match="another version"):
        load(tmp_path / "old")
