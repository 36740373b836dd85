"""The loss of a linear-chain conditional random field (Lafferty et al. 2001) on probabilistic, partly missing labels.

A path `y` of a record scores `first[y_1] + Σ e_t[y_t] + Σ step[y_{t-1}, y_t]`. With labels `q` that are
probabilities, the loss of a record is

    log Z - E_q[score]

the cross-entropy between the product of the tokens' label probabilities and
the field: the usual negative log-likelihood where they are certain, its
expectation under the label model where they are not, and convex in the
scores. Tokens without a label are summed over (a partial field: Tsuboi et al.
2008): a gap between labelled tokens contributes the log-partition of its own
little chain, whose ends are tied to what the neighbours' labels expect. Between
certain labels that is the exact marginal likelihood; between uncertain ones a
lower bound (Jensen), the variational view of posterior regularisation (Ganchev
et al. 2010).

Everything is scaled probabilities instead of logarithms: a step of the
recursion is one small matrix product, and the gradient is the marginals that
the backward recursion finds, written down instead of left to autograd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ovt.training.network.attention import length_mask

if TYPE_CHECKING:
    from ovt.training.network.heads import Transitions

FEWEST = 1e-30
"""Probability of what float32 cannot tell from nothing."""


@dataclass(frozen=True)
class ChainTargets:
    """Labels of the tokens of some records."""

    lengths: Tensor
    """(B,) tokens, from 1."""
    probabilities: Tensor
    """(B, T, k), zeros where a token has no label."""
    weights: Tensor
    """(B, T), 0 where a token has no label."""

    @classmethod
    def of(
        cls, logits: Tensor, lengths: Tensor, places: Tensor, probabilities: Tensor, weights: Tensor,
    ) -> ChainTargets:
        """From the labelled tokens alone: `places` (l,) in the flattened (B, T), probabilities (l, k), weights (l,)."""
        rows, width, k = logits.shape
        q = logits.new_zeros(rows * width, k).index_copy_(0, places, probabilities)
        w = logits.new_zeros(rows * width).index_copy_(0, places, weights)
        return cls(lengths, q.view(rows, width, k), w.view(rows, width))


def chain_loss(emissions: Tensor, head: Transitions, targets: ChainTargets) -> Tensor:
    """The mean loss by token, so that it stands beside other tasks' losses as that of independent tokens would.

    A record counts by the mean weight of its labelled tokens.

    Args:
        emissions: (B, T, k).
        head: with the scores of first classes and of transitions.
        targets: of the same records.
    """
    known = targets.weights > 0  # (B, T)
    labelled = known.any(1)
    if not bool(labelled.all()):
        emissions, known = emissions[labelled], known[labelled]
        targets = ChainTargets(targets.lengths[labelled], targets.probabilities[labelled], targets.weights[labelled])
    if not len(known):
        return torch.zeros(())
    whole = log_partition(emissions, head.first, head.step, targets.lengths)
    losses = whole - _expected_scores(emissions, head, targets, known)
    total = targets.weights.sum()
    shares = targets.weights.sum(1) / known.sum(1)
    return (losses * shares).sum() / total.clamp(min=1e-6)


def _expected_scores(emissions: Tensor, head: Transitions, targets: ChainTargets, known: Tensor) -> Tensor:
    """(B,) the score that the labels expect, gaps included."""
    q = targets.probabilities
    score = (q * emissions).sum((1, 2)) + q[:, 0] @ head.first
    leaving = q @ head.step  # (B, T, k) score of each class after what the label of a token expects
    score = score + (leaving[:, :-1] * q[:, 1:]).sum((1, 2))
    gaps = _gaps(known, targets.lengths)
    if not len(gaps.rows):
        return score
    arriving = q @ head.step.T  # (B, T, k) score of each class before it
    return score.index_add(0, gaps.rows, _gap_partitions(emissions, leaving, arriving, head, gaps))


@dataclass(frozen=True)
class _Gaps:
    """Runs of tokens without labels: row, first token, one beyond the last, and whether a label stands on each side."""

    rows: Tensor
    starts: Tensor
    stops: Tensor


def _gaps(known: Tensor, lengths: Tensor) -> _Gaps:
    inside = length_mask(lengths, known.shape[1]) & ~known
    none = torch.zeros(len(known), 1, dtype=torch.bool)
    edges = torch.cat([none, inside, none], dim=1).to(torch.int8).diff(dim=1)
    rows, starts = (edges == 1).nonzero(as_tuple=True)
    return _Gaps(rows, starts, (edges == -1).nonzero(as_tuple=True)[1])


def _gap_partitions(
    emissions: Tensor, leaving: Tensor, arriving: Tensor, head: Transitions, gaps: _Gaps,
) -> Tensor:
    """(gaps,) the log-partition of each gap, its ends tied to the labels beside it."""
    lengths = gaps.stops - gaps.starts
    width, last = int(lengths.max()), emissions.shape[1] - 1
    places = (gaps.starts.unsqueeze(1) + torch.arange(width)).clamp(max=last)
    own = emissions[gaps.rows.unsqueeze(1), places]  # (G, W, k)
    # The label before a first token is none: `leaving` is zeros there, and `first` counts instead.
    opened = torch.where((gaps.starts > 0).unsqueeze(1), leaving[gaps.rows, gaps.starts - 1], head.first)
    # Beyond the last token there is no label: padding has zero probabilities, and so has the clamped last token.
    closed = arriving[gaps.rows, gaps.stops.clamp(max=last)]
    steps = torch.arange(width)
    own = own + torch.where((steps == 0).view(1, -1, 1), opened.unsqueeze(1), 0.0)
    own = own + torch.where((steps == (lengths - 1).unsqueeze(1)).unsqueeze(2), closed.unsqueeze(1), 0.0)
    return log_partition(own, torch.zeros_like(head.first), head.step, lengths)


def log_partition(emissions: Tensor, first: Tensor, step: Tensor, lengths: Tensor) -> Tensor:
    """(B,) log of the summed exponentiated scores of all paths.

    Args:
        emissions: (B, T, k).
        first: (k,) score of a class as the first.
        step: (k, k) score of going from one class to another.
        lengths: (B,) from 1; what is beyond is not looked at.
    """
    found: Tensor = _LogPartition.apply(emissions, first, step, lengths)  # type: ignore[no-untyped-call]
    return found


class _LogPartition(torch.autograd.Function):
    """Forward recursion now, backward recursion for the gradient: marginals of tokens and of neighbours."""

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, first: Tensor, step: Tensor, lengths: Tensor) -> Tensor:
        """(B,)."""
        mask = length_mask(lengths, emissions.shape[1])  # (B, T)
        scores = emissions.transpose(0, 1).clone(memory_format=torch.contiguous_format)  # (T, B, k): steps are blocks
        scores[0] += first
        tops = scores.amax(2, keepdim=True)
        local, peak = torch.exp(scores - tops), step.max()
        moves = torch.exp(step - peak)
        ahead, sums = _forward(local, moves, mask)
        logs = (sums.log() + tops.squeeze(2)).T * mask
        ctx.save_for_backward(local, moves, ahead, sums, mask)
        return logs.sum(1) + peak * (lengths - 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Marginal probabilities, by row as much as its loss counts."""
        local, moves, ahead, sums, mask = ctx.saved_tensors
        grad = grads[0].unsqueeze(1)  # (B, 1)
        back, pulls = _backward(local, moves, sums, mask)
        tokens = ahead * back * (grad * mask).T.unsqueeze(2)  # (T, B, k)
        k = moves.shape[0]
        pairs = (ahead[:-1] * grad).reshape(-1, k).T @ pulls[1:].reshape(-1, k) * moves
        return tokens.transpose(0, 1), tokens[0].sum(0), pairs, None


def _forward(local: Tensor, moves: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(T, B, k) probabilities of the class so far, and (T, B) what they were divided by (1 beyond a row's end)."""
    ahead, sums = torch.empty_like(local), local.new_ones(local.shape[:2])
    found = local[0]
    for place in range(len(local)):
        if place:
            found = (ahead[place - 1] @ moves) * local[place]
        total = found.sum(1).clamp(min=FEWEST)
        sums[place] = torch.where(mask[:, place], total, 1.0)
        ahead[place] = found / total.unsqueeze(1)
    return ahead, sums


def _backward(local: Tensor, moves: Tensor, sums: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(T, B, k) of what follows a class, and what each token hands to the one before it (zeros beyond the end)."""
    back, pulls = torch.ones_like(local), torch.zeros_like(local)
    reverse = moves.T.contiguous()
    for place in range(len(local) - 1, 0, -1):
        inside = mask[:, place].unsqueeze(1)
        pulls[place] = local[place] * back[place] / sums[place].unsqueeze(1) * inside
        back[place - 1] = torch.where(inside, pulls[place] @ reverse, 1.0)
    return back, pulls
