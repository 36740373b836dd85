"""From an address to the bucket that it means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import UsageError
from ovt.storage.buckets.folder import FolderBucket
from ovt.storage.buckets.interface import S3

if TYPE_CHECKING:
    from ovt.storage.buckets.interface import Bucket


def bucket_at(url: str, endpoint: str | None = None) -> Bucket:
    """The bucket of an address: `s3://bucket/prefix`, or a folder.

    Raises:
        UsageError: an address of another kind.
    """
    if url.startswith(S3):
        from ovt.storage.buckets.s3 import S3Bucket

        return S3Bucket(url, endpoint)
    if "://" in url and not url.startswith("file://"):
        raise UsageError(f"cannot publish to `{url}`", why="known are s3://bucket/prefix and folders",
                         command="ovt publish s3://bucket/prefix")
    return FolderBucket(Path(url.removeprefix("file://")))
