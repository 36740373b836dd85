"""The verbs: which module holds each, in which group, and its line in `ovt --help`.

A verb's module is imported when the verb is typed, never before: `ovt --help`
costs what Typer costs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One entry of the help."""

    name: str
    help: str
    module: str
    hidden: bool = False


FIRST = (
    Verb("init", "Start a project: from a starter, or from your data", "init"),
    Verb("add", "Put records, labels or tags under version control", "add"),
    Verb("run", "Bring labels, model and reports up to date", "run"),
    Verb("commit", "Run, and record inputs and results as one version", "commit"),
    Verb("diff", "What changed between two versions, slice by slice", "diff"),
    Verb("tui", "See it in the terminal app", "tui"),
    Verb("check", "The verdict on a change: pass or fail", "check"),
    Verb("push", "Send data, models and runs to the remote", "push"),
)

GROUPS: tuple[tuple[str, tuple[Verb, ...]], ...] = (
    ("Everyday", FIRST),
    ("Work", (
        Verb("status", "What is up to date, what is training", "status"),
        Verb("tune", "Search the choices of tuning.yaml", "tune"),
        Verb("label", "Try a labeling function on records", "label"),
        Verb("source", "How far each source can be trusted", "source"),
        Verb("annotate", "Labels by people: sheets out, labels in, corrections", "annotate"),
        Verb("task", "The tasks, and their labels for anyone", "task"),
        Verb("slice", "The slices and their support", "slice"),
        Verb("explain", "Why a record got its label", "explain"),
        Verb("jobs", "Background training: list, wait, cancel, log", "jobs"),
    )),
    ("Review", (
        Verb("log", "The versions and their quality", "log"),
        Verb("show", "One version's quality report", "show"),
        Verb("model", "The compiled network, as one would draw it", "model"),
        Verb("report", "One version's quality as a page to look at", "report"),
    )),
    ("Share", (
        Verb("pull", "Fetch data, models and runs from the remote", "pull"),
        Verb("clone", "A repository with the data and model of its newest version", "clone"),
        Verb("checkout", "Bring a version's inputs, model and report", "checkout"),
        Verb("resolve", "Merge what a Git merge left in conflict", "resolve"),
        Verb("land", "Commit the results of a run onto a branch", "land"),
        Verb("remote", "Where data and models are pushed to", "remote"),
        Verb("fsck", "Is every object of every version whole?", "fsck"),
        Verb("gc", "Make room: remove what no version needs", "gc"),
    )),
    ("Ship", (
        Verb("predict", "A model's answers on a stream of records", "predict"),
        Verb("export", "A version as one folder that serves without torch", "export"),
        Verb("serve", "Answer over HTTP", "serve"),
        Verb("promote", "Let production mean a version that passed its check", "promote"),
        Verb("rollback", "Let production mean what it meant before", "rollback"),
        Verb("publish", "Send a version where production finds it", "publish"),
        Verb("embed", "Vectors of words, entities or records as a product", "embed"),
    )),
    ("Set up", (
        Verb("hooks", "Install or remove the Git hooks", "hooks"),
        Verb("ci", "The check on every pull request: GitHub, GitLab, Jenkins", "ci"),
        Verb("doctor", "Is everything here that ovt needs?", "doctor"),
    )),
    ("Plumbing", (
        Verb("stage", "Run one stage (what dvc.yaml calls)", "stage"),
        Verb("hook-impl", "What the Git hooks call", "hook_impl", hidden=True),
        Verb("merge-driver", "What Git calls to merge a file", "merge_driver", hidden=True),
    )),
)

VERBS = {verb.name: verb for _, verbs in GROUPS for verb in verbs}
