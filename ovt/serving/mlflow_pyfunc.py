"""What MLflow calls to load a bundle as a `python_function` (its `loader_module`); it imports no MLflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.serving.loading import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.serving.model import Model


class PythonFunction:
    """A model under the interface that MLflow expects."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Answer a table, a list of records, or one record.

        A row of a table is a record; its `payloads` may be JSON text. A row
        without a column `payloads` has one column per payload.
        """
        del params
        rows = model_input.to_dict("records") if hasattr(model_input, "to_dict") else model_input
        return self.model.predict([record_of(row) for row in ([rows] if isinstance(rows, dict) else rows)])


def record_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a record."""
    if "payloads" not in row:
        identity = {"id": row["id"]} if "id" in row else {}
        return {**identity, "payloads": {name: value for name, value in row.items() if name != "id"}}
    given = row["payloads"]
    return {**row, "payloads": json.loads(given) if isinstance(given, str) else given}


def _load_pyfunc(path: str) -> PythonFunction:
    """The name that MLflow looks for."""
    return PythonFunction(load(path))
