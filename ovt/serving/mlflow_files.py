"""The files that make a bundle an MLflow `python_function` model; MLflow itself is not needed to write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.storage.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

MODEL_FILE = "MLmodel"
LOADER = "ovt.serving.mlflow_pyfunc"
REQUIREMENTS = ("numpy>=2", "msgspec>=0.19", "onnxruntime>=1.20", "ovt")

DESCRIPTION = f"""flavors:
  python_function:
    env:
      virtualenv: python_env.yaml
    loader_module: {LOADER}
    python_version: '3.11'
signature:
  inputs: '[{{"name": "payloads", "type": "string"}}]'
  outputs: '[{{"type": "string"}}]'
"""
ENVIRONMENT = """python: '3.11'
build_dependencies: [pip]
dependencies: [-r requirements.txt]
"""


def write_mlflow_files(folder: Path) -> None:
    """Write `MLmodel`, `python_env.yaml` and `requirements.txt` into a bundle."""
    write_text(folder / MODEL_FILE, DESCRIPTION)
    write_text(folder / "python_env.yaml", ENVIRONMENT)
    write_text(folder / "requirements.txt", "".join(f"{one}\n" for one in REQUIREMENTS))
