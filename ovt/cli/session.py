"""What every verb needs first: the project it is about."""

from __future__ import annotations

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.progress import PatientProgress, TerminalProgress
from ovt.project import Project


def project() -> Project:
    """The project of the current folder, or of `-C DIR`."""
    return Project.find(OUTPUT.folder)


def progress() -> TerminalProgress:
    """A listener that draws on stderr."""
    return TerminalProgress(OUTPUT)


def patient_progress() -> PatientProgress:
    """The same for verbs that only sometimes have anything to tell."""
    return PatientProgress(OUTPUT)


def verb_app() -> typer.Typer:
    """A Typer app for one verb, with plain help: Rich help costs 100 ms."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
    )
