"""From the outcome of the trials to what is said: who is named, with how much certainty, in which words.

The words claim no more than was tried. Named as confirmed is only what two
trainings showed; a change that was tried and did not help is cleared by name; a
change that was not tried is a suspicion, and only if its votes point to the
mistakes that were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.attribution.blame import CONFIRMED, NOT_A_SOURCE, SUSPECTED, Blame, BlameReport
from ovt.quality.attribution.recovery import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ovt.quality.attribution.blame import Place
    from ovt.workflows.attribution.blame import Hearing
    from ovt.workflows.attribution.inquiry import Inquiry, Proof, Suspect

POINTS = 0.02
"""Probability moved to wrong answers, per train item of the slice, from which an untried change is suspected."""


def report_of(inquiry: Inquiry, hearing: Hearing, minutes: float, seconds: float) -> BlameReport:
    """Put the outcome into words.

    Args:
        inquiry: the cases and suspects.
        hearing: what was tried.
        minutes: the budget.
        seconds: how long it took.
    """
    explained = hearing.explained()
    open_ = tuple(case.place for case in inquiry.cases if case.place not in explained)
    blames = [*_confirmed(inquiry, hearing), *_suspected(inquiry, hearing, minutes), *_others(inquiry, hearing, open_)]
    notes = (*inquiry.changes.notes, *_notes(inquiry, hearing, open_))
    return BlameReport(tuple(blames), open_, notes, inquiry.lab.spent.trained, round(seconds, 1))


def _confirmed(inquiry: Inquiry, hearing: Hearing) -> Iterator[Blame]:
    named = []
    for suspect in inquiry.suspects:
        proofs = hearing.proofs.get(suspect.change.name)
        if proofs:
            strongest = max(proofs, key=lambda place: proofs[place].share)
            why = _proof_words(strongest, proofs[strongest])
            if inquiry.only_by_weights(suspect, strongest):
                why += "; it says next to nothing about these records: it changes how far other sources are trusted"
            named.append(_blame(suspect, proofs, why))
    yield from sorted(named, key=lambda blame: -blame.share)


def _blame(suspect: Suspect, proofs: Mapping[Place, Proof], why: str) -> Blame:
    change = suspect.change
    share = max(proof.share for proof in proofs.values())
    return Blame(change.name, change.path, change.line, change.kind, tuple(proofs), round(share, 3), CONFIRMED, why)


def _proof_words(place: Place, proof: Proof) -> str:
    found, again = proof.recovery, proof.again
    words = (f"{place_words(place)}: {found.base:.3f} before, {found.head:.3f} now, "
             f"{found.without:.3f} with this change taken back")
    if again is not None:
        words += f"; with another seed {again.head:.3f} and {again.without:.3f}"
    if proof.share < ENOUGH:
        words += f": about {100 * proof.share:.0f} % of the drop, the rest has another cause"
    return words


def _suspected(inquiry: Inquiry, hearing: Hearing, minutes: float) -> Iterator[Blame]:
    explained = hearing.explained()
    for suspect in hearing.untried:
        pulls = {
            place: found.towards_wrong for place, found in suspect.influence.items()
            if found.towards_wrong >= POINTS and place not in explained
        }
        if pulls:
            change, strongest = suspect.change, max(pulls, key=lambda place: pulls[place])
            why = (f"its change moves the training targets on {place_words(strongest)} towards the answers that are "
                   f"wrong now ({pulls[strongest]:.2f} per train item); not retrained: {_needs(inquiry, minutes)}")
            yield Blame(change.name, change.path, change.line, change.kind, tuple(pulls), 0.0, SUSPECTED, why)


def _needs(inquiry: Inquiry, minutes: float) -> str:
    each = inquiry.lab.spent.each(None)
    one = f", one training takes {each:.0f} s" if each else ""
    return f"the budget of {minutes:g} min did not allow it{one}"


def _others(inquiry: Inquiry, hearing: Hearing, open_: tuple[Place, ...]) -> Iterator[Blame]:
    """Changes that are no source, where something is left to explain."""
    if not open_:
        return
    still = [place for place in open_ if _still_there(inquiry, hearing, place)]
    for other in inquiry.changes.others:
        why = f"{other.what}: a possible cause"
        if still:
            why += f", for {place_words(still[0])} stays down when the changes of all sources are taken back"
        elif not inquiry.changes.sources:
            why += ", for no source changed its votes"
        yield Blame(other.name, other.path, None, "other", open_, 0.0, NOT_A_SOURCE, why)


def _still_there(inquiry: Inquiry, hearing: Hearing, place: Place) -> bool:
    case = next(case for case in inquiry.cases if case.place == place)
    found = hearing.without_sources.get(place)
    if found is None and len(inquiry.suspects) == 1:
        found = hearing.first.get(inquiry.suspects[0].change.name, {}).get(place)
    return found is not None and not inquiry.explains(case, found, 1)


def _notes(inquiry: Inquiry, hearing: Hearing, open_: tuple[Place, ...]) -> Iterator[str]:
    for names in sorted(set(hearing.together.values())):
        places = [place_words(place) for place, found in hearing.together.items() if found == names]
        yield (f"taking back {_listed(names)} together ends the drop of {_listed(places)}, taking back one of them "
               "does not: they act together, and none is named alone")
    if hearing.noise:
        places = [place_words(place) for place in sorted(hearing.noise, key=str)]
        yield (f"with another seed the drop of {_listed(places)} is within chance or the floor: training noise makes "
               "up most of it, as far as two seeds tell")
    for name in sorted(name for name, places in hearing.not_again.items() if places & set(open_) - hearing.noise):
        yield (f"taking back the change of `{name}` helps with one seed and not, beyond chance and the floor, with "
               "another: that may be training noise, and it is not named")
    cleared = [name for name in hearing.first if name not in hearing.proofs and name not in hearing.not_again]
    if cleared:
        yield f"not to blame, the drop stays without its change: {_listed(cleared)}"
    if inquiry.harmless:
        yield f"changed without moving a training target: {_listed([change.name for change in inquiry.harmless])}"
    if inquiry.skipped:
        yield f"not looked at: {len(inquiry.skipped)} more sources with fewer changed votes"
    if open_ and not inquiry.changes.sources and not inquiry.changes.others:
        yield "nothing that training reads has changed: what is left is training noise, or another machine"
    rest = [place_words(place) for place in open_ if place not in hearing.together and place not in hearing.noise]
    if rest and inquiry.changes.sources and not hearing.untried:
        yield f"no single change explains {_listed(rest)}"


def place_words(place: Place) -> str:
    """A task and slice, in words."""
    task, slice_ = place
    return f"{task} on all test records" if slice_ is None else f"{task} on {slice_}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" if " " not in name else name for name in names)
