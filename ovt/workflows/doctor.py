"""`ovt doctor`: is everything here that ovt needs, what to type where it is not, and mending what is safe to mend."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ovt.errors import OvtError
from ovt.workflows.health.environment import environment
from ovt.workflows.health.finding import Finding
from ovt.workflows.health.leftovers import leftovers
from ovt.workflows.health.places import places
from ovt.workflows.health.repository import repository

if TYPE_CHECKING:
    from ovt.project import Project

__all__ = ["Finding", "examine", "mend"]


def examine(project: Project, *, network: bool = True) -> list[Finding]:
    """Look at the environment and the project; nothing is changed.

    Args:
        project: where.
        network: ask the remote whether it answers.
    """
    found = [*environment(), *repository(project)]
    usable = all(item.ok for item in found if item.name in {"git", "repository"})
    return [*found, *places(project, network=network), *(leftovers(project) if usable else ())]


def mend(findings: list[Finding]) -> list[Finding]:
    """Do what is safe to do unasked; the findings, the mended ones with what was done."""
    return [_mended(item) if not item.ok and item.repair is not None else item for item in findings]


def _mended(item: Finding) -> Finding:
    if item.repair is None:
        return item
    try:
        return replace(item, ok=True, found=f"{item.found} → {item.repair()}", fix="", repair=None)
    except OvtError as error:
        return replace(item, fix=f"{error.what}: {error.fix or error.command or ''}")
