"""What `ovt label` and `ovt source` say about transformation functions and generators."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress
from ovt.errors import EXIT_PROJECT

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.workflows.labeling.augment_trial import AugmentTrial
    from ovt.workflows.labeling.augmenters import AugmenterRow


def tried(project: Project, source: str, record: str | None, sample: int) -> bool:
    """Show what a function would make; False if the project has none of that name."""
    from ovt.workflows.labeling.augment_trial import try_augmenter

    with progress() as listener:
        trial = try_augmenter(project, source, listener, record=record, sample=sample)
    if trial is None:
        return False
    _show_trial(trial)
    if any(found.problem for found in trial.records):
        raise typer.Exit(EXIT_PROJECT)
    return True


def _show_trial(trial: AugmentTrial) -> None:
    from ovt.render.augmenting import trial_table

    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.label-made/1", "trial": asdict(trial)})
        return
    origin = f" of {trial.parents:,} train records" if trial.kind == "transformation" else ""
    count = sum(not found.problem for found in trial.records)
    OUTPUT.note(f"{trial.source} ({trial.at}) would make {count:,} new records{origin}; nothing was written")
    OUTPUT.render(trial_table(trial))


def listed(project: Project) -> None:
    """The functions that make records, below the other sources; nothing where there is none."""
    from ovt.render.augmenting import augmenters_table
    from ovt.workflows.labeling.augmenters import list_augmenters

    rows = list_augmenters(project)
    if rows:
        OUTPUT.note("\nsources that make records:")
        OUTPUT.render(augmenters_table(rows))


def shown(project: Project, source: str, *, lift: bool) -> bool:
    """One function with its commit, and its lift if asked for; False if the project has none of that name."""
    from ovt.workflows.labeling.augmenters import list_augmenters

    row = next((row for row in list_augmenters(project) if row.source == source), None)
    if row is None:
        return False
    if lift:
        _show_lift(project, source)
    else:
        _show_row(project, row)
    return True


def _show_row(project: Project, row: AugmenterRow) -> None:
    from ovt.render.augmenting import augmenters_table
    from ovt.versions.introduced import introduced

    origin = introduced(project, row.at.rpartition(":")[0], row.source)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.source-made/1", "source": asdict(row),
                     "introduced": asdict(origin) if origin else None})
        return
    OUTPUT.render(augmenters_table([row]))
    OUTPUT.note(f"definition {row.definition[:12]} at {row.at}, "
                + (f"brought in by {origin.commit[:10]} ({origin.author}: {origin.subject})" if origin
                   else "not committed yet"))
    OUTPUT.next(f"ovt source show {row.source} --lift")


def _show_lift(project: Project, source: str) -> None:
    from ovt.render.augmenting import lift_table
    from ovt.workflows.labeling.lift import measure_lift

    with progress() as listener:
        found = measure_lift(project, source, listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.lift/1", **asdict(found)})
        return
    OUTPUT.note(f"{found.records:,} train records of {source}: the model with and without them, on dev")
    OUTPUT.render(lift_table(found))
    for note in found.notes:
        OUTPUT.note(note)
