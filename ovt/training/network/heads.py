"""Heads: from a payload's representation to the logits of one task.

A head is `Head(size, classes, dropout)` with
`forward(elements (B, T, size)) -> (B, T, classes)`; a `select` head scores
each member with one number. A record-level task reads the single element of
its payload, a token or member task every element. A package can add one under
the entry-point group `ovt.heads`; one with the parameters `first` and `step`
of a ChainHead is trained and decoded as a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ovt.errors import ProjectError
from ovt.training.decoding import Chain
from ovt.training.extensions import find_extension
from ovt.training.network.dropout import RowDropout

if TYPE_CHECKING:
    from ovt.schema.spec import Schema, Task, TaskType

GROUP = "ovt.heads"


class ClassHead(nn.Module):
    """A logit per class; multiclass takes their softmax, bitvector the sigmoid of each."""

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = RowDropout(dropout)
        self.linear = nn.Linear(size, classes)

    def forward(self, elements: Tensor) -> Tensor:
        """(B, T, size) -> (B, T, classes)."""
        out: Tensor = self.linear(self.dropout(elements))
        return out


class ChainHead(ClassHead):
    """A linear chain: a logit per class and token, and scores of classes that follow each other.

    The graph gives the logits alone; the best sequence is found in numpy (`ovt.training.decoding`).
    """

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__(size, classes, dropout)
        self.first = nn.Parameter(torch.zeros(classes))
        """(classes,) score of a class on the first token."""
        self.step = nn.Parameter(torch.zeros(classes, classes))
        """(classes, classes) score of going from one to another."""


class SelectHead(nn.Module):
    """Attention over the candidates: a score per member (Bahdanau et al. 2015); their softmax is the answer."""

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__()
        del classes
        self.layers = nn.Sequential(
            RowDropout(dropout), nn.Linear(size, size), nn.GELU(), RowDropout(dropout), nn.Linear(size, 1),
        )

    def forward(self, elements: Tensor) -> Tensor:
        """(B, M, size) -> (B, M, 1)."""
        out: Tensor = self.layers(elements)
        return out


@runtime_checkable
class Transitions(Protocol):
    """A head whose items follow each other in a chain."""

    first: nn.Parameter
    """(classes,)."""
    step: nn.Parameter
    """(classes, classes)."""


HEADS: dict[str, type[nn.Module]] = {"linear": ClassHead, "crf": ChainHead, "attention": SelectHead}
DEFAULT_HEADS: dict[TaskType, str] = {"multiclass": "linear", "bitvector": "linear", "select": "attention"}


def head_name(task: Task, chosen: str | None) -> str:
    """The head of a task: what was chosen, else its type's."""
    return chosen or DEFAULT_HEADS[task.type]


def check_head(schema: Schema, task: Task, name: str) -> None:
    """Refuse a built-in head where it makes no sense.

    Raises:
        ProjectError: a chain without neighbours, a choice among members where there are classes, or the reverse.
    """
    if name == "crf" and (task.type != "multiclass" or schema.payloads[task.payload].type != "sequence"):
        raise _misfit(task, name, "a linear chain needs one class per token, and tokens that follow each other")
    if name in HEADS and (name == "attention") != (task.type == "select"):
        raise _misfit(task, name, f"it is a {task.type} task, and `attention` is for select alone")


def _misfit(task: Task, name: str, why: str) -> ProjectError:
    return ProjectError(f"task `{task.name}` cannot have the head `{name}`", at=f"tasks.{task.name}.head", why=why,
                        fix="leave `head` out, or see docs/models.md")


def build_head(name: str, size: int, classes: int, dropout: float) -> nn.Module:
    """The head of that name, built in or installed under `ovt.heads`."""
    module: nn.Module = find_extension(GROUP, HEADS, name)(size, classes, dropout)
    return module


def chain_of(head: nn.Module) -> Chain | None:
    """The transitions of a head as arrays; None for a head without."""
    if not isinstance(head, Transitions):
        return None
    return Chain(head.first.detach().numpy(), head.step.detach().numpy())
