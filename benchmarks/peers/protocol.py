"""How a label model is run in a process of its own, whatever package it comes from: votes in, probabilities out.

Needs numpy alone, since each peer has an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

UNKNOWN = -1


@dataclass(frozen=True)
class VoteSet:
    """One task's votes as arrays; gold of test is not among them."""

    items: np.ndarray
    """(v,) int64, ascending"""
    sources: np.ndarray
    """(v,) int32"""
    labels: np.ndarray
    """(v,) int32: a class, or a candidate's position"""
    n_items: int
    n_sources: int
    k: int
    """Classes; for `select` the most candidates that an item has."""
    kind: str
    """multiclass, BIO or select"""
    classes: list[str]
    dev: np.ndarray
    """(n_items,) int64 gold of dev items, -1 elsewhere: what a method may see."""
    sequences: np.ndarray
    """(s + 1,) where each sequence begins, for BIO; empty otherwise."""
    candidates: np.ndarray
    """(n_items + 1,) where each item's candidates begin, for select; empty otherwise."""

    def dense(self, dtype: type = np.int64) -> np.ndarray:
        """(n_items, n_sources) with -1 where a source abstains."""
        matrix = np.full((self.n_items, self.n_sources), UNKNOWN, dtype)
        matrix[self.items, self.sources] = self.labels
        return matrix

    def balance(self) -> np.ndarray | None:
        """(k,) share of each class in gold of dev, smoothed by one; None without any."""
        known = self.dev[self.dev != UNKNOWN]
        if not len(known):
            return None
        counts = np.bincount(known, minlength=self.k) + 1.0
        return counts / counts.sum()

    def save(self, folder: Path) -> None:
        """Write it for the processes."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "votes.npz", items=self.items, sources=self.sources, labels=self.labels, dev=self.dev,
                 sequences=self.sequences, candidates=self.candidates)
        facts = {"n_items": self.n_items, "n_sources": self.n_sources, "k": self.k, "kind": self.kind,
                 "classes": self.classes}
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> VoteSet:
        """Read what `save` wrote."""
        with np.load(folder / "votes.npz") as arrays:
            return cls(**{name: arrays[name] for name in arrays.files},
                       **json.loads((folder / "facts.json").read_text(encoding="utf-8")))


def serve(methods: dict[str, Callable[[VoteSet], np.ndarray]]) -> None:
    """What a runner does: `python RUNNER METHOD FOLDER OUT` writes (n_items, k) probabilities and what they cost.

    A row of NaN says that the method has nothing to say on that item. The cost is the CPU time and memory of fit and
    predict: imports and reading are before it.
    """
    method, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    votes = VoteSet.load(folder)
    _forget_peak()
    before, began = _memory("VmRSS"), time.process_time()
    found = methods[method](votes)
    seconds = time.process_time() - began
    spent: dict[str, Any] = {"seconds": round(seconds, 3), "mb": round(max(_memory("VmHWM") - before, 0.0), 1)}
    np.save(out / "probabilities.npy", np.asarray(found, np.float32))
    (out / "spent.json").write_text(json.dumps(spent), encoding="utf-8")


def one_hot(labels: np.ndarray, k: int) -> np.ndarray:
    """(n,) classes, -1 for none, as (n, k) probabilities."""
    found = np.full((len(labels), k), np.nan, np.float32)
    known = labels >= 0
    found[known] = 0
    found[np.flatnonzero(known), labels[known]] = 1
    return found


def _forget_peak() -> None:
    """Start the kernel's count of the peak anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _memory(field: str) -> float:
    """MB of this process as the kernel counts them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
