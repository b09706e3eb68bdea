"""Many small objects at once, by a client that spends a sixth of boto3's processor time on each.

boto3 stays the client of everything else. Endpoint, region and credentials are those of the boto3 client that is given,
so there is one connection to configure; credentials that expire are refreshed by botocore.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from candlewick.lake.store import LakeError, LakeUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from obstore.store import ClientConfig, S3Credential

AHEAD = 4
"""Objects that are read ahead, for each request in flight: while some are used, the requests go on."""
RETRIES = 3
KEPT = timedelta(minutes=10)
"""Credentials are asked for again five minutes before; botocore gives none that end earlier than in ten."""
REGION = "us-east-1"
"""What boto3 signs with when nobody named a region."""


class Readers:
    """Threads that read objects, over the connection of a boto3 S3 client."""

    def __init__(self, client: Any, concurrency: int) -> None:
        self._client, self._concurrency = client, concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="lake")
        self._stores: dict[str, S3Store] = {}
        self._lock = Lock()

    def read(self, bucket: str, keys: Sequence[str]) -> Iterator[bytes | None]:
        """Read objects, in order; see ``Lake.get_many``."""
        store = self._store(bucket)
        ahead: deque[Future[bytes | None]] = deque()
        try:
            for key in keys:
                ahead.append(self._pool.submit(_get, store, bucket, key))
                if len(ahead) > self._concurrency * AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _store(self, bucket: str) -> S3Store:
        with self._lock:
            if bucket not in self._stores:
                meta = self._client.meta
                self._stores[bucket] = S3Store(
                    bucket,
                    endpoint=meta.endpoint_url,
                    region=REGION if meta.region_name in (None, "aws-global") else meta.region_name,
                    virtual_hosted_style_request=False,  # the whole endpoint has one host name, as for boto3
                    credential_provider=self._credentials,
                    client_options=self._options(),
                    retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=60)},
                )
            return self._stores[bucket]

    def _credentials(self) -> S3Credential:
        """Return what the boto3 client signs with; botocore has no public way to it."""
        found = self._client._request_signer._credentials.get_frozen_credentials()  # noqa: SLF001
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.token,
            "expires_at": datetime.now(UTC) + KEPT,  # without an end they would be kept for good
        }

    def _options(self) -> ClientConfig:
        verify = self._client._endpoint.http_session._verify  # noqa: SLF001 -- likewise: `verify` of the connection
        options: ClientConfig = {
            "allow_http": self._client.meta.endpoint_url.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=30),
        }
        if verify is False:
            options["allow_invalid_certificates"] = True
        elif isinstance(verify, str):
            options["root_certificate"] = Path(verify).read_bytes()
        return options


def _get(store: S3Store, bucket: str, key: str) -> bytes | None:
    try:
        return bytes(obstore.get(store, key).bytes())
    except FileNotFoundError:
        return None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise LakeError(
            f"expected to read {bucket}/{key}, but the object store refused ({_said(error)}); check the `lake` connection and its rights"
        ) from error
    except BaseError as error:
        raise LakeUnavailable(
            f"expected to read {bucket}/{key}, but the object store does not answer ({_said(error)}); it will be tried again"
        ) from error


def _said(error: Exception) -> str:
    """Return what happened in one line, without the structures of the client that stand behind it."""
    return " ".join(str(error).partition("Debug source:")[0].split())
