"""`ovt annotate export` and `import`: sheets for people; what they filled in is checked before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ovt.errors import MissingError, ProjectError, UsageError, nearest
from ovt.project import GOLD
from ovt.workflows.labeling.supervise import append_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ovt.project import Project
    from ovt.supervision.annotation.choosing import Wanted
    from ovt.supervision.annotation.filled import Filled
    from ovt.supervision.annotation.sheets import Layout

RANDOM = "random"
MANY_BLANK = 0.1
"""Share of a random sheet's records left empty, from which on the rest is hardly random any more."""
DEFAULT_SPLIT: dict[str, str] = {RANDOM: "dev"}
"""Gold is missing in dev first; what teaches most is needed in train."""


@dataclass(frozen=True)
class Exported:
    """A sheet that was written."""

    path: Path
    records: int
    rows: int
    of: int
    """Records that it was chosen from."""
    split: str
    sample: str


@dataclass(frozen=True)
class Imported:
    """What came of a filled sheet."""

    source: str
    file: str
    written: int
    """Rows added."""
    unchanged: int
    """Records whose label this source had given before."""
    blank: int
    """Records left empty."""
    notes: tuple[str, ...] = ()


def export_sheet(
    project: Project, wanted: Wanted, output: Path, *, kind: Literal["csv", "jsonl"] | None = None,
    layout: Layout | None = None, show_votes: bool = False,
) -> Exported:
    """Write a sheet for people.

    Args:
        project: compiled (and labelled, unless the strategy is `random`).
        wanted: which records; without a split dev for random, else train.
        output: the file.
        kind: None: by its suffix.
        layout: a row for each record, or for each token or member; None: what suits the task.
        show_votes: what the sources say stands beside the label, and sways whoever fills it.

    Raises:
        UsageError: no such task, slice, split or strategy.
        MissingError: the stage that it needs has not run, or there is nothing to label.
    """
    from ovt.data.store import Store
    from ovt.functions.answers import Form
    from ovt.supervision.annotation.choosing import STRATEGIES, choose
    from ovt.supervision.annotation.sheets import Sheet, default_layout, write_sheet
    from ovt.supervision.reporting.opinions import stored_votes

    store = Store.open(project.build / "store")
    _known(wanted.task, store.schema.tasks, "task", "ovt task list")
    _known(wanted.strategy, STRATEGIES, "strategy", "ovt annotate export --help")
    split = wanted.split or DEFAULT_SPLIT.get(wanted.strategy, "train")
    choice = choose(project, store, replace(wanted, split=split))
    if not len(choice.rows):
        raise _nothing(wanted, split)
    layout = layout or default_layout(Form.of(store.schema, wanted.task))
    sample = wanted.strategy + (f" in {wanted.slice}" if wanted.slice else "")
    votes = stored_votes(project, store, wanted.task).without(project.settings.gold.source) if show_votes else None
    sheet = Sheet(store, wanted.task, layout, sample, votes)
    rows = [row for number in choice.rows.tolist() for row in sheet.rows(number)]
    write_sheet(output, rows, kind or ("jsonl" if output.suffix == ".jsonl" else "csv"))
    return Exported(output, len(choice.rows), len(rows), choice.of, split, sample)


