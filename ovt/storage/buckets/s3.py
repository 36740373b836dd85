"""S3, through boto3, which only this module imports.

Credentials come from where AWS tools look for them; they are never written.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError
from ovt.storage.buckets.interface import S3, Stamped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
CHANGED = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
UNKNOWN = frozenset({"501", "NotImplemented"})
DENIED = frozenset({
    "401", "403", "AccessDenied", "ExpiredToken", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch",
})
ATTEMPTS = 5
"""Of every request, with growing pauses."""


class S3Bucket:
    """`s3://bucket/prefix`."""

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.bucket, _, prefix = self.url.removeprefix(S3).partition("/")
        if not self.bucket:
            raise UsageError(f"`{url}` names no bucket", fix="e.g. `s3://models/search`")
        self.prefix = f"{prefix}/" if prefix else ""
        self.endpoint = endpoint

    @cached_property
    def client(self) -> Any:
        """The connection."""
        import boto3
        from botocore.config import Config

        retries = {"max_attempts": ATTEMPTS, "mode": "standard"}
        with self._told():
            # A session of its own: the default one remembers credentials, and is not for several threads.
            return boto3.session.Session().client("s3", endpoint_url=self.endpoint,
                                config=Config(retries=retries, connect_timeout=10, read_timeout=60))

    def size(self, name: str) -> int | None:
        """See `Bucket.size`."""
        with self._told(absent_is_none=True) as found:
            found.append(self.client.head_object(**self._at(name))["ContentLength"])
        return int(found[0]) if found else None

    def read(self, name: str) -> Stamped | None:
        """See `Bucket.read`."""
        with self._told(absent_is_none=True) as found:
            answer = self.client.get_object(**self._at(name))
            found.append(Stamped(answer["Body"].read(), answer["ETag"]))
        return found[0] if found else None

    def names(self, prefix: str) -> Iterator[str]:
        """See `Bucket.names`."""
        with self._told():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{prefix}")
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield str(entry["Key"]).removeprefix(self.prefix)

    def put(self, name: str, file: Path) -> None:
        """See `Bucket.put`; a large file goes up in parts, and shows when all of them are there."""
        with self._told():
            self.client.upload_file(str(file), self.bucket, self.prefix + name)

    def get(self, name: str, file: Path) -> bool:
        """See `Bucket.get`."""
        with self._told(absent_is_none=True) as found:
            self.client.download_file(self.bucket, self.prefix + name, str(file))
            found.append(True)
        return bool(found)

    def write(self, name: str, content: bytes) -> None:
        """See `Bucket.write`."""
        with self._told():
            self.client.put_object(**self._at(name), Body=content)

    def replace(self, name: str, content: bytes, expected: str | None) -> bool:
        """See `Bucket.replace`; where a server knows no conditional writes, looked at once more and written."""
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        with self._told():
            try:
                self.client.put_object(**self._at(name), Body=content, **condition)
            except ClientError as error:
                code = _code(error)
                if code in CHANGED or code in ABSENT:
                    return False
                if code not in UNKNOWN:
                    raise
                present = self.read(name)
                if (present.stamp if present else None) != expected:
                    return False
                self.write(name, content)
        return True

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + name}

    @contextmanager
    def _told(self, *, absent_is_none: bool = False) -> Iterator[list[Any]]:
        """Errors of boto3 in the user's words, without anything that identifies them to the server."""
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        try:
            yield []
        except ClientError as error:
            code = _code(error)
            if absent_is_none and code in ABSENT:
                return
            raise self._refused(code) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise MissingError(f"no credentials for `{self.url}`", why="AWS tools would find none here either",
                               fix="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile") from None
        except S3UploadFailedError as error:
            raise self._refused(next((code for code in DENIED if code in str(error)), "the upload failed")) from None
        except (BotoCoreError, OSError) as error:
            raise MissingError(f"`{self.url}` cannot be reached", why=type(error).__name__,
                               fix="what was sent stays; the same command goes on from there") from None

    def _refused(self, code: str) -> MissingError:
        if code in DENIED:
            return MissingError(f"`{self.url}` lets you not in", why=code, fix="check the key and what it may do")
        if code == "NoSuchBucket":
            return MissingError(f"there is no bucket `{self.bucket}`", at=self.url, fix="make it, or mend the address")
        return MissingError(f"`{self.url}` does not answer as it should", why=code,
                            fix="what was sent stays; the same command goes on from there")


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
