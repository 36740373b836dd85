"""`ovt label`: a source tried on records, with the revisions that it uses pinned and their models at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.workflows.sharing.pinning import pin_predictions

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.supervision.trial import Trial


def try_out(
    project: Project, source: str, progress: Progress, *, record: str | None, sample: int, pin: bool,
) -> tuple[list[Trial], bool]:
    """Try a source; what it says, and whether `labelers/predictions.lock` changed.

    Args:
        project: needs a compiled row store.
        source: a labeling function, or a source of the data.
        progress: hears what is pinned and predicted.
        record: id of one record.
        sample: how many records it votes on are looked for.
        pin: pin the revisions that it uses to where they are now.

    Raises:
        UsageError: no such source, record or revision.
        ProjectError: the functions of the project cannot be loaded.
        MissingError: nothing is compiled, or a model is not on this machine.
    """
    from ovt.stages.earlier_models import with_earlier_models
    from ovt.supervision.trial import try_source

    pinned = pin_predictions(project, progress, source=source, renew=pin)
    with with_earlier_models(project, progress):
        return try_source(project, source, record=record, sample=sample), pinned
