"""The object store: put, get and list, with errors that say whether another try is worth it."""

from __future__ import annotations

import hashlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from candlewick.settings import Settings, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from candlewick.lake.readers import Readers

CHUNK_BYTES = 1 << 18
DELETED_AT_ONCE = 1000
"""What the protocol takes in one request."""


class LakeError(Exception):
    """The object store refused; trying again will not help."""


class LakeUnavailable(LakeError):
    """The object store does not answer, or answers 5xx: trying again later is right."""


class ObjectMissing(LakeError):
    """The object is not there."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing shows it; ``written_at`` is naive UTC, by the store's clock."""

    key: str
    bytes: int
    written_at: datetime


class Lake:
    """Objects by bucket and key, over a boto3 S3 client (safe to share between threads)."""

    def __init__(self, client: Any, config: Settings | None = None) -> None:
        self._client = client
        self.config = config or settings()
        self._readers: Readers | None = None
        self._lock = Lock()

    def close(self) -> None:
        """End threads and connections."""
        if self._readers is not None:
            self._readers.close()
        self._client.close()

    def ensure_buckets(self) -> list[str]:
        """Create the buckets that are missing; return their names."""
        with _typed_errors("list the buckets"):
            present = {bucket["Name"] for bucket in self._client.list_buckets()["Buckets"]}
        missing = [
            name
            for name in (self.config.raw_bucket, self.config.archive_bucket, self.config.backup_bucket)
            if name not in present
        ]
        for name in missing:
            with _typed_errors(f"create the bucket {name}"):
                self._create(name)
        return missing

    def _create(self, bucket: str, **options: Any) -> None:
        try:
            self._client.create_bucket(Bucket=bucket, **options)
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == "IllegalLocationConstraintException" and not options:
                # Amazon wants to be told the region it is asked in, except for us-east-1; others refuse what they do not know.
                here = {"LocationConstraint": self._client.meta.region_name}
                self._create(bucket, CreateBucketConfiguration=here)
            elif code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def put(self, bucket: str, key: str, payload: bytes) -> None:
        """Write an object; when this returns it is there."""
        self._put(bucket, key, payload)

    def put_file(self, bucket: str, key: str, file: BinaryIO) -> None:
        """Write an object from a seekable file, from its beginning, without holding it in memory."""
        self._put(bucket, key, file)

    def get(self, bucket: str, key: str) -> bytes:
        """Read an object whole.

        Raises:
            ObjectMissing: when there is none.
        """
        with _typed_errors(f"read {bucket}/{key}"):
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def read_into(self, bucket: str, key: str, sink: BinaryIO) -> str:
        """Copy an object into a sink without holding it in memory; return the sha256 of what was read.

        What an error leaves in the sink is a part of the object.

        Raises:
            ObjectMissing: when there is none.
            LakeUnavailable: also when the store ends in the middle of it.
        """
        digest = hashlib.sha256()
        with _typed_errors(f"read {bucket}/{key}"):
            for chunk in self._client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
                sink.write(chunk)
        return digest.hexdigest()

    def get_many(self, bucket: str, keys: Sequence[str]) -> Iterator[bytes | None]:
        """Read many small objects, in order; None where there is none. Some are read ahead, never all.

        Raises:
            LakeUnavailable, LakeError: at the first that cannot be read.
        """
        from candlewick.lake.readers import Readers

        with self._lock:  # several threads share a lake, and its readers
            if self._readers is None:
                self._readers = Readers(self._client, self.config.lake_concurrency)
        return self._readers.read(bucket, keys)

    def size(self, bucket: str, key: str) -> int:
        """Return an object's bytes without reading it.

        Raises:
            ObjectMissing: when there is none.
        """
        with _typed_errors(f"look at {bucket}/{key}"):
            return int(self._client.head_object(Bucket=bucket, Key=key)["ContentLength"])

    def delete_many(self, bucket: str, keys: Sequence[str]) -> dict[str, str]:
        """Delete objects, 1000 a request; return those that the store refused to delete, with its reasons.

        An object that is not there counts as deleted; a refusal that names no object is one of all in its request. When
        this raises, earlier requests have been done.

        Raises:
            LakeUnavailable, LakeError: the store refused a whole request.
        """
        refused: dict[str, str] = {}
        for start in range(0, len(keys), DELETED_AT_ONCE):
            part = keys[start : start + DELETED_AT_ONCE]
            with _typed_errors(f"delete {len(part)} objects of {bucket}, {part[0]} first"):
                answer = self._client.delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in part], "Quiet": True}
                )
            for error in answer.get("Errors", []):
                if error.get("Code") != "NoSuchKey":
                    reason = f"{error.get('Code', 'error')}: {error.get('Message', '')}"
                    refused |= dict.fromkeys([error["Key"]] if error.get("Key") else part, reason)
        return refused

    def keys(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Iterate over the keys under a prefix, in order."""
        for key, _ in self.sizes(bucket, prefix):
            yield key

    def sizes(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Iterate over the keys under a prefix, in order, with the objects' bytes."""
        for found in self.objects(bucket, prefix):
            yield found.key, found.bytes

    def objects(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """Iterate over the objects under a prefix, in the order of their keys; a page of 1000 is in memory at a time."""
        with _typed_errors(f"list {bucket}/{prefix}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Contents", []):
                    written_at = entry["LastModified"].astimezone(UTC).replace(tzinfo=None)
                    yield StoredObject(entry["Key"], entry["Size"], written_at)

    def _put(self, bucket: str, key: str, body: bytes | BinaryIO) -> None:
        with _typed_errors(f"write {bucket}/{key}"):
            try:
                self._put_once(bucket, key, body)
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchBucket":
                    raise
                self.ensure_buckets()
                self._put_once(bucket, key, body)

    def _put_once(self, bucket: str, key: str, body: bytes | BinaryIO) -> None:
        if not isinstance(body, bytes):
            body.seek(0)  # a first try may have read it
        self._client.put_object(Bucket=bucket, Key=key, Body=body)


@contextmanager
def _typed_errors(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        sentence = f"expected to {what}, but the object store answered {error.response['Error'].get('Code', status)}"
        if error.response["Error"].get("Code") in ("NoSuchKey", "404"):
            raise ObjectMissing(sentence) from error
        if status >= 500 or error.response["Error"].get("Code") == "SlowDown":  # noqa: PLR2004 -- HTTP server errors
            raise LakeUnavailable(f"{sentence}; it will be tried again") from error
        raise LakeError(f"{sentence}; check the `lake` connection and its rights") from error
    except BotoCoreError as error:
        raise LakeUnavailable(
            f"expected to {what}, but the object store does not answer ({error}); is it up?"
        ) from error


def main() -> int:
    """Create missing buckets: ``python -m candlewick.lake.store ensure``."""
    from candlewick import connections

    if sys.argv[1:] != ["ensure"]:
        sys.stderr.write("usage: python -m candlewick.lake.store ensure\n")
        return 2
    try:
        with connections.lake() as store:
            made = store.ensure_buckets()
    except LakeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"buckets made: {', '.join(made) or 'none, all were there'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
