"""`load(folder) -> Model`: a bundle, checked against its manifest, ready to answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.serving.manifest import SIGNATURE, read_manifest, verify
from ovt.serving.model import Model
from ovt.serving.reading import read_parts
from ovt.serving.session import Session

if TYPE_CHECKING:
    import os


def load(folder: str | os.PathLike[str], *, threads: int = 1, check: bool = True) -> Model:
    """Load a bundle that `ovt export` made.

    Args:
        folder: the bundle.
        threads: that one call computes on; one is fastest for single records.
        check: compare every file with its digest first (2 ms per megabyte).

    Example:
        >>> import ovt
        >>> ovt.load("/nowhere")
        Traceback (most recent call last):
        ...
        ovt.errors.MissingError: there is no bundle here
          at   /nowhere
          why  it has no bundle.json
          fix  make one
          try  ovt export --output /nowhere

    Raises:
        MissingError: there is no bundle, it is damaged, or onnxruntime is not installed.
    """
    found = Path(folder)
    manifest = read_manifest(found)
    if check:
        verify(found, manifest)
    signature = json.loads((found / SIGNATURE).read_text(encoding="utf-8"))
    return Model(read_parts(found), Session(found / manifest["network"], threads), manifest, signature)