def import_sheet(  # noqa: PLR0913 - the words of the command line
    project: Project, path: Path, source: str, *, task: str | None = None, note: str | None = None, force: bool = False,
    track: bool = True,
) -> Imported:
    """Check a filled sheet and append its labels to `supervision/`: all of them, or none.

    Args:
        project: compiled.
        path: CSV or JSON lines, as `export_sheet` wrote it and a person filled it.
        source: whose labels these are; the gold source's go to `supervision/gold.jsonl`.
        task: where the sheet does not say it.
        note: about how they were collected, kept with the batch.
        force: take a sheet as gold that was not drawn at random.
        track: put the file under version control, as `ovt add` does.

    Raises:
        UsageError: no such file or task, or it is no gold and not forced.
        ProjectError: rows are wrong; all of them are named, and nothing was written.
    """
    from ovt.data.store import Store
    from ovt.supervision.annotation.filled import read_filled
    from ovt.supervision.annotation.sheets import read_sheet
    from ovt.supervision.collection.batches import header_of

    if not path.is_file():
        raise UsageError(f"no file `{path}`", fix="check the path")
    store = Store.open(project.build / "store")
    if task is not None:
        _known(task, store.schema.tasks, "task", "ovt task list")
    filled = read_filled(project, store, read_sheet(path), source, task)
    _refuse_wrong(path, filled)
    is_gold = source == project.settings.gold.source
    if is_gold and not force:
        _refuse_unfit(path, filled)
    file = GOLD if is_gold else f"supervision/{_file_name(source)}.jsonl"
    fresh = _new(project, file, filled.rows)
    if fresh:
        batches = [header_of(project, name, path.stem, source, note) for name in sorted({row["task"] for row in fresh})]
        rows = [part for batch in batches for part in (batch, *(row for row in fresh if row["task"] == batch["task"]))]
        append_rows(project, file, rows, track=track)
    return Imported(source, file, len(fresh), len(filled.rows) - len(fresh), filled.blank,
                    tuple(_notes(filled, is_gold=is_gold)))


def _nothing(wanted: Wanted, split: str) -> MissingError:
    why = {"random": "each of them has gold, or nothing that the task labels",
           "disagreement": "no two sources contradict each other there",
           "uncertain": "the label model is sure of all of them, or no source votes there"}[wanted.strategy]
    return MissingError(f"no record of {split} to label for `{wanted.task}`", at=wanted.slice, why=why,
                        fix="choose another split, slice or strategy", command="ovt annotate export --help")


def _known(name: str, known: Iterable[str], what: str, command: str) -> None:
    if name not in known:
        raise UsageError(f"no {what} `{name}`", why=nearest(name, known), command=command)


def _file_name(source: str) -> str:
    """A file for a source: its own name as far as a file may have it."""
    from ovt.storage.files import safe_name

    name = "".join(letter if letter.isalnum() or letter in "-_@." else "_" for letter in source).strip(".")
    return name if name not in {"", "gold", "corrections"} else safe_name(f"{source}-labels")


def _refuse_wrong(path: Path, filled: Filled) -> None:
    if not filled.problems:
        return
    first, count = filled.problems[0], len(filled.problems)
    listed = "\n".join(f"{path.name}:{line}: {why}" for line, why in filled.problems)
    raise ProjectError(
        f"{count} row{'s' if count > 1 else ''} of the sheet cannot be used; nothing was written",
        at=f"{path}:{first[0]}", why=listed, fix="mend these rows and import the file again: nothing is taken twice",
    )


def _refuse_unfit(path: Path, filled: Filled) -> None:
    unfit = sorted({sample for sample in filled.samples if sample.split(" ")[0] != RANDOM})
    if not unfit:
        return
    how = f"by {', '.join(unfit)}" if any(unfit) else "in a way that the file does not tell (no column `sample`)"
    raise UsageError(
        "these labels are not fit to be gold", at=str(path),
        why=f"the records were chosen {how}: they are harder than others, so what is measured on them is not the "
            "model's quality", fix="import them under another source, or draw a sheet with `--strategy random`; "
            "`--force` takes them as they are",
    )


def _new(project: Project, file: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that say something else than the file does."""
    from ovt.supervision.collection.rows import read_lines

    path = project.root / file
    last: dict[tuple[str, str, str], Any] = {}
    for line in read_lines(path, file) if path.is_file() else ():
        if line.row is not None and line.row.position is None:
            said = None if line.row.retracted else line.row.label
            last[line.row.id, line.row.task, line.row.source] = said
    return [row for row in rows if last.get((row["id"], row["task"], row["source"]), ...) != row["label"]]


def _notes(filled: Filled, *, is_gold: bool) -> Iterable[str]:
    if not is_gold:
        return
    records = len(filled.rows) + filled.blank
    if filled.blank > MANY_BLANK * records:
        yield (f"{filled.blank} of {records} records were left empty: if those were the hard ones, the gold is easier "
               "than the data")
    slices = sorted({sample.partition(" in ")[2] for sample in filled.samples if " in " in sample})
    if slices:
        yield f"drawn in {', '.join(slices)}: the overall figures now weigh that slice more than the data does"
