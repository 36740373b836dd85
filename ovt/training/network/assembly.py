"""The module of each payload, by its type and what the values say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.training.network.payloads import Aggregate, Category, Numbers, OwnText, Sequence
from ovt.training.network.pretrained import PretrainedText
from ovt.training.network.sets import MemberSet, MemberTables

if TYPE_CHECKING:
    from torch import nn

    from ovt.schema.spec import Payload
    from ovt.training.network.blueprint import Blueprint


def payload_module(blueprint: Blueprint, name: str, words: int) -> nn.Module:
    """The module of a payload; `words` is the size of the word vectors that it reads."""
    payload = blueprint.schema.payloads[name]
    values, dropout = blueprint.values.payloads[name], blueprint.values.training.dropout
    base = [blueprint.size(other) for other in payload.base]
    if payload.type == "sequence":
        return _text(blueprint, payload, words, base)
    if payload.type == "set":
        sizes = {other: blueprint.size(other) for other in blueprint.schema.payloads}
        return MemberSet(payload, values, words, _members(blueprint, name), sizes, dropout=dropout)
    if payload.base:
        return Aggregate(payload, values, base, dropout)
    return _leaf(blueprint, payload, words)


def _text(blueprint: Blueprint, payload: Payload, words: int, base: list[int]) -> nn.Module:
    values, dropout = blueprint.values.payloads[payload.name], blueprint.values.training.dropout
    if blueprint.is_pretrained(payload.name):
        return PretrainedText(payload, values, blueprint.embeddings.configs[values.embedding], base, dropout)
    return Sequence(payload, values, words, base, dropout)


def _members(blueprint: Blueprint, name: str) -> MemberTables:
    key = f"{name}.id"
    if key not in blueprint.embeddings.tables:
        return MemberTables(blueprint.names[key], blueprint.names[key], 0)
    learned, length = blueprint.embeddings.tables[key]
    return MemberTables(blueprint.names[key], learned, length)


def _leaf(blueprint: Blueprint, payload: Payload, words: int) -> nn.Module:
    values, dropout = blueprint.values.payloads[payload.name], blueprint.values.training.dropout
    if payload.dtype == "category":
        return Category(payload, values, blueprint.names[payload.name])
    if payload.dtype in {"number", "vector"}:
        return Numbers(payload, values, dropout)
    return OwnText(_text(blueprint, payload, words, []), values)
