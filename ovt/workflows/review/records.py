"""Records of any version from its row store, by id: for those that the data of the working tree has no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.store import Store
    from ovt.project import Project


def stored_records(project: Project, spec: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The records of a version that have one of these ids, as they would stand in the data, without labels and tags.

    Raises:
        UsageError: no such revision.
        MissingError: the store of that version is not on this machine.
    """
    from ovt.versions.history import resolve
    from ovt.workflows.review.votes import opened_store

    with opened_store(project, resolve(project, spec)) as store:
        rows = store.rows_of(list(ids)).tolist() if ids else []
        return {name: _plain(store, name, row) for name, row in zip(ids, rows, strict=True) if row >= 0}


def _plain(store: Store, name: str, row: int) -> dict[str, Any]:
    view = store.record(row)
    payloads = {payload: _value(view[payload]) for payload in store.schema.payloads}
    return {"id": name, "payloads": {payload: value for payload, value in payloads.items() if value is not None}}


def _value(value: Any) -> Any:
    """As JSON has it: members of a set as their fields, a vector as a list."""
    if isinstance(value, list | tuple):
        return [getattr(one, "fields", one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value
