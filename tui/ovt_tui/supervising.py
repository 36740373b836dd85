"""The part of the gateway that mends supervision: disagreements, rules under trial, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ovt.functions.rules import Rule
    from ovt.project import Project
    from ovt.supervision.rule_trial import RuleTrial
    from ovt.workflows.labeling.corrections import Correction
    from ovt.workflows.labeling.disagreements import Disagreements
    from ovt.workflows.labeling.rules import WrittenRule
    from ovt.workflows.review.question import Question


class Supervising(Protocol):
    """What the screens of errors, rules and corrections ask for; never on the app's own thread."""

    def disagreements(self, spec: str, task: str, slice_: str | None, *, show_test: bool) -> Disagreements:
        """Where a version's model, its sources and gold differ in a slice; records of test only when asked for."""

    def try_rule(self, rule: Rule, errors: Collection[tuple[str, int]], still_wanted: Callable[[], bool]) -> RuleTrial:
        """What a rule does on dev; nothing is written."""

    def write_rule(self, rule: Rule, file: str) -> WrittenRule:
        """Append a rule to a file of labeling functions."""

    def take_back(self, rule: WrittenRule) -> None:
        """Undo that."""

    def question(self, task: str, record_id: str) -> Question:
        """What may be said about a record, and what is said now."""

    def correct(self, task: str, record_id: str, said: Sequence[tuple[Any, int | None]]) -> list[Correction]:
        """Write corrections by the Git user: labels, each with the item that it is about; None takes back."""


class ProjectSupervising:
    """The same, from a real project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def disagreements(self, spec: str, task: str, slice_: str | None, *, show_test: bool) -> Disagreements:
        """Errors and disagreements of a slice."""
        from ovt.workflows.labeling.disagreements import disagreements

        return disagreements(self._project, spec, task, slice_, show_test=show_test)

    def try_rule(self, rule: Rule, errors: Collection[tuple[str, int]], still_wanted: Callable[[], bool]) -> RuleTrial:
        """A trial on the workspace's dev records, in a process of its own."""
        from ovt.supervision.rule_trial import try_rule

        return try_rule(self._project, rule, errors, still_wanted=still_wanted)

    def write_rule(self, rule: Rule, file: str) -> WrittenRule:
        """Append it."""
        from ovt.workflows.labeling.rules import write_rule

        return write_rule(self._project, rule, file)

    def take_back(self, rule: WrittenRule) -> None:
        """Take the entry out again."""
        from ovt.workflows.labeling.rules import take_back

        take_back(self._project, rule)

    def question(self, task: str, record_id: str) -> Question:
        """About a record of the workspace."""
        from ovt.workflows.review.question import question

        return question(self._project, task, record_id)

    def correct(self, task: str, record_id: str, said: Sequence[tuple[Any, int | None]]) -> list[Correction]:
        """Rows of `supervision/corrections.jsonl`; `ovt commit` puts the file under version control."""
        from ovt.workflows.labeling.corrections import record_correction

        return [record_correction(self._project, task, record_id, label, position, track=False)
                for label, position in said]
