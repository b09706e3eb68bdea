"""What tests find on this machine: the dbt command, and recordings of the real exchange if there are any."""

from __future__ import annotations

import os
from pathlib import Path

from candlewick.settings import REPOSITORY, Settings

DBT = Settings().dbt
# Named, or a folder shared by checkouts; what needs them is skipped where they are not.
RECORDINGS = Path(os.environ.get("CANDLEWICK_RECORDINGS") or REPOSITORY.parent / "shared" / "data" / "binance")
NO_RECORDINGS = "" if RECORDINGS.is_dir() else f"no recorded exchange data at {RECORDINGS} (CANDLEWICK_RECORDINGS)"
