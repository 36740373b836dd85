"""Hook managers: how ovt's hooks are run by pre-commit, lefthook, husky, or Git's own configuration.

pre-commit and any plain hook live with the shim in the hooks folder in either
order. lefthook and husky write their hook files anew, so there ovt is an entry
of theirs, which runs the shim kept in `.git/ovt/hooks/`.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal, get_args

from ovt.documents import parse_document
from ovt.errors import ProjectError, UsageError
from ovt.workflows.hooks.blocks import drop_block, has_block, put_block, with_block
from ovt.workflows.hooks.registry import state_folder
from ovt.workflows.hooks.shim import EVENTS, hooks_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.storage.git import Git

Manager = Literal["pre-commit", "lefthook", "husky", "git-config"]
MANAGERS: tuple[Manager, ...] = get_args(Manager)
PRE_COMMIT_FILE = ".pre-commit-config.yaml"
LEFTHOOK_LOCAL = "lefthook-local.yml"
LEFTHOOK_FILES = tuple(f"{dot}lefthook{ending}" for dot in ("", ".") for ending in (".yml", ".yaml", ".toml", ".json"))
READS_STDIN = frozenset({"pre-push", "post-rewrite"})
TITLES = {
    "pre-commit": "ovt: schema, settings, functions, data", "post-commit": "ovt: training in the background",
    "post-merge": "ovt: data and training after a merge", "post-rewrite": "ovt: data and training after a rebase",
    "post-checkout": "ovt: data of the revision", "pre-push": "ovt: data and models of what is pushed",
}


def detected(git: Git) -> list[Manager]:
    """The managers that a repository shows signs of."""
    top = git.layout.top
    found: list[Manager] = []
    if (top / PRE_COMMIT_FILE).is_file():
        found.append("pre-commit")
    if any((top / name).is_file() for name in (*LEFTHOOK_FILES, LEFTHOOK_LOCAL)):
        found.append("lefthook")
    if husky_folder(git) is not None:
        found.append("husky")
    return found


def husky_folder(git: Git) -> Path | None:
    """Where husky's users write their hooks, if husky (9 or later) is in charge."""
    folder = hooks_folder(git)
    return folder.parent if folder.name == "_" and folder.parent.name == ".husky" else None


def chosen(git: Git) -> Manager | None:
    """The manager that runs ovt's hooks here; None: Git itself does."""
    path = state_folder(git) / "manager"
    name = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    return next((found for found in MANAGERS if found == name), None)


def add_entries(git: Git, manager: Manager) -> tuple[str, ...]:
    """Make a manager run ovt's hooks; the files that were changed, as the user knows them.

    Raises:
        UsageError: this Git has no hooks in its configuration, or no husky is here.
        ProjectError: its file cannot take the entry at its end; `fix` holds the entry.
    """
    if manager == "git-config":
        return _configure(git)
    bodies = _bodies(git, manager)
    return tuple(path.relative_to(git.layout.top).as_posix() for path, body in bodies.items() if put_block(path, body))


def drop_entries(git: Git, manager: Manager) -> tuple[str, ...]:
    """Undo `add_entries`; what was changed."""
    if manager == "git-config":
        for event in EVENTS:
            git.attempt("config", "--local", "--remove-section", f"hook.ovt-{event}")
        return ("Git's configuration",)
    paths = _paths(git, manager)
    return tuple(path.relative_to(git.layout.top).as_posix() for path in paths if drop_block(path))


def has_entry(git: Git, manager: Manager, event: str) -> bool:
    """Whether the manager has been told to run one of ovt's hooks."""
    if manager == "git-config":
        return git.config(f"hook.ovt-{event}.command") == _command(git, event)
    if manager == "husky":
        return (folder := husky_folder(git)) is not None and has_block(folder / event)
    return all(has_block(path) for path in _paths(git, manager))


def supports_config(git: Git) -> bool:
    """Whether this Git runs hooks from its configuration (2.54 and later)."""
    probe = ("-c", "hook.probe.event=pre-commit", "-c", "hook.probe.command=true")
    done = git.attempt(*probe, "hook", "list", "pre-commit")
    return done.returncode == 0 and b"probe" in done.stdout


