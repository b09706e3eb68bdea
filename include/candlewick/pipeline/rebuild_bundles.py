"""What a rebuild makes of a bundle: its row, and a row for each answer in it that no ledger names."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from candlewick.lake import bundle
from candlewick.lake.keys import parse_raw_key
from candlewick.warehouse import bundles
from candlewick.warehouse.bundles import Bundle, BundleState

if TYPE_CHECKING:
    from datetime import datetime

    from candlewick.lake.keys import BundleKey, RawKey
    from candlewick.lake.store import Lake
    from candlewick.warehouse.database import Session


@dataclass(frozen=True, slots=True)
class Member:
    """An answer in a bundle."""

    key: str
    found: RawKey
    payload_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a bundle holds: answers, and how many members are none."""

    members: list[Member]
    foreign: int
    bundle_bytes: int
    sha256: str


def read(lake: Lake, key: str) -> Content:
    """Read a bundle of the archive.

    Raises:
        DamagedBundle: it cannot be unpacked.
        LakeError: it cannot be read.
    """
    members, foreign = [], 0
    with tempfile.TemporaryFile(prefix="candlewick-") as file:
        sha256 = bundle.fetch(lake, lake.config.archive_bucket, key, file)
        for name, payload in bundle.members(file):
            found = parse_raw_key(name)
            if found is None:
                foreign += 1
            else:
                members.append(Member(name, found, len(payload), hashlib.sha256(payload).hexdigest()))
        file.seek(0, 2)
        return Content(members, foreign, file.tell(), sha256)


def register(
    session: Session,
    exchange: str,
    bucket: str,
    key: str,
    named: BundleKey,
    content: Content,
    run_id: str,
    now: datetime,
) -> int:
    """Write the row of a bundle that none has; return its id. Whether its sources are still there, the archive step finds out."""
    return bundles.record(
        session,
        Bundle(
            0, exchange, named.symbol, named.data_type.value, named.interval.value if named.interval else "", named.date,
            bucket, key, len(content.members) + content.foreign, sum(one.payload_bytes for one in content.members),
            content.bundle_bytes, content.sha256, BundleState.ARCHIVED,
        ),
        run_id,
        now,
    )  # fmt: skip
