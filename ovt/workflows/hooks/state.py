"""What is in place: each hook's state, who stands in its way, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ovt.storage.git import git_of
from ovt.workflows.hooks.managers import Manager, after_install, chosen, detected, has_entry
from ovt.workflows.hooks.registry import interpreter, registered
from ovt.workflows.hooks.shim import CHAINED, EVENTS, LEGACY, hooks_folder, owner_of, shim

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.storage.git import Git

HookState = Literal["installed", "through", "outdated", "foreign", "missing"]


@dataclass(frozen=True)
class Hook:
    """One hook of a repository."""

    event: str
    path: Path
    state: HookState
    """`through`: a hook manager runs ovt's; `foreign`: somebody else's; `outdated`: ovt's, of another version."""
    chained: bool
    """Whether an older hook runs before it."""
    owner: str | None = None
    """Who wrote the file that Git runs: `ovt`, `pre-commit`, `lefthook`, …; None: there is none."""
    advice: str = ""
    """What to do; empty if nothing is."""

    @property
    def works(self) -> bool:
        """Whether Git reaches ovt through it."""
        return self.state in {"installed", "through"}


@dataclass(frozen=True)
class Overview:
    """Everything that decides whether the hooks work."""

    hooks: tuple[Hook, ...]
    manager: Manager | None
    """Who runs them; None: Git itself."""
    seen: tuple[Manager, ...]
    """Managers that the repository shows signs of."""
    projects: tuple[str, ...]
    """Those that use the hooks, as folders from the root; empty: nobody has installed them."""
    python: str | None
    python_works: bool
    merge_drivers: bool
    """Whether `dvc.lock`, reports and data merge by themselves."""

    @property
    def advice(self) -> tuple[str, ...]:
        """All that is to be done, each once."""
        found = [hook.advice for hook in self.hooks if hook.advice]
        if self.projects and not self.python_works:
            found.append(f"{self.python or 'the Python of the hooks'} is gone: ovt hooks install")
        if self.projects and not self.merge_drivers:
            found.append("dvc.lock and reports have no merge drivers yet: ovt hooks install")
        return tuple(dict.fromkeys(found))


def status(project: Project) -> tuple[Hook, ...]:
    """The state of each hook."""
    git = git_of(project.root)
    folder, own, manager = hooks_folder(git), shim(), chosen(git)
    return tuple(_hook(git, event, folder / event, own, manager) for event in EVENTS)


def overview(project: Project) -> Overview:
    """The hooks, and what they need to work."""
    from ovt.workflows.sharing.merging import configured

    git = git_of(project.root)
    python = interpreter(git)
    return Overview(status(project), chosen(git), tuple(detected(git)), tuple(registered(git)), python,
                    python is not None and Path(python).is_file(), configured(project))


def _hook(git: Git, event: str, path: Path, own: bytes, manager: Manager | None) -> Hook:
    owner = owner_of(path)
    chained = path.with_name(f"{event}{CHAINED}").exists()
    state = _through(git, event, path, manager, owner) or _own(path, own, owner)
    return Hook(event, path, state, chained, owner, "" if state in {"installed", "through"} else _advice(
        event, state, owner, manager))


def _own(path: Path, own: bytes, owner: str | None) -> HookState:
    if owner is None:
        return "missing"
    if owner != "ovt":
        return "foreign"
    return "installed" if path.read_bytes() == own else "outdated"


def _through(git: Git, event: str, path: Path, manager: Manager | None, owner: str | None) -> HookState | None:
    if manager is not None:
        # husky's files name only their folder, so any hook in that folder is husky's.
        runs = manager in {"git-config", owner} or (manager == "husky" and owner is not None)
        return "through" if runs and has_entry(git, manager, event) else "missing"
    moved = owner == "pre-commit" and owner_of(path.with_name(f"{event}{LEGACY}")) == "ovt"
    return "through" if moved else None


def _advice(event: str, state: HookState, owner: str | None, manager: Manager | None) -> str:
    if manager is not None:
        return f"{manager} does not run ovt's hooks yet: {_take_up(manager)}"
    if state != "foreign":
        return "ovt hooks install"
    if owner == "lefthook":
        return "lefthook wrote its hooks over ovt's, and will again: ovt hooks install --with lefthook"
    who = f"a hook of {owner}" if owner != "someone" else "someone's hook"
    return f"{event} is {who}; to let it run first, then ovt's: ovt hooks install"


def _take_up(manager: Manager) -> str:
    return after_install(manager) or ("npx husky" if manager == "husky" else "ovt hooks install --with git-config")