def after_install(manager: Manager) -> str | None:
    """The command by which a manager takes up its new entries."""
    if manager == "pre-commit":
        return "pre-commit install " + " ".join(f"-t {event}" for event in EVENTS)
    return "lefthook install" if manager == "lefthook" else None


def _paths(git: Git, manager: Manager) -> list[Path]:
    top = git.layout.top
    if manager == "pre-commit":
        return [top / PRE_COMMIT_FILE]
    if manager == "lefthook":
        return [top / LEFTHOOK_LOCAL]
    folder = husky_folder(git)
    return [folder / event for event in EVENTS] if folder is not None else []


def _bodies(git: Git, manager: Manager) -> dict[Path, str]:
    if manager == "husky":
        folder = husky_folder(git)
        if folder is None:
            raise UsageError("husky is not in charge of the hooks here", why="core.hooksPath is not .husky/_",
                             fix="let husky install itself first", command="npx husky")
        return {folder / event: _husky(event) for event in EVENTS}
    (path,) = _paths(git, manager)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    body = _pre_commit(text) if manager == "pre-commit" else _lefthook()
    _must_fit(path, text, body)
    return {path: body}


def _must_fit(path: Path, text: str, body: str) -> None:
    """The file must parse with the block at its end, and say all that it said before.

    Raises:
        ProjectError: it does not, or there is no file.
    """
    if not has_block(path) and not _fits(path.name, text, body):
        raise ProjectError(f"`{path.name}` cannot take ovt's entry at its end", at=path.name,
                           fix=f"put this where it belongs:\n{body.rstrip()}", command="ovt hooks install")


def _fits(name: str, text: str, body: str) -> bool:
    try:
        after = parse_document(with_block(text.encode(), body).decode(), name).value
        before = (parse_document(text, name).value if text else None) or {}
        if name == LEFTHOOK_LOCAL:
            return {key: value for key, value in after.items() if key not in EVENTS} == before
        items = before["repos"]
        return {**after, "repos": after["repos"][:len(items)]} == before and len(after["repos"]) == len(items) + 1
    except (ProjectError, TypeError, KeyError, AttributeError):
        return False


def _husky(event: str) -> str:
    return (f'ovt="$(git rev-parse --git-common-dir)/ovt/hooks/{event}"\n'
            'if [ -x "$ovt" ]; then "$ovt" "$@"; fi\n')


def _lefthook() -> str:
    """Entries for `lefthook-local.yml`: it is merged over `lefthook.yml`, and is a person's own."""
    lines = []
    for event in EVENTS:
        lines += [f"{event}:", "  commands:", "    ovt:",
                  f"      run: '\"$(git rev-parse --git-common-dir)/ovt/hooks/{event}\" {{0}}'"]
        lines += ["      use_stdin: true"] if event in READS_STDIN else []
    return "".join(f"{line}\n" for line in lines)


def _pre_commit(text: str) -> str:
    """An item for the list `repos:`, indented as those that are there."""
    first = next((line for line in text.splitlines() if line.lstrip().startswith("- repo:")), "  - repo:")
    indent = " " * (len(first) - len(first.lstrip()))
    lines = ["- repo: local", "  hooks:"]
    for event in EVENTS:
        lines += [f"  - id: ovt-{event}", f'    name: "{TITLES[event]}"', f"    entry: ovt hook-impl {event}",
                  "    language: system", f"    stages: [{event}]", "    always_run: true", "    pass_filenames: false",
                  *(["    verbose: true"] if event.startswith("post") else [])]
    return "".join(f"{indent}{line}\n" for line in lines)


def _configure(git: Git) -> tuple[str, ...]:
    if not supports_config(git):
        raise UsageError("this Git runs no hooks from its configuration", why=git.text("--version"),
                         fix="Git 2.54 or later does; without it the hooks are files", command="ovt hooks install")
    for event in EVENTS:
        git.run("config", "--local", f"hook.ovt-{event}.event", event)
        git.run("config", "--local", f"hook.ovt-{event}.command", _command(git, event))
    return ("Git's configuration",)


def _command(git: Git, event: str) -> str:
    return shlex.quote(str(state_folder(git) / "hooks" / event))
