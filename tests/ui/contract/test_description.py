"""The API does what its OpenAPI document says: schemathesis makes requests of it, good and bad, and checks every answer.

Only reading: a made-up change would be a change. The stream has no end, so its own tests ask for it. Covered so far is what
tells of the data's health.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"

OF_THE_DATA = "/api/v1/(gaps|revisions|reconciliation|coverage|ingestion|deduplication|quality|weights|storage|pipeline|dashboard|metrics)"


def test_every_answer_is_one_the_description_knows(platform_ui, tmp_path):
    words = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{platform_ui.url}/candlewick/api/openapi.json",
        "--header", f"Authorization: {platform_ui.client().headers['authorization']}",
        "--include-method", "GET", "--include-path-regex", OF_THE_DATA,
        "--phases", "coverage,fuzzing", "--max-examples", "5", "--generation-deterministic",
        "--checks", CHECKS, "--request-timeout", "30", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No operations" not in done.stdout
