"""The forms of slices by name, and how large the default one's experts may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.training.network.slices import Logit, LowRank, SliceLayer, SliceShape
from ovt.training.network.slices_sram import Sram

if TYPE_CHECKING:
    from ovt.schema.spec import TaskType
    from ovt.training.tuning.values import SliceValues

FORMS: dict[str, type[SliceLayer]] = {"logit": Logit, "lowrank": LowRank, "sram": Sram}
WIDEST = 960
"""Hidden units of all slices' experts together, above one each: what a CPU computes for one record in well under the
time that its encoder takes."""


def expert_rank(asked: int, slices: int) -> int:
    """The rank of each expert: what was asked, at least 1, less where so many slices would take long."""
    return max(1, min(asked, WIDEST // slices))


def build_slices(values: SliceValues, size: int, slices: int, tasks: dict[str, tuple[TaskType, int]]) -> SliceLayer:
    """The slice layer of one payload.

    Args:
        values: form, rank, temperature.
        size: components of the payload's representation.
        slices: how many there are, at least 1.
        tasks: of the payload: type, and logits per element.
    """
    shape = SliceShape(size, slices, tasks, expert_rank(values.rank, slices), values.temperature)
    return FORMS[values.form](shape)
