"""What blame concludes from trials: the trainings are made up here, the conclusions and the words are real."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ovt.data.votes import Votes
from ovt.quality.attribution.blame import CONFIRMED, NOT_A_SOURCE, SUSPECTED
from ovt.quality.attribution.influence import Influence
from ovt.quality.attribution.recovery import Recovery
from ovt.quality.attribution.vote_changes import vote_changes
from ovt.quality.policy.thresholds import Policy
from ovt.quality.slicediff import SliceRow
from ovt.workflows.attribution.accusation import report_of
from ovt.workflows.attribution.blame import hear
from ovt.workflows.attribution.carrying import Definition, Definitions
from ovt.workflows.attribution.changes import SourceChange, _Places, _source_changes
from ovt.workflows.attribution.inquiry import Budget, Case, Inquiry, Suspect
from ovt.workflows.attribution.other_changes import OtherChange
from ovt.workflows.attribution.trials import Spent

ROW, OTHER_ROW = ("Intent", "s"), ("Intent", "t")
DOWN = Recovery(base=0.9, head=0.5, without=0.5, share=0.0, p_gain=1.0, p_rest=0.001)
WELL = Recovery(base=0.9, head=0.5, without=0.9, share=1.0, p_gain=1e-6, p_rest=1.0)
HALF = Recovery(base=0.9, head=0.5, without=0.68, share=0.45, p_gain=1e-4, p_rest=1e-4)


def row(place: tuple[str, str]) -> SliceRow:
    return SliceRow(place[0], place[1], "accuracy", 100, 0.9, 0.5, -0.4, -0.5, -0.3, 0.001, "regressed", 40, 0)


def change(name: str) -> SourceChange:
    return SourceChange(name, (name,), "edited", f"labelers/{name}.py", 7, ("Intent",), 10)


class Trials(Inquiry):
    """An inquiry whose trainings are looked up: (sources taken back, seed offset) → recovery by case."""

    def __init__(self, names: str, outcomes, *, places=(ROW,), pulls=0.3, others=(), related=True, votes=9) -> None:
        lab = SimpleNamespace(spent=Spent(), progress=SimpleNamespace(update=lambda *_: None))
        sources = tuple(change(name) for name in names)
        spoken = votes_from([(item, name, 0) for item in range(votes) for name in names] or [(0, "x", 0)])
        moved = {"Intent": vote_changes(Votes.empty(9), spoken)}
        changes = SimpleNamespace(others=others, notes=(), sources=sources, moved=moved)
        super().__init__(lab, changes, [Case(row(place), np.zeros(1), np.ones(9, bool)) for place in places], Policy())
        pull = {place: Influence(pulls, pulls, 50) for place in places} if related else {}
        self.suspects = [Suspect(found, {"of": found.name}, pull) for found in changes.sources]
        self.outcomes, self.asked = outcomes, []

    def without(self, changes):
        return {"of": "".join(found.name for found in changes)}

    def cost(self, targets, *, both_seeds):
        return 3 if both_seeds else 1

    def try_without(self, targets, seed_offset=0):
        self.asked.append((targets["of"], seed_offset))
        self.lab.spent.trained += 1
        found = self.outcomes.get((targets["of"], seed_offset), DOWN)
        return {case.place: found for case in self.cases} if isinstance(found, Recovery) else found


def judged(inquiry: Trials, budget: Budget | None = None):
    return report_of(inquiry, hear(inquiry, budget or Budget(1e6, 1.0)), 5, 1.0)


def test_two_seeds_confirm_and_who_was_tried_in_vain_is_cleared() -> None:
    inquiry = Trials("ab", {("b", 0): WELL, ("b", 1): WELL})
    report = judged(inquiry)
    assert [(found.source, found.confidence, found.share, found.rows, found.at) for found in report.blames] == [
        ("b", CONFIRMED, 1.0, (ROW,), "labelers/b.py:7")]
    assert report.notes == ("not to blame, the drop stays without its change: `a`",)
    assert inquiry.asked == [("a", 0), ("b", 0), ("b", 1)]


def test_a_change_that_works_through_the_weights_of_others_is_told_so() -> None:
    outcomes = {("a", seed): WELL for seed in (0, 1)}
    assert "trusted" not in judged(Trials("a", outcomes)).blames[0].why
    assert "it changes how far other sources are trusted" in judged(Trials("a", outcomes, votes=0)).blames[0].why


def test_nobody_is_tried_once_all_is_explained() -> None:
    inquiry = Trials("abc", {("a", 0): WELL, ("a", 1): WELL})
    judged(inquiry)
    assert inquiry.asked == [("a", 0), ("a", 1)]


def test_one_seed_is_not_enough() -> None:
    report = judged(Trials("a", {("a", 0): WELL}))
    assert report.blames == ()
    assert report.unexplained == (ROW,)
    assert "helps with one seed and not" in report.notes[0]


def test_each_of_two_culprits_of_one_row_is_named_with_its_part() -> None:
    report = judged(Trials("ab", {(name, seed): HALF for name in "ab" for seed in (0, 1)}))
    assert [(found.source, found.share) for found in report.blames] == [("a", 0.45), ("b", 0.45)]
    assert "about 45 % of the drop, the rest has another cause" in report.blames[0].why
    assert report.unexplained == (ROW,)


def test_two_rows_two_culprits() -> None:
    outcomes = {("a", seed): {ROW: WELL, OTHER_ROW: DOWN} for seed in (0, 1)}
    outcomes |= {("b", seed): {ROW: DOWN, OTHER_ROW: WELL} for seed in (0, 1)}
    report = judged(Trials("ab", outcomes, places=(ROW, OTHER_ROW)))
    assert {found.source: found.rows for found in report.blames} == {"a": (ROW,), "b": (OTHER_ROW,)}
    assert report.unexplained == ()


def test_what_ends_only_together_names_none() -> None:
    report = judged(Trials("ab", {("ab", 0): WELL, ("ab", 1): WELL}))
    assert report.blames == ()
    assert "taking back `a`, `b` together ends the drop" in report.notes[0]


def test_of_many_that_act_together_the_first_few_that_suffice_are_told() -> None:
    outcomes = {(names, seed): WELL for names in ("abcd", "abc") for seed in (0, 1)}
    inquiry = Trials("abcd", outcomes)
    report = judged(inquiry)
    assert "taking back `a`, `b`, `c` together" in report.notes[0]
    assert [asked for asked in inquiry.asked if len(asked[0]) > 1] == [
        ("abcd", 0), ("abcd", 1), ("ab", 0), ("abc", 0), ("abc", 1)]


def test_a_drop_that_another_seed_does_not_have_is_noise() -> None:
    report = judged(Trials("ab", {("ab", 0): WELL, ("ab", 1): {}}))
    assert report.blames == ()
    assert "training noise" in report.notes[0]


@pytest.mark.parametrize(("pulls", "suspected"), [(0.3, ["a"]), (0.001, []), (-0.3, [])])
def test_who_could_not_be_tried_is_suspected_only_if_its_votes_point_there(pulls: float, suspected: list[str]) -> None:
    inquiry = Trials("a", {("a", 0): WELL, ("a", 1): WELL}, pulls=pulls)
    report = judged(inquiry, Budget(10.0, 60.0))
    assert [found.source for found in report.blames] == suspected
    assert all(found.confidence == SUSPECTED and found.share == 0 for found in report.blames)
    assert inquiry.asked == []
    assert report.unexplained == (ROW,)


def test_a_task_that_the_change_does_not_label_asks_for_a_harder_proof() -> None:
    outcomes = {("a", seed): Recovery(0.9, 0.5, 0.9, 1.0, 0.01, 1.0) for seed in (0, 1)}
    assert judged(Trials("a", outcomes)).blames
    assert not judged(Trials("a", outcomes, related=False)).blames


def test_what_is_no_source_is_named_where_sources_do_not_explain_it() -> None:
    data = OtherChange("data/", "data.dvc", "records changed")
    (found,) = judged(Trials("a", {}, others=(data,))).blames
    assert (found.source, found.kind, found.confidence, found.path) == ("data/", "other", NOT_A_SOURCE, "data.dvc")
    assert "stays down when the changes of all sources are taken back" in found.why
    (found,) = judged(Trials("a", {("a", 0): WELL, ("a", 1): WELL}, others=(data,))).blames
    assert found.source == "a"


def test_budget_needs_room_for_all_trainings_of_a_suspect() -> None:
    assert Budget(100, None).allows(3, 30.0)
    assert not Budget(80, None).allows(3, 30.0)
    assert Budget(0, None).allows(0, 30.0)
    assert not Budget(0, None).allows(1, None)
    assert Budget(100, None).allows(3, None)


def votes_from(triples: list[tuple[int, str, int]]) -> Votes:
    names = sorted({name for _, name, _ in triples})
    columns = np.asarray([(item, names.index(name), label) for item, name, label in triples], np.int64)
    return Votes.build(columns[:, 0], columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32), names, 9)


def side(**digests: str):
    return SimpleNamespace(source=SimpleNamespace(digest=digests.get))


def test_sources_that_changed_and_where_they_are_written() -> None:
    before = votes_from([(0, "gone", 0), (0, "f", 0), (1, "crowd/1", 0), (1, "same", 0), (2, "quiet", 0)])
    after = votes_from([(0, "fresh", 0), (0, "f", 1), (1, "crowd/1", 1), (1, "crowd/2", 1), (1, "same", 0), (2, "quiet", 0),
                        (3, "quiet", 0)])
    base = {"gone": Definition("labelers/a.py", 3, "1", "abstain"), "f": Definition("labelers/a.py", 9, "2", "abstain"),
            "quiet": Definition("labelers/q.py", 2, "5", "abstain")}
    head = {"fresh": Definition("labelers/b.py", 4, "3", "abstain"), "f": Definition("labelers/a.py", 5, "4", "abstain"),
            "quiet": Definition("labelers/q.py", 2, "5", "vote")}
    places = _Places(side(data="x", supervision="y"), side(data="x", supervision="z"), Definitions(base, head))
    found = _source_changes({"T": vote_changes(before, after)}, {"T": before}, {"T": after}, places)
    assert {one.name: (one.kind, one.path, one.line) for one in found} == {
        "gone": ("removed", "labelers/a.py", 3), "f": ("edited", "labelers/a.py", 5), "fresh": ("new", "labelers/b.py", 4),
        "crowd/*": ("edited", "supervision.dvc", None), "quiet": ("reweighted", "ovt.yaml", None),
    }
    assert next(one.sources for one in found if one.name == "crowd/*") == ("crowd/1", "crowd/2")
    assert found[0].votes == max(one.votes for one in found)
    assert Definitions(base, head).unchanged() == frozenset()
